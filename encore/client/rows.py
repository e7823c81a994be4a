"""Rows as dicts, and the entity tags of their versions."""

import json
from typing import TYPE_CHECKING, Any, TypeVar, cast

from encore.client.encoding import NDJSON
from encore.client.errors import UnexpectedResponseError, UsageError
from encore.client.responses import not_json, parse_success

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import httpx

_T = TypeVar("_T")


class Row(dict[str, Any]):
    """A row: a dict that knows the version which the response named.

    Attributes:
        etag: Its entity tag, for ``if_match``; empty if the response had none. Rows of pages and
            streams have none.
        headers: The headers of the response.
    """

    etag = ""
    headers: "Mapping[str, str]" = {}  # noqa: RUF012 - replaced, never changed


def etag_of(row: Any) -> str:
    """Return the entity tag of a row or a page; empty if it has none."""
    etag = getattr(row, "etag", "")
    return etag if isinstance(etag, str) else ""


def as_etag(value: Any) -> str:
    """Return the entity tag that a value of ``if_match`` or ``if_none_match`` stands for.

    Args:
        value: An entity tag, ``*``, or a row or page that has one.

    Raises:
        UsageError: It has none.
    """
    etag = value if isinstance(value, str) else etag_of(value)
    if not etag:
        raise UsageError(
            "The row has no entity tag: rows of pages and streams, and copies, have none; read it"
            " with get."
        )
    return etag


def parse_row(response: "httpx.Response") -> Any:
    """Return the row of a response."""
    value = parse_success(response)
    if not isinstance(value, dict | None):
        raise UnexpectedResponseError("The API responded with something other than a row.")
    row = Row(value or {})
    row.etag = response.headers.get("etag", "")
    row.headers = response.headers
    return row


def parse_nothing(response: "httpx.Response") -> None:
    """Check a response whose body has nothing to say."""
    parse_success(response)


def parse_report(response: "httpx.Response") -> Any:
    """Return the report of a response: an object, or the rows if they were asked for."""
    value = parse_success(response)
    if not isinstance(value, dict | list | None):
        raise UnexpectedResponseError("The API responded with something other than a report.")
    return {} if value is None else value


def confirm_dry_run(parse: "Callable[[httpx.Response], _T]") -> "Callable[[httpx.Response], _T]":
    """Return a parser that demands the API's word that nothing was written."""

    def parse_confirmed(response: "httpx.Response") -> _T:
        result = parse(response)
        if response.headers.get("dry-run") == "true":
            return result
        if isinstance(result, dict) and result.get("dry_run") is True:
            return cast("_T", result)
        raise UnexpectedResponseError(
            "The API has not confirmed the dry run: the request may have been carried out."
        )

    return parse_confirmed


def check_stream(response: "httpx.Response") -> None:
    """Raise unless a response is NDJSON."""
    media_type = response.headers.get("content-type", "").partition(";")[0].strip()
    if media_type != NDJSON:
        raise UnexpectedResponseError(
            f"The API responded with {media_type or 'no content type'} instead of a stream."
        )


def parse_line(line: bytes, response: "httpx.Response") -> Any:
    """Return the row of a line of NDJSON."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise not_json(response) from error
    if not isinstance(row, dict):
        raise not_json(response)
    return row
