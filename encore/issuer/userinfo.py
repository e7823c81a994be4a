"""The userinfo endpoint (OpenID Connect Core section 5.3)."""

import time
from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from encore.issuer.endpoints import NO_STORE
from encore.issuer.id_tokens import claims_about
from encore.issuer.oauth_errors import (
    InsufficientScopeError,
    InvalidRequestError,
    InvalidTokenError,
    MissingTokenError,
)
from encore.issuer.scope_descriptions import OPENID
from encore.issuer.token_store import TokenStore
from encore.issuer.users import User


class UserinfoEndpoint:
    """Returns claims about the user of an access token.

    Args:
        issuer: Whose tokens are accepted.
        users: The users who can log in.
        token_store: The active tokens.
    """

    def __init__(self, issuer: str, users: Sequence[User], token_store: TokenStore) -> None:
        self._issuer = issuer
        self._users = {user.name: user for user in users}
        self._token_store = token_store

    async def __call__(self, request: Request) -> Response:
        """Return the claims that the scopes of the token allow.

        Raises:
            OAuthError: The token is missing, inactive, or not for this (RFC 6750 section 3.1).
        """
        token = self._token_store.find(_bearer_token(request), time.time())
        if token is None or token.claims["iss"] != self._issuer:
            raise InvalidTokenError("The token is not active.")
        scopes = token.scope.split(" ")
        user = self._users.get(token.user or "")
        if user is None or OPENID not in scopes:
            raise InsufficientScopeError("The token must be one that a user allowed with openid.")
        return JSONResponse(claims_about(user, token.claims["sub"], scopes), headers=NO_STORE)


def _bearer_token(request: Request) -> str:
    headers = request.headers.getlist("authorization")
    if len(headers) > 1:
        raise InvalidRequestError("Authorization was sent more than once.")
    scheme, _, token = "".join(headers).partition(" ")
    if scheme.lower() != "bearer":
        raise MissingTokenError("A Bearer token is required.")
    return token.strip(" ")
