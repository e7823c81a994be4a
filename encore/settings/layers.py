"""Where settings come from, and the names by which Okta's tools know three of them.

Okta's command line writes ``.okta.env``, whose lines a shell could read
(``export OKTA_OAUTH2_ISSUER="…"``). Within one layer our own name overrides Okta's; between layers
the higher overrides the lower, whatever the name.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from encore.dotenv import UnreadableSettings, iter_layers
from encore.errors import SettingsError

ALIASES: Final = {
    "OKTA_OAUTH2_ISSUER": "ISSUER",
    "OKTA_OAUTH2_CLIENT_ID": "CLIENT_ID",
    "OKTA_OAUTH2_CLIENT_SECRET": "CLIENT_SECRET",
}

DEVELOPMENT: Final = {"ISSUER": "http://localhost:3001/oauth2/default"}
"""Settings that need not be set to develop, or to migrate: no token is verified then."""

PRODUCTION: Final = "production"

_defaults: dict[str, str] = {}
_overrides: dict[str, str] = {}


def read_layers(
    directory: Path | None = None, environ: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """Merge the files of a directory and the process environment, the later over the earlier.

    Raises:
        SettingsError: One of the files exists and cannot be read.
    """
    merged = dict(_defaults)
    try:
        for layer in iter_layers(directory, environ):
            merged.update(_translate(layer))
    except UnreadableSettings as error:
        raise SettingsError(str(error)) from error
    return {**merged, **_overrides}


def committed_names(
    directory: Path | None = None, environ: Mapping[str, str] = os.environ
) -> frozenset[str]:
    """Return the names of settings whose value comes from ``.env``, which is committed.

    Raises:
        SettingsError: One of the files exists and cannot be read.
    """
    try:
        committed, *others = (_translate(layer) for layer in iter_layers(directory, environ))
    except UnreadableSettings as error:
        raise SettingsError(str(error)) from error
    return frozenset(committed).difference(*others, _overrides)


def is_production(raw: Mapping[str, str]) -> bool:
    """Return whether settings that are not validated yet are those of production."""
    return raw.get("ENVIRONMENT", "").strip().lower() == PRODUCTION


def set_process_layers(*, defaults: Mapping[str, str], overrides: Mapping[str, str]) -> None:
    """Set the lowest and the highest layer of this process, for development and migrations."""
    for layer, values in ((_defaults, defaults), (_overrides, overrides)):
        layer.clear()
        layer.update(values)


def _translate(layer: Mapping[str, str]) -> dict[str, str]:
    """Add the setting's own name for each of Okta's names in a layer."""
    ours = {name: layer[okta] for okta, name in ALIASES.items() if layer.get(okta)}
    return {**ours, **layer}
