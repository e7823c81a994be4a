"""The request of a stream, and the parts of its response."""

from collections.abc import Iterator
from typing import Any, Final, cast
from urllib.parse import urljoin

from client.exporting.parts import Part, find_boundary, read_parts
from client.requesting.messages import Request, Response
from client.requesting.pages import parse_content_range
from client.requesting.sending import Sender
from client.tokens.access_tokens import AccessTokens
from encore.client.errors import (
    ApiRejectedError,
    ApiServerError,
    ClientError,
    UnexpectedResponseError,
)
from encore.client.responses import describe_error, is_redirect, parse_problem
from encore.client.urls import origin

MEDIA_TYPES: Final = {"csv": "text/csv", "ndjson": "application/x-ndjson"}

_BAD_REQUEST: Final = 400
_UNAUTHORIZED: Final = 401
_SERVER_ERROR: Final = 500
_OK: Final = 200


class StreamSource:
    """Requests streams of one list.

    Args:
        tokens: Where tokens come from.
        format_: ``csv`` or ``ndjson``.
        timeout: The longest wait for a connection, and for the next bytes.
    """

    def __init__(self, tokens: AccessTokens, format_: str, timeout: float | None) -> None:
        self._tokens = tokens
        self._media_type = MEDIA_TYPES[format_]
        self._timeout = timeout

    def read(self, url: str) -> Iterator[Part]:
        """Yield the rows of a stream; one of an API without parts is one part after the other.

        Raises:
            NetworkError: No response, or it was cut off.
            ApiError: The API responded with an error.
            UnexpectedResponseError: The response is not such a stream.
        """
        accept = f'multipart/mixed; type="{self._media_type}", {self._media_type};q=0.5'
        sender = Sender(self._tokens, self._timeout)
        try:
            response = self._send(sender, Request("GET", url, (("Accept", accept),)), url)
            content_type = response.headers.get("content-type")
            boundary = find_boundary(content_type)
            if boundary is None:
                self._check_whole(response, content_type)
                yield from _pieces(response)
                return
            for part in read_parts(response.iter_bytes(), boundary):
                yield part._replace(next_url=_absolute(url, part.next_url))
        finally:
            sender.close()

    def count(self, url: str) -> int | None:
        """Return how many rows a list has; None if the API does not say quickly."""
        separator = "&" if "?" in url else "?"
        headers = (("Accept", "application/json"), ("Prefer", "count=estimated"))
        sender = Sender(self._tokens, self._timeout)
        try:
            response = sender.send(Request("GET", f"{url}{separator}count=1", headers))
            found = parse_content_range(response.headers.get("content-range"))
        except ClientError:
            return None  # The export itself says what is wrong.
        finally:
            sender.close()
        return found.total if found is not None and response.status_code == _OK else None

    def _send(self, sender: Sender, request: Request, url: str) -> Response:
        response = sender.send(request)
        status = response.status_code
        like_httpx = cast("Any", response)  # The functions use what an httpx.Response has too.
        if is_redirect(like_httpx):
            raise UnexpectedResponseError(
                f"{origin(url)} responded with a redirect ({status}), which is not followed: the"
                " token is only sent to the requested URL."
            )
        if status >= _BAD_REQUEST:
            message = self._tokens.redact(describe_error(like_httpx))
            if status == _UNAUTHORIZED:
                message += f"\n{self._tokens.hint}"
            retry_after = response.headers.get("retry-after")
            error_class = ApiServerError if status >= _SERVER_ERROR else ApiRejectedError
            error = error_class(message, status, retry_after)
            error.problem = parse_problem(like_httpx)
            raise error
        return response

    def _check_whole(self, response: Response, content_type: str) -> None:
        """Raise unless a response without parts is a stream whose end can be noticed."""
        media_type = content_type.partition(";")[0].strip().lower()
        if media_type != self._media_type or response.status_code != _OK:
            raise UnexpectedResponseError(
                f"The API responded {response.status_code} with {media_type or 'no content type'}"
                f" instead of {self._media_type}: is this the URL of a list?"
            )
        names = {name.lower() for name, _ in response.headers.pairs}
        if names.isdisjoint({"transfer-encoding", "content-length"}):
            raise UnexpectedResponseError(
                "The response says neither how long it is nor where it ends: it could be cut off"
                " without notice."
            )


def _pieces(response: Response) -> Iterator[Part]:
    """Yield a stream without parts, as it arrives."""
    for chunk in response.iter_bytes():
        yield Part(chunk, has_header=False, rows=None, next_url=None)


def _absolute(url: str, link: str | None) -> str | None:
    """Return where a link leads, which must be the API that has the token.

    Raises:
        UnexpectedResponseError: It leads to another server.
    """
    if link is None:
        return None
    try:
        target = urljoin(url, link)
    except ValueError as error:
        raise UnexpectedResponseError(f"The stream's Link cannot be followed: {error}.") from error
    if origin(target) != origin(url):
        raise UnexpectedResponseError(
            f"The stream continues at {origin(target)}: the token is only sent to {origin(url)}."
        )
    return target
