"""The middleware that authenticates requests by bearer token (pure ASGI).

Owns the sequence for one request: extract the token, verify it, store the caller in the request
state, compare the scopes with those of the operation (``RequestState.access``). Errors are raised
as ``ApiError`` with a challenge (RFC 6750 section 3); ``encore.http.error_handling`` sends them.
The body is never read, so errors are sent before it.
"""

from typing import ClassVar, Final, Protocol

from starlette.types import ASGIApp, Receive, Scope, Send

from encore.auth import challenges
from encore.auth.access_token import AccessToken
from encore.auth.bearer_token import extract_bearer_token
from encore.auth.scopes import require_scopes
from encore.auth.trusted_issuer import is_safe_url
from encore.errors import ApiError, Unauthorized
from encore.http.access import AUTHENTICATED
from encore.http.request_state import RequestState

_POLICY_VIOLATION: Final = 1008
"""A close code of RFC 6455 7.4.1."""


class TokenVerifier(Protocol):
    """Verifies tokens; ``JWTVerifier`` is one."""

    async def verify(self, credential: bytes) -> AccessToken:
        """Return the verified token. Raises ``ApiError``."""
        ...  # pragma: no cover


class BearerAuthMiddleware:
    """Authenticates and authorizes requests; must come after routing.

    Args:
        app: The next layer.
        verifier: Verifies tokens.
        resource_metadata: URL of this service's metadata (RFC 9728), for the challenges.
        hint: How operators find out why a token is invalid, for the body of a 401.

    Attributes:
        authenticates: Declares that callers are verified here
            (``encore.http.require_principal``).
        needs_service: It reads the operation that the application's routing has found.

    Raises:
        ValueError: ``resource_metadata`` is not an https URL (or http on loopback).
    """

    authenticates: ClassVar[bool] = True
    needs_service: ClassVar[bool] = True

    def __init__(
        self,
        app: ASGIApp,
        verifier: TokenVerifier,
        *,
        resource_metadata: str | None = None,
        hint: str | None = None,
    ) -> None:
        if resource_metadata is not None and (
            not is_safe_url(resource_metadata, loopback=True) or set('"\\') & set(resource_metadata)
        ):
            raise ValueError("resource_metadata must be an https URL, or http on loopback")
        self._app = app
        self._verifier = verifier
        self._resource_metadata = resource_metadata
        self._hint = hint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass an authorized request on.

        Raises:
            Unauthorized: There is no valid token.
            Forbidden: The token lacks a required scope.
            InvalidRequest: The token was not sent as RFC 6750 prescribes.
            ServiceUnavailable: The keys to verify it are unavailable.
        """
        if scope["type"] == "http":
            state = RequestState.from_scope(scope)
            access = state.access
            if not access.public:
                await self._authorize(scope, state)
            elif access.verifies_token and _has_credentials(scope):
                state.access = AUTHENTICATED  # The response is this caller's.
                await self._authorize(scope, state)
        elif scope["type"] != "lifespan":
            # Websockets are not authenticated, so none may be open.
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION})
            return
        await self._app(scope, receive, send)

    async def _authorize(self, scope: Scope, state: RequestState) -> None:
        try:
            credential = extract_bearer_token(scope["headers"], scope.get("query_string", b""))
            token = await self._verifier.verify(credential)
            # Before the scopes are compared, so that the log of a 403 has the client.
            state.set_caller(token.principal, token.claims, token.scopes or frozenset())
            require_scopes(state.access, token)
        except ApiError as error:
            if isinstance(error, Unauthorized) and challenges.is_invalid_token(error):
                error.hint = self._hint
            if self._resource_metadata is not None:
                challenges.add_resource_metadata(error, self._resource_metadata)
            raise


def _has_credentials(scope: Scope) -> bool:
    """Return whether a request has an Authorization header; an empty one is like none."""
    return any(name == b"authorization" and value.strip() for name, value in scope["headers"])
