"""The discovery documents (OpenID Connect Discovery 1.0, RFC 8414)."""

from typing import Any, Final

from encore.issuer.authorization.request import CODE, PROMPTS, QUERY, S256
from encore.issuer.grants import GRANTS
from encore.issuer.issuer_settings import IssuerSettings

WELL_KNOWN: Final = "/.well-known/oauth-authorization-server"
"""The path of the metadata, which the path of the issuer follows (RFC 8414 section 3.1)."""

_AUTH_METHODS: Final = ["client_secret_basic", "client_secret_post"]


def okta_metadata(settings: IssuerSettings) -> dict[str, Any]:
    """Return the document of the Okta-compatible issuer."""
    return _metadata(settings, settings.issuer, f"{settings.issuer}/v1/token") | {
        "jwks_uri": f"{settings.issuer}/v1/keys",
        "introspection_endpoint": f"{settings.issuer}/v1/introspect",
        "introspection_endpoint_auth_methods_supported": _AUTH_METHODS,
        "revocation_endpoint": f"{settings.issuer}/v1/revoke",
        "revocation_endpoint_auth_methods_supported": [*_AUTH_METHODS, "none"],
        "authorization_endpoint": f"{settings.issuer}/v1/authorize",
        "device_authorization_endpoint": f"{settings.issuer}/v1/device/authorize",
        "userinfo_endpoint": f"{settings.issuer}/v1/userinfo",
    }


def auth0_metadata(settings: IssuerSettings) -> dict[str, Any]:
    """Return the document of the Auth0-compatible issuer."""
    issuer = settings.auth0_issuer
    return _metadata(settings, issuer, f"{issuer}oauth/token") | {
        "jwks_uri": f"{issuer}.well-known/jwks.json",
        "authorization_endpoint": f"{issuer}authorize",
        "device_authorization_endpoint": f"{issuer}oauth/device/code",
        "userinfo_endpoint": f"{issuer}userinfo",
        "revocation_endpoint": f"{issuer}oauth/revoke",
        "revocation_endpoint_auth_methods_supported": [*_AUTH_METHODS, "none"],
    }


def _metadata(settings: IssuerSettings, issuer: str, token_endpoint: str) -> dict[str, Any]:
    return {
        "issuer": issuer,
        "token_endpoint": token_endpoint,
        "token_endpoint_auth_methods_supported": [*_AUTH_METHODS, "none"],
        "grant_types_supported": list(GRANTS),
        "response_types_supported": [CODE],
        "response_modes_supported": [QUERY],
        "code_challenge_methods_supported": [S256],
        "authorization_response_iss_parameter_supported": True,
        "prompt_values_supported": list(PROMPTS),
        "claims_parameter_supported": False,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        "scopes_supported": list(settings.user_scopes),
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
    }
