"""The headers of responses, each a component of the document."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from encore.http.prefer_header import COUNT_MODES, MINIMAL, REPRESENTATION
from encore.openapi.components import Components

ETAG: Final = "ETag"
LAST_MODIFIED: Final = "Last-Modified"
LOCATION: Final = "Location"
CONTENT_RANGE: Final = "Content-Range"
PAGE_LINKS: Final = "Link.pages"
HISTORY_LINKS: Final = "Link.history"
APPLIED_COUNT: Final = "Preference-Applied.count"
APPLIED_RETURN: Final = "Preference-Applied.return"
DRY_RUN: Final = "Dry-Run"
REPLAYED: Final = "Idempotency-Replayed"
TOTAL_COUNT: Final = "X-Total-Count"
INVALID_VALUES: Final = "Invalid-Values"

LIST: Final = (CONTENT_RANGE, PAGE_LINKS, APPLIED_COUNT)
"""The headers of a page of rows."""

WRITE: Final = (APPLIED_RETURN, DRY_RUN, REPLAYED)
"""The headers of every write that succeeds."""

_HEADERS: Final[Mapping[str, Mapping[str, Any]]] = {
    ETAG: {
        "description": '`"<row version>.<representation>"`, a strong entity tag',
        "schema": {"type": "string", "pattern": r'^"[^"\s]*"$'},
        "example": '"1.5d41402abc4b2a76"',
    },
    LAST_MODIFIED: {
        "description": "When the row was last written, in whole seconds",
        "schema": {"type": "string"},
        "example": "Mon, 02 Mar 2026 09:30:00 GMT",
    },
    LOCATION: {
        "description": "The path of the row",
        "schema": {"type": "string"},
        "example": "/rows/1",
    },
    CONTENT_RANGE: {
        "description": "The range of these rows and the total: `items a-b/total`; for a page"
        " after the last row `items */total`, or `items a-(a-1)/total` as in Finale; `items a-b/*`"
        " if they are not counted",
        "schema": {"type": "string", "pattern": r"^items ((\d+-\d+|\*)/\d+|\d+-\d+/\*)$"},
        "example": "items 0-0/1",
    },
    PAGE_LINKS: {
        "description": "The next page, the previous and the first, if there are any"
        " (RFC 8288: next, prev, first)",
        "schema": {"type": "string"},
        "example": '</rows?count=10&cursor=AbC>; rel="next"',
    },
    HISTORY_LINKS: {
        "description": "The older entries (RFC 8288: next)",
        "schema": {"type": "string"},
        "example": '</rows/1/history?before=10>; rel="next"',
    },
    APPLIED_COUNT: {
        "description": "How the rows were counted, if Prefer chose it or they are estimated",
        "schema": {"type": "string", "enum": [f"count={name}" for name in COUNT_MODES]},
    },
    APPLIED_RETURN: {
        "description": "Whether the body was left out, if Prefer says so",
        "schema": {"type": "string", "enum": [f"return={n}" for n in (MINIMAL, REPRESENTATION)]},
    },
    DRY_RUN: {
        "description": "Nothing has been changed, because the request says dry_run=true",
        "schema": {"type": "string", "const": "true"},
    },
    REPLAYED: {
        "description": "The response is that of an earlier request with the same key",
        "schema": {"type": "string", "const": "true"},
    },
    TOTAL_COUNT: {
        "description": "The total, unless it is not counted",
        "schema": {"type": "integer", "minimum": 0},
        "example": 1,
    },
    INVALID_VALUES: {
        "description": "How many stored values do not fit their columns; they are shown as text",
        "schema": {"type": "integer", "minimum": 1},
        "example": 1,
    },
}


def response_headers(components: Components, names: Iterable[str]) -> dict[str, Any]:
    """Return the headers of a response, as references.

    Args:
        components: The components of the document.
        names: The names of the components: constants of this module.
    """
    return {
        name.partition(".")[0]: components.header(name, _HEADERS[name])
        for name in dict.fromkeys(names)
    }
