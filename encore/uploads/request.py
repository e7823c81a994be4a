"""The request of an upload: its parameters and headers, and its body in a temporary file."""

import io
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import IO, TYPE_CHECKING, Final, Self
from urllib.parse import parse_qsl, quote

from starlette.types import Receive, Scope

from encore.errors import BadRequest, InvalidQuery, ServiceUnavailable, UnsupportedMediaType
from encore.http.media_types import get_content_type, parse_media_type
from encore.http.prefer_header import is_lenient
from encore.http.request_body import get_header, read_chunks
from encore.query.parameter_errors import invalid_parameter, unknown_parameter
from encore.uploads.formats import FORMATS, JSON, Format

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


ATOMIC: Final = "atomic"
PARTIAL: Final = "partial"
ALL: Final = "all"
REJECTED: Final = "rejected"
PARAMETERS: Final = {
    "mode": (ATOMIC, PARTIAL),
    "dry_run": ("false", "true"),
    "report": (ALL, REJECTED),
}
"""Each query parameter and its values, the default first."""

_KEY: Final = re.compile(rb"[\x21-\x7e]{1,255}")
_MAX_PARAMETERS: Final = 100


@dataclass(frozen=True, slots=True)
class UploadRequest:
    """What the caller asks for.

    Attributes:
        format: The body's.
        atomic: Whether one rejected row refuses all.
        dry_run: Whether nothing is to be written.
        rejected_only: Whether the report leaves out rows that were not rejected.
        key: The idempotency key; None without one, and in a dry run.
        query: The query as it came.
        lenient: Whether members that are not written are passed over.
        root: The path that the application is mounted at, percent-encoded.
    """

    format: Format
    atomic: bool
    dry_run: bool
    rejected_only: bool
    key: str | None
    query: bytes
    lenient: bool
    root: bytes

    @classmethod
    def of(cls, scope: Scope) -> "UploadRequest":
        """Read query and headers.

        Raises:
            InvalidQuery: A parameter is unknown, given twice or has no value that there is.
            UnsupportedMediaType: The body is in no format that there is.
            BadRequest: The idempotency key is none.
        """
        query = scope["query_string"]
        given = _read_query(query)
        dry_run = given["dry_run"] == "true"
        key = _key(get_header(scope, b"idempotency-key"))
        return cls(
            format=_format(get_content_type(scope)),
            atomic=given["mode"] == ATOMIC,
            dry_run=dry_run,
            rejected_only=given["report"] == REJECTED,
            key=None if dry_run else key,
            query=query,
            lenient=is_lenient(scope),
            root=quote(scope.get("root_path", "")).encode(),
        )


def _read_query(query: bytes) -> dict[str, str]:
    given: dict[str, str] = {}
    for name, value in _pairs(query):
        choices = PARAMETERS.get(name)
        if choices is None:
            raise unknown_parameter(name, PARAMETERS)
        if name in given:
            raise invalid_parameter(name, "may be given once")
        if value not in choices:
            raise invalid_parameter(name, f"must be one of {', '.join(choices)}")
        given[name] = value
    return {name: given.get(name, choices[0]) for name, choices in PARAMETERS.items()}


def _pairs(query: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(
            query.decode("ascii"),
            keep_blank_values=True,
            max_num_fields=_MAX_PARAMETERS,
            errors="strict",
        )
    except ValueError as error:
        raise InvalidQuery("The query cannot be read") from error


def _format(content_type: bytes | None) -> Format:
    if content_type is None:
        return JSON
    media_type = parse_media_type(content_type)
    if media_type is not None and media_type.is_utf8:
        # RFC 4180's parameter of text/csv: the names of the columns are needed.
        has_header = media_type.parameters.get("header", "present").lower() == "present"
        for one in FORMATS:
            if one.reads(media_type) and has_header:
                return one
    known = ", ".join(dict.fromkeys(one.media_type for one in FORMATS))
    raise UnsupportedMediaType(
        f"The body must be one of {known}, in UTF-8", headers={"Accept": known}
    )


def _key(value: bytes | None) -> str | None:
    if value is None:
        return None
    if not _KEY.fullmatch(value):
        raise BadRequest("Idempotency-Key must be 1 to 255 visible ASCII characters")
    return value.decode("ascii")


IN_MEMORY: Final = 1024 * 1024
"""How much stays in memory, in bytes."""

PIECE: Final = 64 * 1024
"""How much is read at a time, in bytes."""


def new_spool() -> IO[bytes]:
    """Make an empty spool; it is gone when it is closed."""
    return tempfile.SpooledTemporaryFile(IN_MEMORY)


class Stopped(Exception):
    """Nobody waits any more for what is being read."""


class SpooledBody:
    """The body of a request.

    Attributes:
        file: Its bytes, to be read from the start; reading raises ``Stopped`` after ``stop``.
        digest: Their SHA-256.
    """

    def __init__(self) -> None:
        self._spool = new_spool()
        self._source = _Source(self._spool)
        self.file: IO[bytes] = io.BufferedReader(self._source, PIECE)
        self.digest = sha256()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()
        self._spool.close()

    def stop(self) -> None:
        """End reading in whatever thread, within ``PIECE`` bytes."""
        self._source.stopped = True

    async def receive(self, scope: Scope, receive: Receive, limit: int) -> None:
        """Read the whole body; refusals are those of ``read_body``.

        Raises:
            ServiceUnavailable: There is no room for it.
        """
        async for chunk in read_chunks(scope, receive, limit):
            self.digest.update(chunk)
            try:
                self._spool.write(chunk)
            except OSError as error:
                raise ServiceUnavailable(
                    "There is no room for this upload now", headers={"Retry-After": "60"}
                ) from error
        self._spool.seek(0)


class _Source(io.RawIOBase):
    """A spool as a raw stream that can be stopped; ``io.BufferedReader`` reads lines of it in C."""

    def __init__(self, spool: IO[bytes]) -> None:
        self._spool = spool
        self.stopped = False

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._spool.seek(offset, whence)

    def tell(self) -> int:
        return self._spool.tell()

    def readinto(self, buffer: "WriteableBuffer") -> int:
        if self.stopped:
            raise Stopped
        serializer = memoryview(buffer)
        data = self._spool.read(len(serializer))
        serializer[: len(data)] = data
        return len(data)


def chunks(file: IO[bytes]) -> Iterator[bytes]:
    """Give a spool's bytes from the start, piece by piece."""
    file.seek(0)
    while piece := file.read(PIECE):
        yield piece
