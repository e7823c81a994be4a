"""For whom the current task works, so that what is scarce can be shared out fairly.

The HTTP layer sets ``current_caller`` once for each request; nothing here knows HTTP. Work that
nobody asked for (start-up, readiness) has the caller ``NOBODY``.
"""

from collections.abc import Hashable
from contextvars import ContextVar
from typing import Final, Protocol


class Caller(Protocol):
    """One request's caller."""

    @property
    def client(self) -> Hashable:
        """Who calls: equal for all requests of one client. Read only where somebody waits."""
        ...


class _Nobody:
    """The service itself."""

    client: Hashable = None


NOBODY: Final[Caller] = _Nobody()

current_caller: Final[ContextVar[Caller]] = ContextVar("current_caller", default=NOBODY)
