"""The development authorization server: tokens for this machine, and for nothing else.

It speaks Okta's and Auth0's shapes at once, by client credentials (RFC 6749 section 4.4) and, to
act as a person, by password (section 4.3), so that the service, its client and the unmodified Node
samples run without an account anywhere. It knows nothing of the service: the service meets it over
HTTP, as it would meet Okta.

``create_issuer`` gives the application; ``encore.issuer.server`` runs it, on loopback alone.
"""

from encore.issuer.app import create_issuer
from encore.issuer.issuer_settings import IssuerSettings
from encore.issuer.startup_errors import IssuerSettingsError, PortInUse

__all__ = [
    "IssuerSettings",
    "IssuerSettingsError",
    "PortInUse",
    "create_issuer",
]
