"""The client's settings: environment variables, ``.env.local``, ``.okta.env``, ``.env``.

An earlier layer overrides a later one. Okta's command line writes ``.okta.env``; its three names
are accepted in every layer, and within one layer our own name overrides Okta's. The files are read
from the current directory without expansion: a ``$`` in a secret is kept.
"""

import os
from collections.abc import Collection, Mapping
from typing import Final

from client.env_files import read_env_file
from encore.client.errors import ConfigurationError
from encore.client.settings import ClientSettings
from encore.client.urls import validate_url

FILES: Final = (".env", ".okta.env", ".env.local")
"""A later file overrides an earlier one; environment variables override all."""

SETTING_NAMES: Final = ("ISSUER", "AUDIENCE", "CLIENT_ID", "CLIENT_SECRET", "SCOPE")
_OKTA_NAMES: Final = {
    "OKTA_OAUTH2_ISSUER": "ISSUER",
    "OKTA_OAUTH2_CLIENT_ID": "CLIENT_ID",
    "OKTA_OAUTH2_CLIENT_SECRET": "CLIENT_SECRET",
}
_REQUIRED: Final = ("ISSUER", "CLIENT_ID", "CLIENT_SECRET")


def load_settings(variables: Mapping[str, str], directory: str) -> ClientSettings:
    """Read and validate the settings.

    Args:
        variables: The process's environment variables.
        directory: Where the files are, if there are any.

    Raises:
        ConfigurationError: A setting is missing or malformed, or a file cannot be read.
    """
    return build_client_settings(read_settings(variables, directory))


def read_settings(
    variables: Mapping[str, str], directory: str, names: Collection[str] = SETTING_NAMES
) -> dict[str, str]:
    """Return the raw values of these settings, each from the layer that overrides the others.

    Args:
        variables: The process's environment variables.
        directory: Where the files are, if there are any.
        names: The settings to read.

    Raises:
        ConfigurationError: A file cannot be read.
    """
    values: dict[str, str] = {}
    for name in FILES:
        values |= _select(_read_file(directory, name), names)
    return values | _select(variables, names)


def find_setting(variables: Mapping[str, str], directory: str, name: str) -> tuple[str, str] | None:
    """Return a setting's value and where it comes from, for messages; None if it is not set.

    Raises:
        ConfigurationError: A file cannot be read.
    """
    layers = [("the environment", variables)]
    layers += [(file, _read_file(directory, file)) for file in reversed(FILES)]
    for source, layer in layers:
        value = _select(layer, [name]).get(name)
        if value is not None:
            return value, source
    return None


def build_client_settings(values: Mapping[str, str]) -> ClientSettings:
    """Validate what ``read_settings`` returned.

    Raises:
        ConfigurationError: A setting is missing or malformed.
    """
    for name in _REQUIRED:
        if not values.get(name):
            raise ConfigurationError(
                f"{name} is not set: put a line {name}=... into .env.local, or set it in the"
                " environment. (make run writes one for the development issuer.)"
            )
    validate_url(values["ISSUER"], "ISSUER", ConfigurationError)
    return ClientSettings(
        issuer=values["ISSUER"],
        client_id=values["CLIENT_ID"],
        client_secret=values["CLIENT_SECRET"],
        scope=values.get("SCOPE", ""),
        audience=values.get("AUDIENCE", ""),
    )


def _select(layer: Mapping[str, str], names: Collection[str]) -> dict[str, str]:
    """Return the settings that a layer has, under their own names or Okta's."""
    okta = {name: layer[alias] for alias, name in _OKTA_NAMES.items() if layer.get(alias)}
    return {**okta, **{name: layer[name] for name in names if name in layer}}


def _read_file(directory: str, name: str) -> Mapping[str, str]:
    try:
        return read_env_file(f"{directory}{os.sep}{name}")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ConfigurationError(f"{name} cannot be read: {reason}.") from error
