"""The limits on concurrent requests, of all clients together and of each client.

Beyond them a request is rejected at once with 503 and ``Retry-After``, before its body is read, its
token verified or a statement run: requests in progress finish, instead of all becoming slower.
Health checks are always admitted.

One client, known once its token is verified, may have half of the limit in progress; its stalled
bodies and slow reads leave the other half to others.
"""

from collections.abc import Awaitable
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from encore.errors import Overloaded
from encore.http.request_state import RequestState

MAX_CONCURRENT_REQUESTS: Final = 1_000


class ConcurrencyLimitMiddleware:
    """Limits the number of concurrent requests.

    Args:
        app: Handles admitted requests.
        reject: Handles the others.
        in_progress: The scopes of the requests in progress, by identity; maintained here.
        limit: How many requests may be in progress.
        exempt: Paths that are always admitted.
    """

    def __init__(
        self,
        app: ASGIApp,
        reject: ASGIApp,
        in_progress: dict[int, Scope],
        *,
        limit: int,
        exempt: frozenset[str],
    ) -> None:
        self._app = app
        self._reject = reject
        self._in_progress = in_progress
        self._limit = limit
        self._exempt = exempt

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle or reject one request."""
        in_progress = self._in_progress
        if len(in_progress) >= self._limit and scope["path"] not in self._exempt:
            await self._reject(scope, receive, send)
            return
        key = id(scope)
        in_progress[key] = scope
        try:
            await self._app(scope, receive, send)
        finally:
            del in_progress[key]


class ClientConcurrencyMiddleware:
    """Rejects requests of a client that has its share in progress; must follow authentication.

    While no more than one share is in progress altogether, this costs a comparison.

    Args:
        app: Handles admitted requests.
        in_progress: The scopes of the requests in progress, by identity; maintained by
            ``ConcurrencyLimitMiddleware``.
        limit: How many requests of all clients may be in progress; one client's share is half.
    """

    def __init__(self, app: ASGIApp, in_progress: dict[int, Scope], *, limit: int) -> None:
        self._app = app
        self._in_progress = in_progress
        self._share = (limit + 1) // 2

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Handle one request. Raises ``Overloaded`` if its client has too many in progress."""
        if len(self._in_progress) > self._share:
            self._check(RequestState.from_scope(scope))
        return self._app(scope, receive, send)

    def _check(self, state: RequestState) -> None:
        if state.access.public:
            return
        client = state.client
        states = (RequestState.of_outer_app(scope) for scope in self._in_progress.values())
        count = sum(1 for other in states if other and other.claims and other.client == client)
        if count > self._share:
            raise Overloaded(
                "Too many requests of this client are being handled; try again later",
                reason="client-overloaded",
            )


async def reject_overload(_: Scope, __: Receive, ___: Send) -> None:
    """Reject a request. Raises ``Overloaded``."""
    raise Overloaded
