"""Spools: what is too large for memory, on its way in or out, in a temporary file.

A body is spooled whole before anything else is done, so that a slow caller holds up nothing of the
database; so is a report before it is sent.
"""

import tempfile
from collections.abc import Iterator
from hashlib import sha256
from typing import IO, Final, Self

from starlette.types import Receive, Scope

from api.errors import ServiceUnavailable
from api.http.body import read_chunks

IN_MEMORY: Final = 1024 * 1024
"""How much stays in memory, in bytes."""

PIECE: Final = 64 * 1024
"""How much is read at a time, in bytes."""


def new_spool() -> IO[bytes]:
    """Make an empty spool; it is gone when it is closed."""
    return tempfile.SpooledTemporaryFile(IN_MEMORY)


class Body:
    """The body of a request.

    Attributes:
        file: Its bytes, from the start.
        digest: Their SHA-256.
    """

    def __init__(self) -> None:
        self.file = new_spool()
        self.digest = sha256()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    async def receive(self, scope: Scope, receive: Receive, limit: int) -> None:
        """Read the whole body; refusals are those of ``read_body``.

        Raises:
            ServiceUnavailable: There is no room for it.
        """
        async for chunk in read_chunks(scope, receive, limit):
            self.digest.update(chunk)
            try:
                self.file.write(chunk)
            except OSError as error:
                raise ServiceUnavailable(
                    "There is no room for this upload now", headers={"Retry-After": "60"}
                ) from error
        self.file.seek(0)


def pieces(file: IO[bytes]) -> Iterator[bytes]:
    """Give a spool's bytes from the start, piece by piece."""
    file.seek(0)
    while piece := file.read(PIECE):
        yield piece
