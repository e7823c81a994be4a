"""Where rows come from: a file, standard input, or a URL of the external system.

A source can be opened again, since a job that goes on reads from the start and passes over what
was sent. It gives bytes; ``records`` makes rows of them.
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

from client.address import check_confidential, check_url, origin
from client.errors import NetworkError, SourceError, SourceLostError, UsageError
from client.importing.mapping import FieldMapping
from client.importing.options import ImportOptions
from client.importing.retries import RETRIED
from client.importing.settings import SourceCredentials
from client.transport import Transport

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


class Opened(NamedTuple):
    """A source that is being read."""

    content: IO[bytes]
    kind: str
    """The format that it is known to have; empty if that is not known."""
    size: int | None = None
    """Bytes in all, where that is known."""


class Source(ABC):
    """What can be imported."""

    name: str
    """Tells this source from others: the first half of natural keys."""

    @abstractmethod
    def open(self, *, again: bool) -> AbstractContextManager[Opened]:
        """Open it at its start.

        Args:
            again: Whether it may have to be opened once more.

        Raises:
            SourceError: It cannot be read; ``SourceLostError`` if that may pass.
        """

    def close(self) -> None:  # noqa: B027 - most have nothing to close.
        """Give back what was kept for opening it again."""


def find_source(
    given: str, credentials: SourceCredentials, mapping: FieldMapping, options: ImportOptions
) -> Source:
    """Give the source that a path or a URL stands for.

    Args:
        given: The path or URL.
        credentials: For a URL.
        mapping: Says by which query parameter a URL takes the first day that is asked for.
        options: Say which day that is.

    Raises:
        ClientError: As for ``UrlSource``.
    """
    if "://" not in given:
        return FileSource(Path(given))
    parameters = {}
    if options.since and mapping.since_parameter:
        parameters[mapping.since_parameter] = options.since.isoformat()
    return UrlSource(given, credentials, parameters, insecure=options.insecure)


class FileSource(Source):
    """A file.

    Args:
        path: Where it is; its suffix tells the format.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = path.name

    @contextmanager
    def open(self, *, again: bool = False) -> Iterator[Opened]:
        """Open the file."""
        del again  # A file always can be.
        try:
            file = self.path.open("rb")
        except OSError as error:
            raise SourceError(f"{self.path} cannot be read: {error.strerror}.") from error
        with file:
            size = self.path.stat().st_size if file.seekable() else None
            yield Opened(file, _SUFFIXES.get(self.path.suffix.lower(), ""), size)


class StreamSource(Source):
    """Standard input, or any other stream that is there once.

    Args:
        stream: Read from where it stands.
        name: For natural keys.
    """

    def __init__(self, stream: IO[bytes], name: str = "stdin") -> None:
        self._stream = stream
        self._copy: IO[bytes] | None = None
        self.name = name

    @contextmanager
    def open(self, *, again: bool) -> Iterator[Opened]:
        """Give the stream, or a copy in a temporary file where it may be needed again."""
        if again and self._copy is None:
            self._copy = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close.
            shutil.copyfileobj(self._stream, self._copy)
        if self._copy is not None:
            self._copy.seek(0)
        yield Opened(self._copy or self._stream, "")

    def close(self) -> None:
        """Remove the copy."""
        if self._copy is not None:
            self._copy.close()


class UrlSource(Source):
    """A URL of the external system, with credentials of its own.

    Args:
        url: http or https; its ``Content-Type``, or else its suffix, tells the format.
        credentials: Sent to this URL only.
        parameters: Put into the query, behind what is there.
        insecure: Whether credentials may go over http to another machine.

    Raises:
        UsageError: The URL is malformed, or has credentials in it.
        InsecureError: Credentials would travel in clear.
    """

    def __init__(
        self,
        url: str,
        credentials: SourceCredentials,
        parameters: Mapping[str, str],
        *,
        insecure: bool = False,
    ) -> None:
        check_url(url, "SOURCE", UsageError)
        if credentials.given and not insecure:
            check_confidential(url, "source's credentials")
        parts = urlsplit(url)
        query = "&".join(filter(None, (parts.query, urlencode(parameters))))
        self._url = urlunsplit(parts._replace(query=query, fragment=""))
        self._headers = {"Accept": _ACCEPT, **credentials.headers}
        self._suffix = Path(parts.path).suffix.lower()
        self.name = f"{parts.netloc}{parts.path}".rstrip("/")

    @contextmanager
    def open(self, *, again: bool = False) -> Iterator[Opened]:
        """Ask for the URL, and give its body as it comes."""
        del again  # It can be asked for at any time.
        with ExitStack() as stack:
            transport = stack.enter_context(Transport())
            try:
                response, pieces = stack.enter_context(
                    transport.stream(self._url, headers=self._headers)
                )
            except NetworkError as error:
                raise SourceLostError(str(error)) from error
            self._check(response)
            yield Opened(io.BufferedReader(_Body(pieces)), self._kind(response), _length(response))

    def _check(self, response: "httpx.Response") -> None:
        status = response.status_code
        if status == _OK:
            return
        text = f"{origin(self._url)} did not give the rows: {status} {response.reason_phrase}."
        if status in RETRIED:
            raise SourceLostError(text, status, response.headers.get("retry-after", ""))
        raise SourceError(text)

    def _kind(self, response: "httpx.Response") -> str:
        media_type, _, _ = response.headers.get("content-type", "").partition(";")
        known = _MEDIA_TYPES.get(media_type.strip().lower())
        return known or _SUFFIXES.get(self._suffix, "")


class _Body(io.RawIOBase):
    """The body of an answer, as a file to be read once."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._left = b""
        self._read = 0

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._read

    def readinto(self, buffer: Any) -> int:
        try:
            while not self._left:
                self._left = next(self._pieces)
        except StopIteration:
            return 0
        except NetworkError as error:
            raise SourceLostError(f"The source broke off. {error}") from error
        piece, self._left = self._left[: len(buffer)], self._left[len(buffer) :]
        buffer[: len(piece)] = piece
        self._read += len(piece)
        return len(piece)


def _length(response: "httpx.Response") -> int | None:
    """Give the body's length in bytes, if it is sent as it is and its length was told."""
    length = response.headers.get("content-length", "")
    encoded = "content-encoding" in response.headers
    return int(length) if length.isdecimal() and not encoded else None
