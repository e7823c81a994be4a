"""Rejecting headers of requests that an operation cannot honour: they are never ignored."""

from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from encore.errors import BadRequest
from encore.http.request_body import get_header

IDEMPOTENCY_KEY: Final = b"idempotency-key"
_READS: Final = "this operation changes nothing, so that it can be repeated without one"


def reject_idempotency_key(scope: Scope, reason: str = _READS) -> None:
    """Reject a request that has an idempotency key. Raises ``BadRequest``.

    Args:
        scope: The request.
        reason: Why the operation does not support one.
    """
    if get_header(scope, IDEMPOTENCY_KEY) is not None:
        raise BadRequest(f"Idempotency-Key is not supported here: {reason}")


class RejectUnsupportedHeaders:
    """Wraps the library's own routes, such as ``/livez``, which only read."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request without such headers. Raises ``BadRequest``."""
        reject_idempotency_key(scope)
        await self._app(scope, receive, send)
