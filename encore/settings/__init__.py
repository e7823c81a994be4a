"""Settings: what the service is told from outside, read and checked once at start.

``layers`` reads the environment and the files, ``values`` checks one value, ``settings`` has one
field a setting, ``issuers`` makes trusted issuers of several of them, ``errors`` says what was
wrong in one line. Nothing outside this package reads the environment for the service.
"""

from encore.errors import SettingsError, StartupError
from encore.settings.issuers import AUTH0_SCOPE_CLAIMS, auth0_issuer, trusted_issuers
from encore.settings.layers import read_layers
from encore.settings.settings import Settings

__all__ = [
    "AUTH0_SCOPE_CLAIMS",
    "Settings",
    "SettingsError",
    "StartupError",
    "auth0_issuer",
    "read_layers",
    "trusted_issuers",
]
