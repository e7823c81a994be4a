"""How long a request may wait for its body: a stalled or trickling one is 408.

What counts is the time spent waiting for the caller, not that between two reads: an upload whose
rows take long to store is not slow. A body may take ``BODY_TIMEOUT_SECONDS`` and one second more
for each 1,000 bytes that come meanwhile, as Apache's ``RequestReadTimeout`` reckons: a large
upload may take hours over a slow line, and one byte a second is cut off nearly as soon as none.

No request has a timer of its own. Those that wait are looked at once a second, all at once, and
each look at which one is still waiting counts as a second of it; a body that is there already is
never seen waiting.
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
    """A request that was seen waiting: for how long, what came since, and whether it is over."""

    seconds: float = 0
    received: int = 0
    expired: bool = False


class BodyTimeouts:
    """Looks at the requests that wait for their bodies, while there are any; of one event loop.

    Args:
        seconds: How long one may wait, besides what its received bytes earn.

    Attributes:
        pending: What each request waits for, by its scope's identity; to be added and taken out.
        watched: Whether they are looked at; ``watch`` begins to.
        slow: Those that were seen waiting; what comes is to be credited to them.
    """

    __slots__ = ("_seconds", "pending", "slow", "watched")

    def __init__(self, seconds: float = BODY_TIMEOUT_SECONDS) -> None:
        self._seconds = seconds
        self.pending: dict[int, Any] = {}
        self.slow: dict[int, _Slow] = {}
        self.watched = False

    def watch(self) -> None:
        """Look once a second from now on, until nothing waits."""
        self.watched = True
        asyncio.get_running_loop().call_later(_TICK_SECONDS, self._look)

    def credit(self, request: int, received: int) -> None:
        """Count what has come, in bytes, for a request that was seen waiting."""
        if (slow := self.slow.get(request)) is not None:
            slow.received += received

    def check(self, request: int) -> None:
        """Look at why a wait was cancelled.

        Raises:
            RequestTimeout: Because it was too long, and for no other reason.
        """
        slow = self.slow.get(request)
        task = asyncio.current_task()
        if slow is not None and slow.expired and not (task and task.cancelling()):
            raise RequestTimeout from None

    def _look(self) -> None:
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
    """Return what can be awaited and cancelled; granian's channel gives such already."""
    return waiting if hasattr(waiting, "cancel") else asyncio.ensure_future(waiting)
