"""The caller that the current task works for, so that scarce resources are shared fairly.

The HTTP layer sets ``current_caller`` once for each request; nothing here knows HTTP. Start-up and
tools have the caller ``NO_CALLER``. Long reads are cancelled when their caller has disconnected
(``cancel_on_disconnect``).
"""

import asyncio
from collections.abc import Coroutine, Hashable
from contextvars import ContextVar
from typing import Any, Final, NamedTuple, Protocol, TypeVar

from encore.database.cancellation import Abandoned, cancel_when
from encore.database.errors import CallerDisconnected

T = TypeVar("T")


class Author(NamedTuple):
    """Who changes rows, as histories record it; None for what is unknown.

    ``stored`` is what a database can store: claims may have any value in an application of its own.

    Attributes:
        issuer: The issuer of the token.
        subject: The subject at this issuer.
        client: The client that the token was issued to.
        request_id: The id of the request.
    """

    issuer: str | None
    subject: str | None
    client: str | None
    request_id: str | None

    @property
    def stored(self) -> "Author":
        """The same as text without NUL and without surrogates, which PostgreSQL rejects."""
        return Author(*(None if value is None else _storable(value) for value in self))


def _storable(value: object) -> str:
    return str(value).replace("\0", "").encode(errors="replace").decode()


NOBODY: Final = Author(None, None, None, None)


class Caller(Protocol):
    """The caller of one request."""

    @property
    def author(self) -> Author:
        """Who changes rows. Read only in databases that record it."""
        ...

    @property
    def client(self) -> Hashable:
        """The client: equal for all its requests. Read only if a request has to wait."""
        ...

    async def left(self) -> None:
        """Return once the caller has disconnected; never, if that cannot be known."""
        ...


class _NoCaller:
    """The service itself, which never disconnects."""

    client: Hashable = None
    author = NOBODY

    async def left(self) -> None:
        """Wait forever."""
        await asyncio.get_running_loop().create_future()


NO_CALLER: Final[Caller] = _NoCaller()

current_caller: Final[ContextVar[Caller]] = ContextVar("current_caller", default=NO_CALLER)


async def cancel_on_disconnect(work: Coroutine[Any, Any, T]) -> T:
    """Run work that only reads in a task; cancel it once the caller has disconnected.

    Costs two tasks, so it is for work that takes long. Writes are not cancelled: once begun, they
    go on to their commit.

    Args:
        work: Has ended once this returns or raises, in every case.

    Raises:
        CallerDisconnected: The caller has disconnected, and the work was cancelled.
    """
    caller = current_caller.get()
    if caller is NO_CALLER:
        return await work
    try:
        return await cancel_when(caller.left(), work)
    except Abandoned:
        raise CallerDisconnected("the caller has disconnected") from None
