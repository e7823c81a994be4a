"""The timeout of request bodies: a stalled or trickling body is answered with 408.

Only the time spent waiting for the client counts, not the time between two reads: an upload whose
rows take long to store is not slow. A body may take ``BODY_TIMEOUT_SECONDS`` and one second more
for each 1,000 bytes received meanwhile, like Apache's ``RequestReadTimeout``: a large upload may
take hours over a slow connection, while one byte a second is cut off nearly as soon as none.

There is one timer for all requests. Once a second it checks all that are waiting; each check at
which a request is still waiting counts as one second. A body that has already arrived never waits.
"""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any, Final

from starlette.types import Message

from encore.errors import RequestTimeout

BODY_TIMEOUT_SECONDS: Final = 20

_BYTES_PER_SECOND: Final = 1_000
_TICK_SECONDS: Final = 1.0


@dataclass(slots=True)
class _Slow:
    """A waiting request: for how long, the bytes received since, and whether it timed out."""

    seconds: float = 0
    received: int = 0
    expired: bool = False


class BodyTimeouts:
    """Times out the requests that wait for their bodies; for use within one event loop.

    Args:
        seconds: How long a request may wait, besides the time that received bytes add.

    Attributes:
        pending: The awaitable of each waiting request, by its scope's identity; added and removed
            by the caller.
        watched: Whether the timer runs; ``watch`` starts it.
        slow: The requests that were waiting at a check; received bytes are credited to them.
    """

    __slots__ = ("_seconds", "pending", "slow", "watched")

    def __init__(self, seconds: float = BODY_TIMEOUT_SECONDS) -> None:
        self._seconds = seconds
        self.pending: dict[int, Any] = {}
        self.slow: dict[int, _Slow] = {}
        self.watched = False

    def watch(self) -> None:
        """Check once a second from now on, until no request waits."""
        self.watched = True
        asyncio.get_running_loop().call_later(_TICK_SECONDS, self._check_pending)

    def credit(self, request: int, received: int) -> None:
        """Count received bytes for a request that was waiting at a check."""
        if (slow := self.slow.get(request)) is not None:
            slow.received += received

    def check(self, request: int) -> None:
        """Check why a wait was cancelled.

        Raises:
            RequestTimeout: It timed out; the task itself was not cancelled.
        """
        slow = self.slow.get(request)
        task = asyncio.current_task()
        if slow is not None and slow.expired and not (task and task.cancelling()):
            raise RequestTimeout from None

    def _check_pending(self) -> None:
        for request, pending in self.pending.items():
            slow = self.slow.setdefault(request, _Slow())
            slow.seconds += _TICK_SECONDS
            allowed = self._seconds + slow.received / _BYTES_PER_SECOND
            if slow.seconds > allowed and not slow.expired:
                slow.expired = True
                pending.cancel()
        if self.pending:
            self.watch()
        else:
            self.watched = False


def as_cancellable(waiting: Awaitable[Message]) -> Any:
    """Return an awaitable that can be cancelled; granian's channel already returns one."""
    return waiting if hasattr(waiting, "cancel") else asyncio.ensure_future(waiting)
