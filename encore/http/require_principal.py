"""Gates: which middleware verifies callers, and what holds where none is known to.

A gate is a middleware that verifies who calls and says so in ``RequestState.claims``. One whose
class has ``authenticates = True`` is a gate by its own word; it also compares scopes with those of
the operation. One with ``authenticates = False``, and those of Starlette and FastAPI, are none. Of
any other it is not known: the application starts, and ``RequirePrincipalMiddleware`` answers 401 to
each request for which no claims were set. ``encore.auth.middleware`` is the gate itself.
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

    VERIFIES = "a middleware declares that it does"
    UNKNOWN = "a middleware may do so"
    MISSING = "no middleware does"


def authentication_status(middlewares: Iterable[Middleware]) -> AuthenticationStatus:
    """Return what is known of an application's middlewares."""
    kinds = [_kind_of(middleware.cls) for middleware in middlewares]
    for kind in (AuthenticationStatus.VERIFIES, AuthenticationStatus.UNKNOWN):
        if kind in kinds:
            return kind
    return AuthenticationStatus.MISSING


def _kind_of(factory: Any) -> AuthenticationStatus:
    declared = getattr(factory, "authenticates", None)
    if declared is not None:
        return AuthenticationStatus.VERIFIES if declared else AuthenticationStatus.MISSING
    if factory is BaseHTTPMiddleware:  # A function of the application's own is in it.
        return AuthenticationStatus.UNKNOWN
    module = f"{getattr(factory, '__module__', '')}."
    return (
        AuthenticationStatus.MISSING
        if module.startswith(_FRAMEWORK)
        else AuthenticationStatus.UNKNOWN
    )


def require_principal(access: Access, state: RequestState) -> None:
    """Refuse a request that no gate has verified, or one whose token is known not to suffice.

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


def with_startup_check(lifespan: Lifespan, check: Callable[[], None]) -> Lifespan:
    """Return the lifespan with a check before it: all middleware has been added by then."""

    @asynccontextmanager
    async def checked_lifespan(app: Any) -> AsyncIterator[Mapping[str, Any] | None]:
        check()
        async with lifespan(app) as state:
            yield state

    return checked_lifespan


class RequirePrincipalMiddleware:
    """Stands innermost where no middleware declares that it is a gate."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on if its caller is verified. Raises ``Unauthorized``, ``Forbidden``."""
        state = RequestState.from_scope(scope)
        require_principal(state.access, state)
        await self._app(scope, receive, send)
