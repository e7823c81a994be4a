"""The FastAPI application of a service, with this package's middlewares instead of Starlette's."""

from collections.abc import Awaitable, Collection, Mapping
from typing import Any

from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from encore.errors import MissingAuthentication, UnsupportedRoute
from encore.http.access import PUBLIC, Access
from encore.http.body_timeout import BODY_TIMEOUT_SECONDS
from encore.http.caller_fields import CallerFields
from encore.http.concurrency_limit import (
    MAX_CONCURRENT_REQUESTS,
    ClientConcurrencyMiddleware,
    ConcurrencyLimitMiddleware,
    reject_overload,
)
from encore.http.error_handling import ErrorHandlingMiddleware
from encore.http.forwarded import TrustedProxies
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
from encore.http.route_table import RouteTable
from encore.http.routing import RoutingMiddleware, dispatch
from encore.http.unread_body import CloseUnreadBodyMiddleware


class Application(FastAPI):
    """A FastAPI application that logs, routes, authenticates and reports errors in one way.

    The middlewares: ``ConcurrencyLimitMiddleware`` → ``RequestLogMiddleware`` →
    ``CloseUnreadBodyMiddleware`` → ``ErrorHandlingMiddleware`` → ``RoutingMiddleware`` → those of
    ``add_middleware`` → ``ClientConcurrencyMiddleware`` → the operation. If none of the added
    middlewares declares that it authenticates, ``RequirePrincipalMiddleware`` comes before
    ``ClientConcurrencyMiddleware`` (``encore.http.require_principal``). Starlette's error
    middlewares are left out: ``ErrorHandlingMiddleware`` handles every error, and they cost as much
    as a small request's database work.

    Args:
        access: The access of routes that do not declare it themselves, by path template.
        log_requests: Whether each request is logged.
        headers: Headers of every response, unless its operation sets them.
        max_concurrent_requests: How many requests may be in progress before others are rejected.
        always_admitted: Paths that are never rejected, such as health checks.
        body_timeout: How long a request may wait for its body (``encore.http.body_timeout``),
            in seconds.
        trusted_proxies: Determines a client's address; by default it is the connection's.
        caller_fields: Names the caller in the log; by default with the subject as it is.
        options: Those of ``FastAPI``.

    Attributes:
        in_progress: The scopes of the requests in progress, by identity.
        library_paths: The paths of the library's own routes.
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
        trusted_proxies: TrustedProxies | None = None,
        caller_fields: CallerFields | None = None,
        **options: Any,
    ) -> None:
        # FastAPI enables telemetry by default; it costs a fifth of a small request.
        super().__init__(telemetry={"tracing": False, "metrics": False, "logs": False}, **options)
        self.access = dict(access)
        self.router.lifespan_context = with_startup_check(
            self.router.lifespan_context, self._check_authentication
        )
        self._log_requests = log_requests
        self._headers = headers
        self._body_timeout = body_timeout
        self._proxies = trusted_proxies
        self._caller_fields = caller_fields
        self._limit = max_concurrent_requests
        self._exempt = always_admitted
        self.in_progress: dict[int, Scope] = {}
        self.library_paths: set[str] = set()

    def scopes(self) -> frozenset[str]:
        """Return every scope that any route requires."""
        declared = (declared_access(route) for route in list_routes(self.router.routes))
        return frozenset().union(*(access.scopes() for access in declared if access))

    def frontend(self, *_: Any, **__: Any) -> None:
        """Reject FastAPI's fallback routes, which cannot declare their access."""
        raise UnsupportedRoute("frontend() is not supported: mount StaticFiles on a path")

    def _check_authentication(self) -> None:
        """Raise ``MissingAuthentication`` for a route that no middleware protects."""
        if authentication_status(self.user_middleware) is not AuthenticationStatus.MISSING:
            return
        for route in list_routes(self.router.routes):
            path = route.path or ""
            access = declared_access(route) or self.access.get(path, PUBLIC)
            if not access.public:
                raise MissingAuthentication(f"the route {path} requires a token, but {NO_VERIFIER}")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve; skips FastAPI's check for telemetry, which is off."""
        scope["app"] = self
        if self.root_path:
            scope["root_path"] = self.root_path
        if self.middleware_stack is None:
            try:
                self.middleware_stack = self.build_middleware_stack()
            except Exception as error:
                if scope["type"] == "lifespan":
                    # An exception alone would tell the server that lifespan is unsupported.
                    await receive()
                    await send({"type": "lifespan.startup.failed", "message": str(error)})
                raise
        await self.middleware_stack(scope, receive, send)

    def build_middleware_stack(self) -> ASGIApp:
        """Build the middlewares. Raises ``UndeclaredAccess`` for a route without access."""
        app: ASGIApp = ClientConcurrencyMiddleware(dispatch, self.in_progress, limit=self._limit)
        if authentication_status(self.user_middleware) is not AuthenticationStatus.VERIFIES:
            app = RequirePrincipalMiddleware(app)
        for middleware in reversed(self.user_middleware):
            app = middleware.cls(app, *middleware.args, **middleware.kwargs)
        table = RouteTable(self.router.routes, self.access, self.library_paths)
        app = RoutingMiddleware(app, table)
        app = self._with_logging(ErrorHandlingMiddleware(app, self.exception_handlers))
        reject = self._with_logging(ErrorHandlingMiddleware(reject_overload))
        limited = ConcurrencyLimitMiddleware(
            app, reject, self.in_progress, limit=self._limit, exempt=frozenset(self._exempt)
        )
        router = self.router

        def handle(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
            if scope["type"] == "http":
                return limited(scope, receive, send)
            return handle_others(scope, receive, send)

        async def handle_others(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "lifespan":
                await run_lifespan(router, scope, receive, send)
            else:  # No operation supports WebSocket.
                await receive()
                await send({"type": "websocket.close", "code": 1008})

        return handle

    def _with_logging(self, inner: ErrorHandlingMiddleware) -> ASGIApp:
        """Wrap error handling in the middlewares that every response passes."""
        app = CloseUnreadBodyMiddleware(inner, timeout=self._body_timeout)
        return RequestLogMiddleware(
            app,
            enabled=self._log_requests,
            headers=self._headers,
            proxies=self._proxies,
            caller_fields=self._caller_fields,
        )
