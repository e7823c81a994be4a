"""Spools: what is too large for memory, on its way in or out, in a temporary file.

A body is spooled whole before anything else is done, so that a slow caller holds up nothing of the
database; so is a report before it is sent.
"""

import io
import tempfile
from collections.abc import Iterator
from hashlib import sha256
from typing import IO, TYPE_CHECKING, Final, Self

from starlette.types import Receive, Scope

from encore.errors import ServiceUnavailable
from encore.http.request_body import read_chunks

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

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
