"""The grants that no user approves: client credentials (RFC 6749 section 4.4), passwords (4.3)."""

from collections.abc import Mapping
from typing import Any

from encore.issuer.grants import Subject, parse_user
from encore.issuer.parameters import Parameters
from encore.issuer.tokens import TokenGrant, TokenIssuer, TokenProfile, parse_token_format


class ClientCredentialsGrant:
    """Issues tokens to clients that act for themselves.

    Args:
        token_issuer: Issues and stores tokens.
        profile: The vendor's claims.
    """

    def __init__(self, token_issuer: TokenIssuer, profile: TokenProfile) -> None:
        self._token_issuer = token_issuer
        self._profile = profile

    def issue(self, client_id: str, parameters: Parameters) -> Mapping[str, Any]:
        """Return the response to a token request. Raise ``OAuthError``."""
        return self._issue(Subject(client_id), parameters)

    def _issue(self, subject: Subject, parameters: Parameters) -> Mapping[str, Any]:
        format_ = parse_token_format(parameters)
        scopes = self._profile.scopes(parameters)
        grant = TokenGrant(scopes, self._profile.audience(parameters))
        return self._token_issuer.issue(self._profile, subject, grant, format_).response


class PasswordGrant(ClientCredentialsGrant):
    """Issues tokens to clients that act as a user whom they name; any password is valid."""

    def issue(self, client_id: str, parameters: Parameters) -> Mapping[str, Any]:
        """Return the response to a token request. Raise ``OAuthError``."""
        return self._issue(parse_user(client_id, parameters), parameters)
