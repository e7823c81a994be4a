"""The claims of Okta's and of Auth0's tokens.

They are those of access tokens of Okta's custom authorization servers and Auth0's APIs for the
supported grants, so that each vendor's own verifier accepts them.
"""

import hashlib
import uuid
from collections.abc import Sequence
from typing import Any, Final

from encore.issuer.grants import Subject
from encore.issuer.issuer_settings import IssuerSettings
from encore.issuer.oauth_errors import AccessDeniedError, InvalidScopeError, InvalidTargetError
from encore.issuer.parameters import Parameters
from encore.issuer.scope_descriptions import OPENID_SCOPES
from encore.issuer.scope_parameter import parse_scope
from encore.issuer.tokens import TokenProfile

EMAIL_CLAIM: Final = "https://api.exampleco.com/email"
"""The claim with a user's e-mail address in Auth0's timesheets sample, where a rule sets it."""

UNKNOWN_RESOURCE: Final = "The resource is not one of this issuer."

_OKTA_ID_LENGTH: Final = 17


class OktaProfile:
    """Tokens of an Okta custom authorization server.

    Args:
        settings: For the issuer and the audience.
    """

    typ: str | None = None

    def __init__(self, settings: IssuerSettings) -> None:
        self._settings = settings

    def scopes(self, parameters: Parameters) -> Sequence[str]:
        """Return the requested scopes; like Okta, reject a request without any."""
        if "scope" not in parameters:
            raise InvalidScopeError("The scope parameter is required.")
        return parse_scope(parameters["scope"])

    def audience(self, parameters: Parameters) -> str:
        """Return the audience of the authorization server, whatever ``audience`` says, like Okta.

        Raises:
            InvalidTargetError: The request names another ``resource``.
        """
        resource = parameters.get("resource")
        if resource is not None and resource not in (
            self._settings.audience,
            *self._settings.resources,
        ):
            raise InvalidTargetError(UNKNOWN_RESOURCE)
        return self._settings.audience

    def claims(self, subject: Subject, scopes: Sequence[str], audience: str) -> dict[str, Any]:
        """Return Okta's claims."""
        user_claims = {} if subject.user is None else {"uid": _okta_id(subject.user)}
        return {
            "ver": 1,
            "jti": f"AT.{uuid.uuid4()}",
            "iss": self._settings.issuer,
            "aud": audience,
            "cid": subject.client_id,
            **user_claims,
            **subject.claims,
            "scp": list(scopes),
            "sub": subject.user or subject.client_id,
        }


class Auth0Profile:
    """Tokens of an Auth0 tenant for one of its APIs.

    Args:
        settings: For the origin, the audiences and the default scopes.
    """

    typ: str | None = "JWT"

    def __init__(self, settings: IssuerSettings) -> None:
        self._settings = settings

    def scopes(self, parameters: Parameters) -> Sequence[str]:
        """Return the requested scopes, by default all, like Auth0."""
        if "scope" not in parameters:
            return tuple(self._settings.default_scopes)
        return parse_scope(parameters["scope"])

    def audience(self, parameters: Parameters) -> str:
        """Return one of the configured audiences: that of the request, or the first.

        Raises:
            AccessDeniedError: The request names another ``audience``.
            InvalidTargetError: It names another ``resource``.
        """
        audiences = self._settings.auth0_audiences
        audience = parameters.get("audience", audiences[0])
        if audience not in audiences:
            raise AccessDeniedError("The audience is not enabled at this issuer.")
        resource = parameters.get("resource")
        if resource is None or resource in self._settings.resources:
            return audience
        if resource not in audiences or ("audience" in parameters and resource != audience):
            raise InvalidTargetError(UNKNOWN_RESOURCE)
        return resource

    def claims(self, subject: Subject, scopes: Sequence[str], audience: str) -> dict[str, Any]:
        """Return Auth0's claims."""
        hidden = OPENID_SCOPES if subject.has_consented else {}
        if subject.user is None:
            grant_claims = {"sub": f"{subject.client_id}@clients", "gty": "client-credentials"}
        elif not subject.has_consented:
            sub = f"auth0|{subject.user}"
            grant_claims = {"sub": sub, "gty": "password", EMAIL_CLAIM: subject.user}
        else:
            # Auth0's tokens by code have no gty. The jti is ours: without it they could not be
            # revoked if their code is used again.
            sub = f"auth0|{subject.user}"
            grant_claims = {"sub": sub, "jti": str(uuid.uuid4())}
            grant_claims[EMAIL_CLAIM] = subject.claims.get("email", subject.user)
        return {
            "iss": self._settings.auth0_issuer,
            "aud": audience,
            "azp": subject.client_id,
            **grant_claims,
            **subject.claims,
            "scope": " ".join(scopes),
            "permissions": [s for s in scopes if s not in hidden],
        }


class RFC9068Profile:
    """Tokens of a vendor's shape with all that RFC 9068 section 2.2 requires.

    Args:
        profile: The vendor's shape.
    """

    typ: str | None = "at+jwt"

    def __init__(self, profile: TokenProfile) -> None:
        self._profile = profile

    def scopes(self, parameters: Parameters) -> Sequence[str]:
        """Return the scopes to grant. Raises ``OAuthError``."""
        return self._profile.scopes(parameters)

    def audience(self, parameters: Parameters) -> str:
        """Return ``aud`` of the token. Raises ``OAuthError``."""
        return self._profile.audience(parameters)

    def claims(self, subject: Subject, scopes: Sequence[str], audience: str) -> dict[str, Any]:
        """Return the vendor's claims and those that it may leave out."""
        claims = {"jti": f"AT.{uuid.uuid4()}", "scope": " ".join(scopes)}
        claims |= self._profile.claims(subject, scopes, audience)
        return claims | {"client_id": subject.client_id}


def _okta_id(user: str) -> str:
    """Return a user's id in Okta's format: 00u and 17 characters, the same for each user."""
    return "00u" + hashlib.sha256(user.encode("utf-8")).hexdigest()[:_OKTA_ID_LENGTH]
