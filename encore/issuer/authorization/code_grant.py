"""The token request with an authorization code (RFC 6749 section 4.1.3)."""

from collections.abc import Mapping
from typing import Any

from encore.issuer.authorization.codes import AuthorizationCodes
from encore.issuer.oauth_errors import InvalidTargetError
from encore.issuer.parameters import Parameters
from encore.issuer.tokens import parse_token_format
from encore.issuer.user_tokens import UserTokens


class CodeGrant:
    """Issues tokens for authorization codes.

    Args:
        codes: The codes.
        user_tokens: Issues tokens.
    """

    def __init__(self, codes: AuthorizationCodes, user_tokens: UserTokens) -> None:
        self._codes = codes
        self._user_tokens = user_tokens

    def issue(self, client_id: str, parameters: Parameters) -> Mapping[str, Any]:
        """Return the response to a token request. Raise ``OAuthError``."""
        format_ = parse_token_format(parameters)
        audience = self._user_tokens.profile.audience(parameters)
        code = self._codes.redeem(client_id, parameters)
        if {"resource", "audience"} & parameters.keys() and audience != code.family.audience:
            raise InvalidTargetError("The code was issued for another resource.")
        return self._user_tokens.issue(code.family, format_=format_)
