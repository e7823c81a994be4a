"""Options of calls, and what they are in a request.

Methods take their content, a row or filters, as a mapping or as keywords. With a mapping the
keywords are options; without one all of them are content. So a column called ``timeout`` is never
taken for the option.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal, TypedDict

from encore.client.errors import UsageError
from encore.client.paths import join_names
from encore.client.rows import as_etag

if TYPE_CHECKING:
    from uuid import UUID

    import httpx

    Timeout = float | httpx.Timeout | None
else:
    Timeout = Any

MAX_KEY_LENGTH: Final = 255


class Options(TypedDict, total=False):
    """Options of every call.

    Attributes:
        headers: Further headers, such as ``Prefer``.
        timeout: Seconds or ``httpx.Timeout`` in place of the client's; None waits for ever.
    """

    headers: Mapping[str, str]
    timeout: Timeout


class RequestOptions(Options, total=False):
    """The rest of a request that is described in full.

    Attributes:
        params: Parameters of the query, by name, in the notation of the API; or pairs.
        json: The value of the body; None is ``null``.
        content: A body in another form: bytes, text, or an iterable of bytes. Without a
            ``Content-Type`` among the headers it is JSON.
    """

    params: Mapping[str, Any] | Sequence[tuple[str, Any]]
    json: Any
    content: Any


class ReadOptions(Options, total=False):
    """Options of ``get`` and ``list``.

    Attributes:
        if_none_match: An entity tag, or the row or page that has it: ``NotModified`` is raised if
            nothing has changed.
    """

    if_none_match: Any


class WriteOptions(Options, total=False):
    """Options of calls that write.

    Attributes:
        dry_run: Whether the API only says what would happen.
        idempotency_key: Names what is to be done: the API does it once, however often it is asked.
    """

    dry_run: bool
    idempotency_key: "str | UUID"


class ChangeOptions(WriteOptions, total=False):
    """Options of calls that change one row.

    Attributes:
        if_match: An entity tag, or the row that has it: ``PreconditionFailed`` is raised, and
            nothing is changed, if it is not the row's version any more.
    """

    if_match: Any


class UpsertOptions(WriteOptions, total=False):
    """Options of ``upsert``.

    Attributes:
        on: The fields of the unique key by which a stored row is found.
        on_conflict: ``merge`` (the default) changes a stored row, ``ignore`` returns it.
    """

    on: str | Sequence[str]
    on_conflict: Literal["merge", "ignore"]


class BulkOptions(WriteOptions, total=False):
    """Options of ``bulk_create``.

    Attributes:
        mode: ``atomic`` (the default): one rejected row rejects all; ``partial``: the others are
            written.
        report: ``all`` rows, or only those ``rejected``.
        on: As for ``upsert``.
        on_conflict: As for ``upsert``, of each row.
    """

    mode: Literal["atomic", "partial"]
    report: Literal["all", "rejected"]
    on: str | Sequence[str]
    on_conflict: Literal["merge", "ignore"]


class UploadOptions(WriteOptions, total=False):
    """Options of ``upload``.

    Attributes:
        key: The fields that identify a stored row.
        mode: As for ``bulk_create``.
        report: ``rejected`` rows (the default), or ``all``.
        params: Further parameters of the upload.
    """

    key: str | Sequence[str]
    mode: Literal["atomic", "partial"]
    report: Literal["all", "rejected"]
    params: Mapping[str, Any]


class FilterOptions(WriteOptions, total=False):
    """Options of ``update_where`` and ``delete_where``.

    Attributes:
        max_affected: How many rows the filters may match.
    """

    max_affected: int


_QUERY: Final = frozenset({"dry_run", "on", "on_conflict", "mode", "report", "key", "max_affected"})
"""Options that are parameters of the query."""


def split_keywords(
    method: str,
    content: Mapping[str, Any] | None,
    keywords: Mapping[str, Any],
    options: type[Any],
) -> tuple[Mapping[str, Any], dict[str, Any]]:
    """Return the content of a call and its options.

    Args:
        method: For the message.
        content: The mapping, if there is one.
        keywords: The keywords of the call.
        options: The class of its options.

    Raises:
        UsageError: The call has no such option.
    """
    if content is None:
        return keywords, {}
    if not isinstance(content, Mapping):
        raise UsageError(f"{method} takes a mapping or keywords, not a {type(content).__name__}.")
    return content, check_options(method, keywords, options)


def check_options(method: str, keywords: Mapping[str, Any], options: type[Any]) -> dict[str, Any]:
    """Return the options of a call.

    Raises:
        UsageError: The call has no such option.
    """
    known = sorted(options.__annotations__ | Options.__annotations__)
    for name in keywords:
        if name not in known:
            raise UsageError(
                f"{method} has no option {name!r}; it has {', '.join(known)}. Beside a mapping"
                " keywords are options: give all members in the mapping."
            )
    return dict(keywords)


def option_headers(options: Mapping[str, Any]) -> dict[str, str]:
    """Return the headers that options are sent as."""
    headers = dict(options.get("headers") or {})
    for option, name in (("if_match", "If-Match"), ("if_none_match", "If-None-Match")):
        if option in options:
            headers[name] = as_etag(options[option])
    if "idempotency_key" in options:
        headers["Idempotency-Key"] = _check_key(options["idempotency_key"])
    return headers


def option_query(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters that options are sent as."""
    query = {name: options[name] for name in options if name in _QUERY}
    for name in ("on", "key"):
        if query.get(name) is not None:
            query[name] = join_names(query[name])
    if query.get("dry_run") is False:
        del query["dry_run"]
    return {**(options.get("params") or {}), **{n: v for n, v in query.items() if v is not None}}


def _check_key(value: Any) -> str:
    key = "" if value is None else str(value)
    if not (key and len(key) <= MAX_KEY_LENGTH and key.isascii() and key.isprintable()):
        raise UsageError(
            f"An idempotency key has 1 to {MAX_KEY_LENGTH} visible characters of ASCII."
        )
    return key
