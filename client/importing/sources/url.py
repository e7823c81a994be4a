"""A URL of the external system as a source."""

import io
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode, urlsplit, urlunsplit

from client.errors import NetworkError, SourceError, SourceUnavailableError, UsageError
from client.importing.retries import RETRY_STATUSES
from client.importing.settings import SourceCredentials
from client.importing.sources.file_formats import (
    charset_of,
    format_of_media_type,
    format_of_path,
)
from client.importing.sources.source import OpenSource, Source
from client.transport import Transport
from client.urls import origin, require_https, validate_url

if TYPE_CHECKING:
    import httpx

_ACCEPT: Final = "text/csv, application/x-ndjson, application/json;q=0.9"
_OK: Final = 200


class UrlSource(Source):
    """A URL of the external system, with its own credentials.

    Args:
        url: http or https; its ``Content-Type``, or else its suffix, determines the format.
        credentials: Sent to this URL only.
        parameters: Appended to the query.
        insecure: Whether credentials may be sent over http to another machine.

    Raises:
        UsageError: The URL is malformed, or contains credentials.
        InsecureError: Credentials would be sent in clear.
    """

    def __init__(
        self,
        url: str,
        credentials: SourceCredentials,
        parameters: Mapping[str, str],
        *,
        insecure: bool = False,
    ) -> None:
        validate_url(url, "SOURCE", UsageError)
        if credentials.is_set and not insecure:
            require_https(url, "source's credentials")
        parts = urlsplit(url)
        query = "&".join(filter(None, (parts.query, urlencode(parameters))))
        self._url = urlunsplit(parts._replace(query=query, fragment=""))
        self._headers = {"Accept": _ACCEPT, **credentials.headers}
        self._path = PurePosixPath(parts.path)
        self.name = f"{parts.netloc}{parts.path}".rstrip("/")

    @contextmanager
    def open(self, *, reopen: bool = False) -> Iterator[OpenSource]:
        """Request the URL, and stream its body."""
        del reopen  # A URL can always be requested again.
        with ExitStack() as stack:
            transport = stack.enter_context(Transport())
            try:
                response, chunks = stack.enter_context(
                    transport.stream(self._url, headers=self._headers)
                )
            except NetworkError as error:
                raise SourceUnavailableError(str(error)) from error
            self._check_status(response)
            content = io.BufferedReader(_ResponseBody(chunks))
            yield OpenSource(
                content,
                self._format_of(response),
                _content_length(response),
                charset=charset_of(response.headers.get("content-type", "")),
            )

    def _check_status(self, response: "httpx.Response") -> None:
        status = response.status_code
        if status == _OK:
            return
        message = f"{origin(self._url)} did not return rows: {status} {response.reason_phrase}."
        if status in RETRY_STATUSES:
            retry_after = response.headers.get("retry-after", "")
            raise SourceUnavailableError(message, status, retry_after)
        raise SourceError(message)

    def _format_of(self, response: "httpx.Response") -> str:
        content_type = response.headers.get("content-type", "")
        return format_of_media_type(content_type) or format_of_path(self._path)


class _ResponseBody(io.RawIOBase):
    """A streamed response body as a file that can be read once."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._unread = b""
        self._position = 0

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def readinto(self, buffer: Any) -> int:
        try:
            while not self._unread:
                self._unread = next(self._chunks)
        except StopIteration:
            return 0
        except NetworkError as error:
            raise SourceUnavailableError(f"The source was cut off. {error}") from error
        chunk, self._unread = self._unread[: len(buffer)], self._unread[len(buffer) :]
        buffer[: len(chunk)] = chunk
        self._position += len(chunk)
        return len(chunk)


def _content_length(response: "httpx.Response") -> int | None:
    """Return the body's length in bytes, if it was sent and the body is not encoded."""
    length = response.headers.get("content-length", "")
    encoded = "content-encoding" in response.headers
    return int(length) if length.isdecimal() and not encoded else None
