"""The token request with a refresh token (RFC 6749 section 6)."""

from collections.abc import Mapping
from typing import Any

from encore.issuer.oauth_errors import (
    InvalidGrantError,
    InvalidRequestError,
    InvalidScopeError,
    InvalidTargetError,
)
from encore.issuer.parameters import Parameters
from encore.issuer.scope_parameter import parse_scope
from encore.issuer.tokens import parse_token_format
from encore.issuer.user_tokens import UserTokens


class RefreshGrant:
    """Exchanges refresh tokens.

    Args:
        user_tokens: Issues and revokes tokens.
    """

    def __init__(self, user_tokens: UserTokens) -> None:
        self._user_tokens = user_tokens

    def issue(self, client_id: str, parameters: Parameters) -> Mapping[str, Any]:
        """Return the response to a token request. Raise ``OAuthError``.

        A malformed request leaves the refresh token valid.
        """
        if "refresh_token" not in parameters:
            raise InvalidRequestError("The refresh_token parameter is required.")
        format_ = parse_token_format(parameters)
        requested = parse_scope(parameters["scope"]) if "scope" in parameters else None
        audience = self._user_tokens.profile.audience(parameters)
        token = self._user_tokens.find_refresh_token(parameters["refresh_token"])
        if token is None or token.family.client_id != client_id or token.family.is_revoked:
            raise InvalidGrantError("The refresh token is unknown, expired or revoked.")
        if token.is_used:
            self._user_tokens.revoke(token.family)
            raise InvalidGrantError("The refresh token was used before; its tokens are revoked.")
        family = token.family
        if not set(requested or ()) <= set(family.approval.scopes):
            raise InvalidScopeError("A scope is not one that the user allowed.")
        if {"resource", "audience"} & parameters.keys() and audience != family.audience:
            raise InvalidTargetError("The refresh token was issued for another resource.")
        token.is_used = True
        return self._user_tokens.issue(family, requested, format_)
