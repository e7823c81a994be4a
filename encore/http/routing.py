"""The middleware that routes a request, and the innermost application that runs its operation.

Authentication needs the access that an operation declares, so routing comes first, and runs
nothing: ``RouteTable`` stores the operation in the request state, ``dispatch`` runs it. A request
without a matching route or method gets its error in place of an operation, so that 401 and 403
still come before 404 and 405.
"""

from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from encore.errors import ApiError
from encore.http.host_header import host_error
from encore.http.request_state import RequestState
from encore.http.route_table import RouteTable


class RoutingMiddleware:
    """Resolves the operation of each request."""

    def __init__(self, app: ASGIApp, table: RouteTable) -> None:
        self._app = app
        self._table = table

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Resolve the operation, then pass the request on."""
        state = RequestState.from_scope(scope)
        self._table.resolve(scope, state)
        if scope.get("http_version") == "1.1" and (error := host_error(scope)) is not None:
            state.operation = error  # Raised by dispatch, after authentication.
        await self._app(scope, receive, send)


async def dispatch(scope: Scope, receive: Receive, send: Send) -> None:
    """Run the resolved operation; the innermost application."""
    operation: Any = RequestState.from_scope(scope).operation
    if isinstance(operation, ApiError):
        raise operation
    await operation(scope, receive, send)
