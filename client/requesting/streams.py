"""CSV and NDJSON as the API streams them: every row in one response, in flat memory."""

from typing import Final
from urllib.parse import parse_qsl, urlsplit

from client.requesting.messages import Request, Response

_MEDIA_TYPES: Final = {"csv": "text/csv", "ndjson": "application/x-ndjson"}
_OF_PAGES: Final = frozenset(
    {"count", "offset", "page", "limit", "range", "_start", "_end", "_page", "_limit"}
)
"""Parameters that choose a page, which a stream has not."""


def ask_for_stream(request: Request, output_format: str) -> Request:
    """Return the request of a stream; JSON is accepted where there is none.

    A page, which the query chooses, is requested as JSON.
    """
    query = parse_qsl(urlsplit(request.url).query, keep_blank_values=True)
    if any(name in _OF_PAGES for name, _ in query):
        return request
    return request.with_header("Accept", f"{_MEDIA_TYPES[output_format]}, application/json;q=0.5")


def is_stream(response: Response, output_format: str) -> bool:
    """Return whether a response is in this format already."""
    return response.media_type == _MEDIA_TYPES.get(output_format)
