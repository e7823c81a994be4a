"""The bound on requests that are handled at one time, of all clients and of one.

Beyond it a request is refused at once with 503 and ``Retry-After``, before its body is read, its
token verified or a statement run: what is under way gets done, instead of everything becoming
slower. Health checks are always admitted: a busy service is alive.

One client, known once its token is verified, may have half of the most under way; stalled bodies
and slow reads of its own leave the other half to others.
"""

from collections.abc import Awaitable
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from encore.errors import Overloaded
from encore.http.request_state import RequestState

MAX_CONCURRENT_REQUESTS: Final = 1_000


class ConcurrencyLimitMiddleware:
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
        reject_overload: ASGIApp,
        under_way: dict[int, Scope],
        *,
        most: int,
        exempt: frozenset[str],
    ) -> None:
        self._app = app
        self._refuse = reject_overload
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


class ClientConcurrencyMiddleware:
    """Refuses requests of a client that has its share under way; to be put behind the gate.

    While no more than one share is under way in all, this costs a comparison.

    Args:
        app: Handles what is admitted.
        under_way: The scopes of the requests under way, by identity; filled by
            ``ConcurrencyLimitMiddleware``.
        most: How many of all clients may be under way; half of it is one client's share.
    """

    def __init__(self, app: ASGIApp, under_way: dict[int, Scope], *, most: int) -> None:
        self._app = app
        self._under_way = under_way
        self._share = (most + 1) // 2

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Handle one request. Raises ``Overloaded`` if too many of its client are under way."""
        if len(self._under_way) > self._share:
            self._check(RequestState.from_scope(scope))
        return self._app(scope, receive, send)

    def _check(self, state: RequestState) -> None:
        if state.access.public:
            return
        client = state.client
        others = (RequestState.of_outer_app(scope) for scope in self._under_way.values())
        held = sum(1 for one in others if one is not None and one.claims and one.client == client)
        if held > self._share:
            raise Overloaded(
                "Too many requests of this client are being handled; try again later",
                reason="client-overloaded",
            )


async def reject_overload(_: Scope, __: Receive, ___: Send) -> None:
    """Refuse a request. Raises ``Overloaded``."""
    raise Overloaded
