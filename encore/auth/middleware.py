"""The gate in front of the service: a pure ASGI middleware.

Owns the sequence for one request: find the credential, have it verified, write down who calls,
compare the scopes with those of the operation that routing chose (``RequestState.access``). It
renders
nothing: a refusal is raised as an ``ApiError`` with its challenge (RFC 6750 section 3) and leaves
by the service's one renderer. The body is never read, so a refusal comes before it.
"""

from typing import ClassVar, Protocol

from starlette.types import ASGIApp, Receive, Scope, Send

from encore.auth import challenges
from encore.auth.access_token import AccessToken
from encore.auth.bearer_token import extract_bearer_token
from encore.auth.scopes import require_scopes
from encore.auth.trusted_issuer import is_safe_url
from encore.errors import ApiError
from encore.http.request_state import RequestState

_POLICY_VIOLATION = 1008  # RFC 6455 7.4.1


class TokenVerifier(Protocol):
    """What the gate asks of a verifier; ``Verifier`` is one."""

    async def verify(self, credential: bytes) -> AccessToken:
        """Give what the token grants, or raise an ``ApiError``."""
        ...  # pragma: no cover


class BearerAuthMiddleware:
    """Lets through who may pass; to be put after routing and before the application.

    Args:
        app: What is behind the gate.
        verifier: The judge of tokens.
        resource_metadata: Address of this service's metadata (RFC 9728), for the challenges.

    Attributes:
        authenticates: Declares that callers are verified here
            (``encore.http.require_principal``).
        needs_service: It reads what ``Service``'s routing has found.

    Raises:
        ValueError: ``resource_metadata`` is no https URL (or http on loopback).
    """

    authenticates: ClassVar[bool] = True
    needs_service: ClassVar[bool] = True

    def __init__(
        self, app: ASGIApp, verifier: TokenVerifier, *, resource_metadata: str | None = None
    ) -> None:
        if resource_metadata is not None and (
            not is_safe_url(resource_metadata, loopback=True) or set('"\\') & set(resource_metadata)
        ):
            raise ValueError("resource_metadata must be an https URL, or http on loopback")
        self._app = app
        self._verifier = verifier
        self._resource_metadata = resource_metadata

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or raise the refusal.

        Raises:
            Unauthorized: No valid token.
            Forbidden: A valid token that lacks a scope.
            InvalidRequest: A token sent in no proper way.
            ServiceUnavailable: The keys to judge it cannot be had.
        """
        if scope["type"] == "http":
            state = RequestState.from_scope(scope)
            if not state.access.public:
                await self._admit(scope, state)
        elif scope["type"] != "lifespan":
            # The service has no websockets; one added later must not be open by oversight.
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION})
            return
        await self._app(scope, receive, send)

    async def _admit(self, scope: Scope, state: RequestState) -> None:
        try:
            credential = extract_bearer_token(scope["headers"], scope.get("query_string", b""))
            grant = await self._verifier.verify(credential)
            # Before the scopes are compared: the log of a 403 names the client.
            state.claims = grant.claims
            state.granted = grant.scopes or frozenset()
            state.client_id = grant.client_id
            require_scopes(state.access, grant)
        except ApiError as refusal:
            if self._resource_metadata is not None:
                challenges.point_to_metadata(refusal, self._resource_metadata)
            raise
