"""Cross-origin requests of browsers (the Fetch standard's CORS protocol), from listed origins.

Stands outside the gate, since a preflight carries no token. A preflight of a listed origin is
answered here; any other goes on to the gate and is answered as not allowed, that is without a
word on CORS. What an answer says of CORS goes into ``RequestState.headers``, so that refusals say
it as well: a page could not read them otherwise. No cookies are used, so none are allowed.
"""

from collections.abc import Iterable
from typing import ClassVar, Final

from starlette.types import ASGIApp, Receive, Scope, Send

from encore.http.request_body import get_header
from encore.http.request_state import Header, RequestState

EXPOSED: Final = (
    "Content-Disposition",
    "Content-Range",
    "ETag",
    "Idempotency-Replayed",
    "Invalid-Values",
    "Link",
    "Location",
    "Preference-Applied",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "WWW-Authenticate",
    "X-Request-Id",
)
"""What a page may read of an answer beyond the few that it always may."""

METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
ACCEPTED: Final = (
    "Authorization",
    "Content-Encoding",
    "Content-Type",
    "Idempotency-Key",
    "If-Match",
    "If-None-Match",
    "Prefer",
    "X-Request-Id",
)
MAX_AGE_SECONDS: Final = 600

_VARY: Final[Header] = (b"vary", b"Origin")
_EXPOSE: Final[Header] = (b"access-control-expose-headers", ", ".join(EXPOSED).encode())


def _allowance(accepted: Iterable[str]) -> tuple[Header, ...]:
    """Return what a preflight of a listed origin is answered."""
    return (
        (b"access-control-allow-methods", ", ".join(METHODS).encode()),
        (b"access-control-allow-headers", ", ".join(accepted).encode()),
        (b"access-control-max-age", str(MAX_AGE_SECONDS).encode()),
    )


class CORSMiddleware:
    """Answers preflights, and tells browsers who may read an answer.

    Args:
        app: The next layer.
        origins: As browsers send them, or ``*`` alone for any.
        headers: What a page may send beside what the service reads itself; ``*`` for anything.
    """

    authenticates: ClassVar[bool] = False
    needs_service: ClassVar[bool] = True

    def __init__(
        self, app: ASGIApp, *, origins: tuple[str, ...], headers: tuple[str, ...] = ()
    ) -> None:
        self._app = app
        self._origins = frozenset(origin.encode() for origin in origins)
        self._any = b"*" in self._origins
        # A * covers all but Authorization, which the list names in any case (Fetch, 3.3.4).
        self._allowance = _allowance(dict.fromkeys((*ACCEPTED, *headers)))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer a preflight."""
        if scope["type"] != "http":  # In a Service only requests come here.
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
            state.headers = (*state.headers, *self._allowance)
            await send({"type": "http.response.start", "status": 204, "headers": []})
            await send({"type": "http.response.body", "body": b""})
            return
        await self._app(scope, receive, send)
