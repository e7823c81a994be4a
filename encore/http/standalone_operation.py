"""Runs an operation in a plain FastAPI or Starlette application, with the middlewares it needs.

Such an application has neither ``RequestState`` nor problem documents, and its middleware does not
see the access that an operation declares. So each operation is wrapped: the wrapper creates the
request state, with the caller that an outer middleware has verified, rejects a request without a
verified caller, and sends errors as problem documents.
"""

from starlette.types import ASGIApp, Receive, Scope, Send

from encore.http.access import Access
from encore.http.error_handling import ErrorHandlingMiddleware
from encore.http.request_log import RequestLogMiddleware
from encore.http.request_state import RequestState
from encore.http.require_principal import RequirePrincipalMiddleware
from encore.http.unread_body import CloseUnreadBodyMiddleware


class StandaloneOperation:
    """Runs an operation inside its own middlewares.

    Args:
        operation: The ASGI application of the operation.
        access: Who may call it.
    """

    def __init__(self, operation: ASGIApp, access: Access) -> None:
        self._access = access
        self._checked = RequirePrincipalMiddleware(operation)
        self._app = RequestLogMiddleware(
            CloseUnreadBodyMiddleware(ErrorHandlingMiddleware(self._set_access)), enabled=False
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        await self._app(scope, receive, send)

    async def _set_access(self, scope: Scope, receive: Receive, send: Send) -> None:
        RequestState.from_scope(scope).access = self._access
        await self._checked(scope, receive, send)
