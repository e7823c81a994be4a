"""Whether an application verifies its callers, and the check of each request if that is unknown.

An authenticating middleware verifies the caller and sets ``RequestState.claims``. A middleware
class with ``authenticates = True`` declares that it does, and that it compares scopes with those of
the operation. Middlewares with ``authenticates = False``, and those of Starlette and FastAPI, do
not. Of others it is unknown: the application starts, and ``RequirePrincipalMiddleware`` answers 401
to each request without claims. ``encore.auth.middleware`` has the middleware for bearer tokens.
"""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from enum import Enum
from typing import Any, Final

from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from encore.errors import Forbidden, Unauthorized
from encore.http.access import Access
from encore.http.request_state import RequestState

Lifespan = Callable[[Any], Any]

_FRAMEWORK: Final = ("starlette.", "fastapi.")
_CHALLENGE: Final = {"WWW-Authenticate": "Bearer"}

NO_VERIFIER: Final = "no middleware of the application verifies one"


class AuthenticationStatus(Enum):
    """Whether an application verifies its callers."""

    VERIFIES = "a middleware declares that it verifies callers"
    UNKNOWN = "a middleware may verify callers"
    MISSING = "no middleware verifies callers"


def authentication_status(middlewares: Iterable[Middleware]) -> AuthenticationStatus:
    """Return whether one of an application's middlewares verifies callers."""
    statuses = [_status_of(middleware.cls) for middleware in middlewares]
    for status in (AuthenticationStatus.VERIFIES, AuthenticationStatus.UNKNOWN):
        if status in statuses:
            return status
    return AuthenticationStatus.MISSING


def _status_of(factory: Any) -> AuthenticationStatus:
    declared = getattr(factory, "authenticates", None)
    if declared is not None:
        return AuthenticationStatus.VERIFIES if declared else AuthenticationStatus.MISSING
    if factory is BaseHTTPMiddleware:  # It wraps a function of the application.
        return AuthenticationStatus.UNKNOWN
    module = f"{getattr(factory, '__module__', '')}."
    return (
        AuthenticationStatus.MISSING
        if module.startswith(_FRAMEWORK)
        else AuthenticationStatus.UNKNOWN
    )


def require_principal(access: Access, state: RequestState) -> None:
    """Reject a request without a verified caller, or without a required scope.

    Raises:
        Unauthorized: No claims were set, and the operation is not public.
        Forbidden: The verified token lacks a scope.
    """
    if access.public:
        return
    if not state.claims:
        raise Unauthorized(
            "You must send an Authorization header", headers=_CHALLENGE, reason="no-principal"
        )
    if state.granted is not None and not access.permits(state.granted):
        scope = " ".join((*access.all_of, *access.any_of[:1]))
        challenge = f'Bearer error="insufficient_scope", scope="{scope}"'
        raise Forbidden(
            "Could not verify the proper scope",
            headers={"WWW-Authenticate": challenge},
            reason="scope-missing",
        )


def require_further_access(access: Access, state: RequestState) -> None:
    """Reject a caller who may not do what a request needs besides its route's own action.

    Raises:
        Unauthorized: The further action is not public, and there is no verified caller.
        Forbidden: The token lacks a scope, or its scopes are not known here.
    """
    require_principal(access, state)
    known = state.access.scopes() if state.granted is None else access.scopes()
    if not access.public and not access.scopes() <= known:
        # The middleware has compared the scopes of the route, and stored none.
        raise Forbidden("It is not known whether the token has the scope", reason="scopes-unknown")


def with_startup_check(lifespan: Lifespan, check: Callable[[], None]) -> Lifespan:
    """Return the lifespan preceded by a check, when all middlewares have been added."""

    @asynccontextmanager
    async def checked_lifespan(app: Any) -> AsyncIterator[Mapping[str, Any] | None]:
        check()
        async with lifespan(app) as state:
            yield state

    return checked_lifespan


class RequirePrincipalMiddleware:
    """The innermost middleware, if no other declares that it authenticates."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle the request if its caller is verified. Raises ``Unauthorized``, ``Forbidden``."""
        state = RequestState.from_scope(scope)
        require_principal(state.access, state)
        await self._app(scope, receive, send)
