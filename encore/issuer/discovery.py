"""The discovery documents (OpenID Connect Discovery 1.0, RFC 8414).

There is no login page, hence no authorization endpoint and no response types.
"""

from typing import Any, Final

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
        "revocation_endpoint_auth_methods_supported": _AUTH_METHODS,
    }


def auth0_metadata(settings: IssuerSettings) -> dict[str, Any]:
    """Return the document of the Auth0-compatible issuer."""
    issuer = settings.auth0_issuer
    return _metadata(settings, issuer, f"{issuer}oauth/token") | {
        "jwks_uri": f"{issuer}.well-known/jwks.json",
    }


def _metadata(settings: IssuerSettings, issuer: str, token_endpoint: str) -> dict[str, Any]:
    return {
        "issuer": issuer,
        "token_endpoint": token_endpoint,
        "token_endpoint_auth_methods_supported": _AUTH_METHODS,
        "grant_types_supported": list(GRANTS),
        "response_types_supported": [],
        "scopes_supported": list(settings.default_scopes),
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
    }
