"""The calls of a resource: which request each method sends, and what its response becomes."""

from collections.abc import Mapping
from typing import Any, Final

from encore.client.encoding import NDJSON
from encore.client.errors import UsageError
from encore.client.options import (
    BulkOptions,
    ChangeOptions,
    FilterOptions,
    ReadOptions,
    UploadOptions,
    UpsertOptions,
    WriteOptions,
    check_options,
    option_headers,
    option_query,
    split_keywords,
)
from encore.client.paths import encode_key
from encore.client.query import encode_query, keyword_parameters
from encore.client.requests import NO_BODY, Call, Request
from encore.client.row_stream import Rows, RowStream
from encore.client.rows import confirm_dry_run, parse_nothing, parse_report, parse_row

NO_COUNT: Final = {"Prefer": "count=none"}
"""Of pages whose total is not used: counting reads every row."""


class ResourceCalls:
    """Builds the calls of a resource.

    Args:
        path: Its path, percent-encoded.
    """

    def __init__(self, path: str) -> None:
        self.path = path

    def list(
        self,
        parameters: Mapping[str, Any] | None,
        keywords: Mapping[str, Any],
        method: str = "list",
    ) -> Request:
        """Return the request of a page."""
        return self._read(self.path, method, parameters, keywords, {})

    def all(self, parameters: Mapping[str, Any] | None, keywords: Mapping[str, Any]) -> Request:
        """Return the request of the first of all pages."""
        return self._read(self.path, "all", parameters, keywords, NO_COUNT)

    def stream(self, parameters: Mapping[str, Any] | None, keywords: Mapping[str, Any]) -> Request:
        """Return the request of a stream of rows."""
        return self._read(self.path, "stream", parameters, keywords, {"Accept": NDJSON})

    def get(
        self, key: Any, parameters: Mapping[str, Any] | None, keywords: Mapping[str, Any]
    ) -> Call[Any]:
        """Return the call that reads a row."""
        path = encode_key(self.path, key)
        return Call(self._read(path, "get", parameters, keywords, {}), parse_row)

    def create(self, row: Mapping[str, Any] | None, keywords: Mapping[str, Any]) -> Call[Any]:
        """Return the call that creates a row."""
        body, options = split_keywords("create", row, keywords, WriteOptions)
        return self._write("POST", self.path, body, options, parse_row)

    def upsert(self, row: Mapping[str, Any] | None, keywords: Mapping[str, Any]) -> Call[Any]:
        """Return the call that creates a row, or finds the stored one."""
        body, options = split_keywords("upsert", row, keywords, UpsertOptions)
        options.setdefault("on_conflict", "merge")
        return self._write("POST", self.path, body, options, parse_row)

    def update(
        self,
        key: Any,
        changes: Mapping[str, Any] | None,
        keywords: Mapping[str, Any],
        method: str = "PATCH",
    ) -> Call[Any]:
        """Return the call that changes a row."""
        name = "update" if method == "PATCH" else "put"
        if changes is None and not keywords:
            raise UsageError(f"{name} needs a mapping or keywords: there is nothing to change.")
        body, options = split_keywords(name, changes, keywords, ChangeOptions)
        return self._write(method, encode_key(self.path, key), body, options, parse_row)

    def delete(self, key: Any, keywords: Mapping[str, Any]) -> Call[None]:
        """Return the call that deletes a row."""
        options = check_options("delete", keywords, ChangeOptions)
        path = encode_key(self.path, key)
        return self._write("DELETE", path, NO_BODY, options, parse_nothing)

    def restore(self, key: Any, keywords: Mapping[str, Any]) -> Call[Any]:
        """Return the call that restores a deleted row."""
        options = check_options("restore", keywords, ChangeOptions)
        path = f"{encode_key(self.path, key)}/restore"
        return self._write("POST", path, NO_BODY, options, parse_row)

    def bulk_create(self, rows: Rows, keywords: Mapping[str, Any]) -> Call[Any]:
        """Return the call that creates a row of each mapping."""
        options = check_options("bulk_create", keywords, BulkOptions)
        call = self._write("POST", f"{self.path}/bulk", NO_BODY, options, parse_report)
        return _with_content(call, RowStream(rows, as_array=True), "application/json")

    def bulk_update(self, rows: Rows, keywords: Mapping[str, Any]) -> Call[Any]:
        """Return the call that changes the row that each mapping names by its key."""
        options = check_options("bulk_update", keywords, WriteOptions)
        call = self._write("PATCH", self.path, NO_BODY, options, parse_report)
        return _with_content(call, RowStream(rows, as_array=True), "application/json")

    def upload(self, rows: Rows, keywords: Mapping[str, Any]) -> Call[Any]:
        """Return the call that creates or changes a row of each mapping, by a key."""
        options = {"report": "rejected", **check_options("upload", keywords, UploadOptions)}
        call = self._write("POST", f"{self.path}/upload", NO_BODY, options, parse_report)
        return _with_content(call, RowStream(rows, as_array=False), NDJSON)

    def update_where(
        self, filters: Mapping[str, Any], changes: Mapping[str, Any], keywords: Mapping[str, Any]
    ) -> Call[Any]:
        """Return the call that changes the rows that filters match."""
        return self._write_where("update_where", "PATCH", filters, changes, keywords)

    def delete_where(self, filters: Mapping[str, Any], keywords: Mapping[str, Any]) -> Call[Any]:
        """Return the call that deletes the rows that filters match."""
        return self._write_where("delete_where", "DELETE", filters, NO_BODY, keywords)

    def _write_where(
        self, name: str, method: str, filters: Any, body: Any, keywords: Mapping[str, Any]
    ) -> Call[Any]:
        options = check_options(name, keywords, FilterOptions)
        for value in (filters,) if body is NO_BODY else (filters, body):
            if not isinstance(value, Mapping):
                raise UsageError(f"{name} takes mappings, not a {type(value).__name__}.")
        if not filters:
            raise UsageError(f"{name} needs at least one filter.")
        # What the options say must not be said by filters too.
        options["params"] = filters
        return self._write(method, self.path, body, options, parse_report)

    def _read(
        self,
        path: str,
        method: str,
        parameters: Mapping[str, Any] | None,
        keywords: Mapping[str, Any],
        headers: Mapping[str, str],
    ) -> Request:
        query, options = split_keywords(method, parameters, keywords, ReadOptions)
        if parameters is None:
            query = keyword_parameters(query)
        return Request(
            "GET",
            path,
            encode_query(query),
            headers={**headers, **option_headers(options)},
            options=_timeout_of(options),
        )

    def _write(
        self, method: str, path: str, body: Any, options: Mapping[str, Any], parse: Any
    ) -> Call[Any]:
        request = Request(
            method,
            path,
            encode_query(option_query(options)),
            json=body,
            headers=option_headers(options),
            options=_timeout_of(options),
        )
        return Call(request, confirm_dry_run(parse) if options.get("dry_run") else parse)


def _with_content(call: Call[Any], content: RowStream, media_type: str) -> Call[Any]:
    headers = {"Content-Type": media_type, **call.request.headers}
    return Call(call.request._replace(content=content, headers=headers), call.parse)


def _timeout_of(options: Mapping[str, Any]) -> dict[str, Any]:
    return {"timeout": options["timeout"]} if "timeout" in options else {}
