"""Cross-origin requests of browsers (the CORS protocol of the Fetch standard) from listed origins.

Comes before authentication, since a preflight carries no token. A preflight of a listed origin is
answered here; any other is handled like every request, without CORS headers. The headers go into
``RequestState.headers``, so that error responses carry them as well: otherwise a page could not
read them. Cookies are not used, so credentials are not allowed.

Starlette's ``CORSMiddleware`` is not used. Inside the error handling it would miss error responses;
outside, its own responses (400 ``Disallowed CORS origin`` as plain text to foreign preflights, 200
``OK`` to others) would have neither a request id, nor security headers, nor a line in the log.
"""

from collections.abc import Iterable
from typing import ClassVar, Final

from starlette.types import ASGIApp, Receive, Scope, Send

from encore.http.request_body import get_header
from encore.http.request_state import Header, RequestState

EXPOSED: Final = (
    "Content-Disposition",
    "Content-Location",
    "Content-Range",
    "Dry-Run",
    "ETag",
    "Idempotency-Replayed",
    "Invalid-Values",
    "Last-Modified",
    "Link",
    "Location",
    "Preference-Applied",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "WWW-Authenticate",
    "X-Request-Id",
    "X-Total-Count",
)
"""Response headers that a page may read besides the CORS-safelisted ones."""

METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
ACCEPTED: Final = (
    "Authorization",
    "Content-Encoding",
    "Content-Type",
    "Idempotency-Key",
    "If-Match",
    "If-Modified-Since",
    "If-None-Match",
    "If-Unmodified-Since",
    "Prefer",
    "Range",
    "X-Request-Id",
)
MAX_AGE_SECONDS: Final = 600

_VARY: Final[Header] = (b"vary", b"Origin")
_EXPOSE: Final[Header] = (b"access-control-expose-headers", ", ".join(EXPOSED).encode())


def _preflight_headers(accepted: Iterable[str]) -> tuple[Header, ...]:
    """Return the headers of a preflight response to a listed origin."""
    return (
        (b"access-control-allow-methods", ", ".join(METHODS).encode()),
        (b"access-control-allow-headers", ", ".join(accepted).encode()),
        (b"access-control-max-age", str(MAX_AGE_SECONDS).encode()),
    )


class CORSMiddleware:
    """Answers preflights and adds CORS headers to responses.

    Args:
        app: The next layer.
        origins: Allowed origins as browsers send them, or ``*`` alone for any.
        headers: Request headers that a page may send besides those that the service reads; ``*``
            for any.
    """

    authenticates: ClassVar[bool] = False
    needs_service: ClassVar[bool] = True

    def __init__(
        self, app: ASGIApp, *, origins: tuple[str, ...], headers: tuple[str, ...] = ()
    ) -> None:
        self._app = app
        self._origins = frozenset(origin.encode() for origin in origins)
        self._any = b"*" in self._origins
        # A * covers all but Authorization, which the list always names (Fetch, 3.3.4).
        self._preflight_headers = _preflight_headers(dict.fromkeys((*ACCEPTED, *headers)))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a preflight, or pass the request on."""
        if scope["type"] != "http":  # Not reached in an Application.
            await self._app(scope, receive, send)
            return
        state = RequestState.from_scope(scope)
        state.headers = (*state.headers, _VARY)
        origin = get_header(scope, b"origin")
        if origin is None or not (self._any or origin in self._origins):
            await self._app(scope, receive, send)
            return
        allowed = (b"access-control-allow-origin", b"*" if self._any else origin)
        state.headers = (*state.headers, allowed, _EXPOSE)
        if scope["method"] == "OPTIONS" and get_header(scope, b"access-control-request-method"):
            state.headers = (*state.headers, *self._preflight_headers)
            await send({"type": "http.response.start", "status": 204, "headers": []})
            await send({"type": "http.response.body", "body": b""})
            return
        await self._app(scope, receive, send)
