"""The request of an upload: its parameters and headers, and its body in a temporary file.

The body is received as a whole before any database resource is taken, so that a slow client holds
no connection.
"""

import io
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import IO, TYPE_CHECKING, Any, Final, Self
from urllib.parse import quote

from starlette.types import Receive, Scope

from encore.errors import BadRequest, ServiceUnavailable, UnsupportedMediaType
from encore.http.media_types import get_content_type, parse_media_type
from encore.http.prefer_header import check_preferences, is_lenient
from encore.http.request_body import read_chunks
from encore.idempotency.key import find_key
from encore.uploads.formats import FORMATS, JSON, UploadFormat
from encore.uploads.parameters import ATOMIC, REJECTED_ONLY, UploadParameters

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

MAX_SPOOL_IN_MEMORY: Final = 1024 * 1024
"""The bytes of a spool that stay in memory; larger ones become temporary files."""

CHUNK_SIZE: Final = 64 * 1024
"""The bytes that are read from a spool at a time."""


@dataclass(frozen=True, slots=True)
class UploadRequest:
    """The parameters of one upload.

    Attributes:
        format: The format of the body.
        atomic: Whether one rejected row rejects the upload.
        dry_run: Whether nothing is written.
        rejected_only: Whether the report lists rejected rows only.
        key: The idempotency key; None without one.
        lenient: Whether read-only and unknown members are ignored.
        root: The path that the application is mounted at, percent-encoded.
        parameters: The values of the query parameters that the service declares, by name.
    """

    format: UploadFormat
    atomic: bool
    dry_run: bool
    rejected_only: bool
    key: str | None
    lenient: bool
    root: bytes
    parameters: Mapping[str, Any]

    @classmethod
    def of(cls, scope: Scope, parameters: UploadParameters) -> "UploadRequest":
        """Parse the query and the headers.

        Raises:
            InvalidQuery: A parameter is unknown or a duplicate, or its value is invalid.
            UnsupportedMediaType: The format of the body is unsupported.
            BadRequest: A preference or the idempotency key is invalid, or there is a key in a dry
                run.
        """
        check_preferences(scope)
        given, declared = parameters.parse(scope["query_string"])
        dry_run = given["dry_run"] == "true"
        key = find_key(scope)
        if dry_run and key is not None:
            raise BadRequest("Idempotency-Key is not supported with dry_run: nothing is written")
        return cls(
            format=_format_of(get_content_type(scope)),
            atomic=given["mode"] == ATOMIC,
            dry_run=dry_run,
            rejected_only=given["report"] == REJECTED_ONLY,
            key=key,
            lenient=is_lenient(scope),
            root=quote(scope.get("root_path", "")).encode(),
            parameters=declared,
        )


def _format_of(content_type: bytes | None) -> UploadFormat:
    if content_type is None:
        return JSON
    media_type = parse_media_type(content_type)
    if media_type is not None and media_type.is_utf8:
        # RFC 4180's parameter of text/csv: the names of the columns are required.
        has_header = media_type.parameters.get("header", "present").lower() == "present"
        for format_ in FORMATS:
            if format_.matches(media_type) and has_header:
                return format_
    supported = ", ".join(dict.fromkeys(format_.media_type for format_ in FORMATS))
    raise UnsupportedMediaType(
        f"The body must be one of {supported}, in UTF-8", headers={"Accept": supported}
    )


def new_spool() -> IO[bytes]:
    """Return an empty spool, which is deleted when it is closed."""
    return tempfile.SpooledTemporaryFile(MAX_SPOOL_IN_MEMORY)


def spool_chunks(spool: IO[bytes]) -> Iterator[bytes]:
    """Iterate over the content of a spool, from its start."""
    spool.seek(0)
    while chunk := spool.read(CHUNK_SIZE):
        yield chunk


class ReadStopped(Exception):
    """The body is not needed any more."""


class SpooledBody:
    """The body of a request.

    Attributes:
        file: The content, from its start; reading raises ``ReadStopped`` after ``stop``.
        digest: The SHA-256 of the content.
    """

    def __init__(self) -> None:
        self._spool = new_spool()
        self._stream = _StoppableStream(self._spool)
        self.file: IO[bytes] = io.BufferedReader(self._stream, CHUNK_SIZE)
        self.digest = sha256()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()
        self._spool.close()

    def stop(self) -> None:
        """Stop reading in any thread, after ``CHUNK_SIZE`` bytes at most."""
        self._stream.stopped = True

    async def receive(self, scope: Scope, receive: Receive, limit: int) -> None:
        """Receive the whole body.

        Raises:
            ServiceUnavailable: The body does not fit on the disk.
            ApiError: As ``read_body`` does.
        """
        async for chunk in read_chunks(scope, receive, limit):
            self.digest.update(chunk)
            try:
                self._spool.write(chunk)
            except OSError as error:
                raise ServiceUnavailable(
                    "There is no space for this upload now", headers={"Retry-After": "60"}
                ) from error
        self._spool.seek(0)


class _StoppableStream(io.RawIOBase):
    """A raw stream over a spool; ``io.BufferedReader`` reads lines of it in C."""

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
            raise ReadStopped
        target = memoryview(buffer)
        data = self._spool.read(len(target))
        target[: len(data)] = data
        return len(data)
