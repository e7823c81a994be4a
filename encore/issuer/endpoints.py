"""What each endpoint does: parameters in, client proven, answer out.

Token requests are RFC 6749 sections 4.3 and 4.4, introspection RFC 7662, revocation RFC 7009.
Errors are raised here and below; ``app`` turns them into answers.
"""

import time
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from encore.issuer.client_authentication import ClientRegistry
from encore.issuer.grants import parse_subject
from encore.issuer.oauth_errors import InvalidGrantError, InvalidRequestError
from encore.issuer.parameters import read_parameters
from encore.issuer.token_store import TokenStore
from encore.issuer.tokens import TokenIssuer, TokenProfile

NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}
"""On whatever may carry a token or speak of one (RFC 6749 section 5.1)."""


class StaticDocument:
    """Serves one JSON document that never changes while the process lives.

    Args:
        content: What it says.
    """

    def __init__(self, content: Mapping[str, Any]) -> None:
        self._content = content

    async def __call__(self, _request: Request) -> Response:
        """Answer with the document; to be asked for again, as a restart makes a new key."""
        return JSONResponse(self._content, headers={"Cache-Control": "no-cache"})


class TokenEndpoint:
    """Issues tokens of one shape.

    Args:
        clients: Who may ask.
        token_issuer: Issues and remembers.
        shape: The vendor's way to write a token.
        json_body: Whether the request may be JSON, as Auth0's is.
    """

    def __init__(
        self,
        clients: ClientRegistry,
        token_issuer: TokenIssuer,
        shape: TokenProfile,
        *,
        json_body: bool,
    ) -> None:
        self._clients = clients
        self._token_issuer = token_issuer
        self._shape = shape
        self._json_body = json_body

    async def __call__(self, request: Request) -> Response:
        """Answer a request for a token."""
        parameters = await read_parameters(request, query=True, json_body=self._json_body)
        client_id = self._clients.authenticate(request, parameters)
        subject = parse_subject(client_id, parameters)
        answer = self._token_issuer.issue(self._shape, subject, parameters)
        return JSONResponse(answer, headers=NO_STORE)


class IntrospectionEndpoint:
    """Tells any authenticated client whether a token is active, and what it says.

    Args:
        clients: Who may ask.
        token_store: Knows the live tokens.
    """

    def __init__(self, clients: ClientRegistry, token_store: TokenStore) -> None:
        self._clients = clients
        self._token_store = token_store

    async def __call__(self, request: Request) -> Response:
        """Answer ``{"active": false}`` and no more for whatever is not a live token."""
        parameters = await read_parameters(request)
        self._clients.authenticate(request, parameters)
        entry = self._token_store.find(_required_token(parameters), time.time())
        answer: dict[str, Any] = {"active": entry is not None}
        if entry is not None:
            names = ("iss", "aud", "sub", "jti", "iat", "exp")
            answer |= {"token_type": "Bearer", "client_id": entry.client_id, "scope": entry.scope}
            answer |= {name: entry.claims[name] for name in names if name in entry.claims}
        return JSONResponse(answer, headers=NO_STORE)


class RevocationEndpoint:
    """Ends a token before its time.

    Args:
        clients: Who may ask.
        token_store: Knows the live tokens.
    """

    def __init__(self, clients: ClientRegistry, token_store: TokenStore) -> None:
        self._clients = clients
        self._token_store = token_store

    async def __call__(self, request: Request) -> Response:
        """Answer 200 and nothing, for unknown tokens too (RFC 7009 section 2.2)."""
        parameters = await read_parameters(request)
        client_id = self._clients.authenticate(request, parameters)
        token = _required_token(parameters)
        entry = self._token_store.find(token, time.time())
        if entry is not None and entry.client_id != client_id:
            raise InvalidGrantError("The token was issued to another client.")
        self._token_store.revoke(token)
        return Response(headers=NO_STORE)


def _required_token(parameters: Mapping[str, str]) -> str:
    if "token" not in parameters:
        raise InvalidRequestError("The token parameter is required.")
    return parameters["token"]
