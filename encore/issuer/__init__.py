"""The development authorization server: issues tokens for development on this machine only.

It has the endpoints of Okta and of Auth0, for client credentials (RFC 6749 section 4.4) and, to
act as a user, authorization codes with PKCE (section 4.1) and passwords (section 4.3), so that the
service, its client and the unmodified Node samples run without an account. The service and the
issuer communicate over HTTP only, as with Okta.

``create_issuer`` returns the application; ``encore.issuer.server`` runs it, on loopback only.
"""

from encore.issuer.app import create_issuer
from encore.issuer.clients import PublicClient
from encore.issuer.issuer_settings import IssuerSettings
from encore.issuer.startup_errors import IssuerSettingsError, PortInUse
from encore.issuer.users import User

__all__ = [
    "IssuerSettings",
    "IssuerSettingsError",
    "PortInUse",
    "PublicClient",
    "User",
    "create_issuer",
]
