"""Settings: what operators decide, read and validated once at start-up.

``layers`` reads the environment and the files, ``validators`` has the types of values.
``http_settings``, ``database_settings`` and ``token_settings`` have one field a setting, and
``settings`` all of them. ``declarations`` checks those that a service adds, ``production`` has what
production refuses, ``issuers`` makes trusted issuers of several settings. Nothing outside this
package reads the environment for the service.
"""

from encore.errors import SettingsError, StartupError
from encore.settings.issuers import (
    AUTH0_SCOPE_CLAIMS,
    auth0_issuer,
    introspection_issuer,
    trusted_issuers,
)
from encore.settings.layers import (
    DEVELOPMENT,
    committed_names,
    is_production,
    read_layers,
    set_process_layers,
)
from encore.settings.settings import Settings
from encore.settings.toml_file import read_toml
from encore.settings.validators import (
    Flag,
    OptionalText,
    ReadableFile,
    RequiredScopes,
    Scopes,
    Text,
    Words,
    integer,
)

__all__ = [
    "AUTH0_SCOPE_CLAIMS",
    "DEVELOPMENT",
    "Flag",
    "OptionalText",
    "ReadableFile",
    "RequiredScopes",
    "Scopes",
    "Settings",
    "SettingsError",
    "StartupError",
    "Text",
    "Words",
    "auth0_issuer",
    "committed_names",
    "integer",
    "introspection_issuer",
    "is_production",
    "read_layers",
    "read_toml",
    "set_process_layers",
    "trusted_issuers",
]
