"""FastAPI with our chain around it instead of Starlette's."""

from collections.abc import Awaitable, Collection, Mapping
from typing import Any

from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from encore.errors import MissingAuthentication, UnsupportedRoute
from encore.http.access import PUBLIC, Access
from encore.http.body_timeout import BODY_TIMEOUT_SECONDS
from encore.http.concurrency_limit import (
    MAX_CONCURRENT_REQUESTS,
    ClientConcurrencyMiddleware,
    ConcurrencyLimitMiddleware,
    reject_overload,
)
from encore.http.error_handling import ErrorHandlingMiddleware
from encore.http.framework_routes import declared_access, list_routes
from encore.http.lifespan import run_lifespan
from encore.http.request_log import RequestLogMiddleware
from encore.http.request_state import Header
from encore.http.require_principal import (
    NO_VERIFIER,
    AuthenticationStatus,
    RequirePrincipalMiddleware,
    authentication_status,
    with_startup_check,
)
from encore.http.routing import RouteTable, RoutingMiddleware, dispatch
from encore.http.unread_body import CloseUnreadBodyMiddleware


class Application(FastAPI):
    """An app in which every request goes one way.

    ``ConcurrencyLimitMiddleware`` → ``RequestLogMiddleware`` → ``CloseUnreadBodyMiddleware`` →
    ``ErrorHandlingMiddleware`` → ``RoutingMiddleware`` → what ``add_middleware`` added →
    ``ClientConcurrencyMiddleware`` → the operation. Where no added middleware declares that it is a
    gate, ``RequirePrincipalMiddleware`` stands before ``ClientConcurrencyMiddleware``
    (``encore.http.require_principal``). Starlette's own error layers are not needed, since
    ``ErrorHandlingMiddleware`` handles every error, and they cost as much as a small request's
    database work.

    Args:
        access: What routes ask of a token that do not say so themselves, by path template.
        log_requests: Whether each request writes a line.
        headers: What every answer carries, unless its operation decides otherwise.
        max_concurrent_requests: How many requests may be under way before others are refused.
        always_admitted: Paths that are not refused even then, such as health checks.
        body_timeout: How long a request may wait for its body (``encore.http.body_timeout``),
            in seconds.
        options: FastAPI's.

    Attributes:
        under_way: The scopes of the requests that are being handled, by identity.
    """

    def __init__(
        self,
        *,
        access: Mapping[str, Access],
        log_requests: bool = True,
        headers: tuple[Header, ...] = (),
        max_concurrent_requests: int = MAX_CONCURRENT_REQUESTS,
        always_admitted: Collection[str] = (),
        body_timeout: float = BODY_TIMEOUT_SECONDS,
        **options: Any,
    ) -> None:
        # Telemetry is on by default in FastAPI, and costs a fifth of a small request.
        super().__init__(telemetry={"tracing": False, "metrics": False, "logs": False}, **options)
        self.access = access
        self.router.lifespan_context = with_startup_check(
            self.router.lifespan_context, self._check_gate
        )
        self._log_requests = log_requests
        self._headers = headers
        self._body_timeout = body_timeout
        self._most = max_concurrent_requests
        self._exempt = always_admitted
        self.under_way: dict[int, Scope] = {}

    def scopes(self) -> frozenset[str]:
        """Give every scope that any route asks for."""
        declared = (declared_access(route) for route in list_routes(self.router.routes))
        return frozenset().union(*(access.scopes() for access in declared if access))

    def frontend(self, *_: Any, **__: Any) -> None:
        """Refuse FastAPI's fallback routes, which say nothing of who may see them."""
        raise UnsupportedRoute("a Service has no frontend(): mount StaticFiles on a path")

    def _check_gate(self) -> None:
        """Raise ``MissingAuthentication`` for a route that no middleware protects."""
        if authentication_status(self.user_middleware) is not AuthenticationStatus.MISSING:
            return
        for route in list_routes(self.router.routes):
            path = route.path or ""
            access = declared_access(route) or self.access.get(path, PUBLIC)
            if not access.public:
                raise MissingAuthentication(f"the route {path} asks for a token, and {NO_VERIFIER}")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve; FastAPI's own look for telemetry, which is off, is spared."""
        scope["app"] = self
        if self.root_path:
            scope["root_path"] = self.root_path
        if self.middleware_stack is None:
            try:
                self.middleware_stack = self.build_middleware_stack()
            except Exception as error:
                if scope["type"] == "lifespan":
                    # Only then does a server stop; an exception alone means: no lifespan here.
                    await receive()
                    await send({"type": "lifespan.startup.failed", "message": str(error)})
                raise
        await self.middleware_stack(scope, receive, send)

    def build_middleware_stack(self) -> ASGIApp:
        """Build the chain. Raises ``UndeclaredAccess`` for a route on neither list."""
        app: ASGIApp = ClientConcurrencyMiddleware(dispatch, self.under_way, most=self._most)
        if authentication_status(self.user_middleware) is not AuthenticationStatus.VERIFIES:
            app = RequirePrincipalMiddleware(app)
        for middleware in reversed(self.user_middleware):
            app = middleware.cls(app, *middleware.args, **middleware.kwargs)
        app = RoutingMiddleware(app, RouteTable(self.router.routes, self.access))
        app = self._answering(ErrorHandlingMiddleware(app, self.exception_handlers))
        refusal = self._answering(ErrorHandlingMiddleware(reject_overload))
        admission = ConcurrencyLimitMiddleware(
            app, refusal, self.under_way, most=self._most, exempt=frozenset(self._exempt)
        )
        router = self.router

        def chain(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
            if scope["type"] == "http":
                return admission(scope, receive, send)
            return others(scope, receive, send)

        async def others(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "lifespan":
                await run_lifespan(router, scope, receive, send)
            else:  # No operation speaks WebSocket.
                await receive()
                await send({"type": "websocket.close", "code": 1008})

        return chain

    def _answering(self, boundary: ErrorHandlingMiddleware) -> ASGIApp:
        """Put the layers around a boundary that every response passes."""
        app = CloseUnreadBodyMiddleware(boundary, timeout=self._body_timeout)
        return RequestLogMiddleware(app, enabled=self._log_requests, headers=self._headers)
