"""The token request with an authorization code (RFC 6749 section 4.1.3)."""

from collections.abc import Mapping
from typing import Any

from encore.issuer.authorization.codes import AuthorizationCodes
from encore.issuer.grants import AUTHORIZATION_CODE, Subject
from encore.issuer.oauth_errors import InvalidTargetError
from encore.issuer.parameters import Parameters
from encore.issuer.tokens import TokenGrant, TokenIssuer, TokenProfile, parse_token_format


class CodeGrant:
    """Issues tokens for authorization codes.

    Args:
        codes: The codes.
        token_issuer: Issues and stores tokens.
        profile: The vendor's claims.
    """

    def __init__(
        self, codes: AuthorizationCodes, token_issuer: TokenIssuer, profile: TokenProfile
    ) -> None:
        self._codes = codes
        self._token_issuer = token_issuer
        self._profile = profile

    def issue(self, client_id: str, parameters: Parameters) -> Mapping[str, Any]:
        """Return the response to a token request. Raise ``OAuthError``."""
        format_ = parse_token_format(parameters)
        audience = self._profile.audience(parameters)
        code = self._codes.redeem(client_id, parameters)
        if {"resource", "audience"} & parameters.keys() and audience != code.audience:
            raise InvalidTargetError("The code was issued for another resource.")
        user = code.approval.user
        subject = Subject(client_id, user.name, AUTHORIZATION_CODE, user.claims)
        grant = TokenGrant(code.approval.scopes, code.audience)
        issued = self._token_issuer.issue(self._profile, subject, grant, format_)
        code.tokens.append(issued.id_)
        return issued.response
