"""The endpoints for tokens, introspection and revocation.

RFC 6749 section 3.2, RFC 7662, RFC 7009. Each endpoint reads the parameters, authenticates the
client and returns the response. ``app`` turns raised errors into responses.
"""

import time
from collections.abc import Mapping
from typing import Any, Final, Protocol

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from encore.issuer.client_authentication import ClientRegistry
from encore.issuer.grants import CONFIDENTIAL_GRANTS, parse_grant_type
from encore.issuer.oauth_errors import (
    InvalidGrantError,
    InvalidRequestError,
    UnauthorizedClientError,
)
from encore.issuer.parameters import Parameters, read_parameters
from encore.issuer.token_store import TokenStore
from encore.issuer.user_tokens import UserTokens

NO_STORE: Final = {"Cache-Control": "no-store", "Pragma": "no-cache"}
"""Headers of every response that may have a token or its data (RFC 6749 section 5.1)."""


class StaticDocument:
    """Serves a JSON document that does not change while the process runs.

    Args:
        content: The document.
    """

    def __init__(self, content: Mapping[str, Any]) -> None:
        self._content = content

    async def __call__(self, _request: Request) -> Response:
        """Return the document; it must be revalidated, as a restart creates a new key."""
        return JSONResponse(self._content, headers={"Cache-Control": "no-cache"})


class Grant(Protocol):
    """Issues tokens for one ``grant_type``."""

    def issue(self, client_id: str, parameters: Parameters) -> Mapping[str, Any]:
        """Return the response of RFC 6749 section 5.1. Raise ``OAuthError``."""


class TokenEndpoint:
    """Issues tokens of one vendor's profile.

    Args:
        clients: The registered clients.
        grants: The grants, by ``grant_type``.
        json_body: Whether the request may be JSON, as for Auth0.
    """

    def __init__(
        self, clients: ClientRegistry, grants: Mapping[str, Grant], *, json_body: bool
    ) -> None:
        self._clients = clients
        self._grants = grants
        self._json_body = json_body

    async def __call__(self, request: Request) -> Response:
        """Return a new token."""
        parameters = await read_parameters(request, query=True, json_body=self._json_body)
        client_id = self._clients.identify(request, parameters)
        grant = parse_grant_type(parameters)
        if grant in CONFIDENTIAL_GRANTS and self._clients.is_public(client_id):
            raise UnauthorizedClientError("A client without a secret may not use this grant.")
        response = self._grants[grant].issue(client_id, parameters)
        return JSONResponse(response, headers=NO_STORE)


class IntrospectionEndpoint:
    """Returns to any authenticated client whether a token is active, and its claims.

    Args:
        clients: The registered clients.
        token_store: The active tokens.
    """

    def __init__(self, clients: ClientRegistry, token_store: TokenStore) -> None:
        self._clients = clients
        self._token_store = token_store

    async def __call__(self, request: Request) -> Response:
        """Return the claims of an active token, or only ``{"active": false}``."""
        parameters = await read_parameters(request)
        self._clients.authenticate(request, parameters)
        token = self._token_store.find(_required_token(parameters), time.time())
        response: dict[str, Any] = {"active": token is not None}
        if token is not None:
            names = ("iss", "aud", "sub", "jti", "iat", "exp")
            response |= {"token_type": "Bearer", "client_id": token.client_id, "scope": token.scope}
            response |= {name: token.claims[name] for name in names if name in token.claims}
        return JSONResponse(response, headers=NO_STORE)


class RevocationEndpoint:
    """Revokes a token.

    Args:
        clients: The registered clients.
        token_store: The active access tokens.
        user_tokens: The refresh tokens.
        json_body: Whether the request may be JSON, as for Auth0.
    """

    def __init__(
        self,
        clients: ClientRegistry,
        token_store: TokenStore,
        user_tokens: UserTokens,
        *,
        json_body: bool = False,
    ) -> None:
        self._clients = clients
        self._token_store = token_store
        self._user_tokens = user_tokens
        self._json_body = json_body

    async def __call__(self, request: Request) -> Response:
        """Return an empty 200, for unknown tokens too (RFC 7009 section 2.2).

        A refresh token is revoked with the access tokens of its consent (section 2.1).
        """
        parameters = await read_parameters(request, json_body=self._json_body)
        client_id = self._clients.identify(request, parameters)
        token = _required_token(parameters)
        entry = self._token_store.find(token, time.time())
        refresh = self._user_tokens.find_refresh_token(token)
        owners = {entry and entry.client_id, refresh and refresh.family.client_id} - {None}
        if owners - {client_id}:
            raise InvalidGrantError("The token was issued to another client.")
        if refresh is not None:
            self._user_tokens.revoke(refresh.family)
        self._token_store.revoke(token)
        return Response(headers=NO_STORE)


def _required_token(parameters: Mapping[str, str]) -> str:
    if "token" not in parameters:
        raise InvalidRequestError("The token parameter is required.")
    return parameters["token"]
