"""One operation in an application that is not a ``Service``: the layers it cannot do without.

A plain FastAPI or Starlette application knows neither ``RequestState`` nor our problem documents,
and its middleware cannot see what an operation asks of a token. So each operation brings them
along: it opens the exchange, taking over the caller that a middleware of the application or a
``Service`` around it has verified, refuses a request without one, and answers errors as problems.
"""

from starlette.types import ASGIApp, Receive, Scope, Send

from encore.http.access import Access
from encore.http.error_handling import ErrorHandlingMiddleware
from encore.http.request_log import RequestLogMiddleware
from encore.http.request_state import RequestState
from encore.http.require_principal import RequirePrincipalMiddleware
from encore.http.unread_body import CloseUnreadBodyMiddleware


class StandaloneOperation:
    """Runs an operation inside its own layers.

    Args:
        operation: What answers.
        access: What it asks of a token.
    """

    def __init__(self, operation: ASGIApp, access: Access) -> None:
        self._access = access
        self._checked = RequirePrincipalMiddleware(operation)
        self._layers = RequestLogMiddleware(
            CloseUnreadBodyMiddleware(ErrorHandlingMiddleware(self._declare)), enabled=False
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await self._layers(scope, receive, send)

    async def _declare(self, scope: Scope, receive: Receive, send: Send) -> None:
        RequestState.from_scope(scope).access = self._access
        await self._checked(scope, receive, send)
