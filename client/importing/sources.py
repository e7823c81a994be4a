"""Sources of an import: a file, standard input, or a URL of the external system.

A source can be opened again, since a resumed job reads from the start and skips what was sent. A
source returns bytes; ``records`` parses them.
"""

import io
import shutil
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import urlencode, urlsplit, urlunsplit

from client.errors import NetworkError, SourceError, SourceUnavailableError, UsageError
from client.importing.mapping import FieldMapping
from client.importing.options import ImportOptions
from client.importing.retries import RETRY_STATUSES
from client.importing.settings import SourceCredentials
from client.transport import Transport
from client.urls import origin, require_https, validate_url

if TYPE_CHECKING:
    import httpx

_SUFFIXES: Final[Mapping[str, str]] = {
    ".csv": "csv",
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
    ".json": "json",
}
_MEDIA_TYPES: Final[Mapping[str, str]] = {
    "text/csv": "csv",
    "application/csv": "csv",
    "application/x-ndjson": "ndjson",
    "application/ndjson": "ndjson",
    "application/jsonl": "ndjson",
    "application/x-jsonlines": "ndjson",
    "application/json": "json",
}
_ACCEPT: Final = "text/csv, application/x-ndjson, application/json;q=0.9"
_OK: Final = 200


class OpenSource(NamedTuple):
    """A source opened for reading."""

    content: IO[bytes]
    file_format: str
    """From suffix or media type; empty if unknown."""
    size: int | None = None
    """Total bytes, if known."""


class Source(ABC):
    """Something that can be imported."""

    name: str
    """Identifies the source: the first half of natural keys."""

    @abstractmethod
    def open(self, *, reopen: bool) -> AbstractContextManager[OpenSource]:
        """Open the source at its start.

        Args:
            reopen: Whether it may have to be opened once more.

        Raises:
            SourceError: It cannot be read; ``SourceUnavailableError`` if a retry may succeed.
        """

    def close(self) -> None:  # noqa: B027 - most sources have nothing to close.
        """Remove what was kept for opening it again."""


def create_source(
    location: str, credentials: SourceCredentials, mapping: FieldMapping, options: ImportOptions
) -> Source:
    """Return the source for a path or a URL.

    Args:
        location: The path or URL.
        credentials: For a URL.
        mapping: Its ``since_parameter`` is the query parameter for the first day requested.
        options: Its ``since`` is that day.

    Raises:
        ClientError: As for ``UrlSource``.
    """
    if "://" not in location:
        return FileSource(Path(location))
    parameters = {}
    if options.since and mapping.since_parameter:
        parameters[mapping.since_parameter] = options.since.isoformat()
    return UrlSource(location, credentials, parameters, insecure=options.insecure)


class FileSource(Source):
    """A file.

    Args:
        path: Its suffix determines the format.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = path.name

    @contextmanager
    def open(self, *, reopen: bool = False) -> Iterator[OpenSource]:
        """Open the file."""
        del reopen  # A file can always be opened again.
        try:
            file = self.path.open("rb")
        except OSError as error:
            raise SourceError(f"{self.path} cannot be read: {error.strerror}.") from error
        with file:
            size = self.path.stat().st_size if file.seekable() else None
            yield OpenSource(file, _SUFFIXES.get(self.path.suffix.lower(), ""), size)


class StreamSource(Source):
    """Standard input, or any other stream that can be read only once.

    Args:
        stream: Read from its current position.
        name: For natural keys.
    """

    def __init__(self, stream: IO[bytes], name: str = "stdin") -> None:
        self._stream = stream
        self._copy: IO[bytes] | None = None
        self.name = name

    @contextmanager
    def open(self, *, reopen: bool) -> Iterator[OpenSource]:
        """Return the stream, or a copy in a temporary file if it may have to be opened again."""
        if reopen and self._copy is None:
            self._copy = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close.
            shutil.copyfileobj(self._stream, self._copy)
        if self._copy is not None:
            self._copy.seek(0)
        yield OpenSource(self._copy or self._stream, "")

    def close(self) -> None:
        """Remove the copy."""
        if self._copy is not None:
            self._copy.close()


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
        self._suffix = Path(parts.path).suffix.lower()
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
            yield OpenSource(content, self._format_of(response), _content_length(response))

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
        media_type, _, _ = response.headers.get("content-type", "").partition(";")
        known = _MEDIA_TYPES.get(media_type.strip().lower())
        return known or _SUFFIXES.get(self._suffix, "")


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
