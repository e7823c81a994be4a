"""The bound on requests that are handled at one time.

Beyond it a request is refused at once with 503 and ``Retry-After``, before its body is read, its
token verified or a statement run: what is under way gets done, instead of everything becoming
slower. Health checks are always admitted: a busy service is alive.
"""

from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from api.errors import Overloaded

MAX_CONCURRENT_REQUESTS: Final = 1_000


class Admission:
    """Counts the requests under way, and admits one more or refuses it.

    Args:
        app: Handles what is admitted.
        refuse: Answers what is not.
        under_way: The scopes of the requests under way, by identity; filled here.
        most: How many may be under way.
        exempt: Paths that are always admitted.
    """

    def __init__(
        self,
        app: ASGIApp,
        refuse: ASGIApp,
        under_way: dict[int, Scope],
        *,
        most: int,
        exempt: frozenset[str],
    ) -> None:
        self._app = app
        self._refuse = refuse
        self._under_way = under_way
        self._most = most
        self._exempt = exempt

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request, or refuse it."""
        under_way = self._under_way
        if len(under_way) >= self._most and scope["path"] not in self._exempt:
            await self._refuse(scope, receive, send)
            return
        key = id(scope)
        under_way[key] = scope
        try:
            await self._app(scope, receive, send)
        finally:
            del under_way[key]


async def refuse(_: Scope, __: Receive, ___: Send) -> None:
    """Refuse a request. Raises ``Overloaded``."""
    raise Overloaded
