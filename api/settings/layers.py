"""Where settings come from, and the names by which Okta's tools know three of them.

Process environment over ``.env.local`` over ``.okta.env`` over ``.env``. Okta's command line
writes ``.okta.env``, whose lines a shell could read (``export OKTA_OAUTH2_ISSUER="…"``). Within
one layer our own name wins over Okta's; between layers the higher wins, whatever the name.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from dotenv import dotenv_values

from api.settings.errors import SettingsError

FILES: Final = (".env", ".okta.env", ".env.local")
"""The later wins."""

ALIASES: Final = {
    "OKTA_OAUTH2_ISSUER": "ISSUER",
    "OKTA_OAUTH2_CLIENT_ID": "CLIENT_ID",
    "OKTA_OAUTH2_CLIENT_SECRET": "CLIENT_SECRET",
}


def read_layers(
    directory: Path | None = None, environ: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """Merge the files of a directory and the process environment, the later over the earlier.

    Raises:
        SettingsError: One of the files is there and cannot be read.
    """
    merged: dict[str, str] = {}
    for name in FILES:
        merged.update(_translate(_read((directory or Path()) / name)))
    merged.update(_translate(environ))
    return merged


def _read(path: Path) -> dict[str, str]:
    try:
        # Without interpolation, or a secret with a $ in it would not be itself.
        values = dotenv_values(path, interpolate=False)
    except (OSError, UnicodeError) as error:
        raise SettingsError(f"{path.name}: cannot be read ({type(error).__name__})") from error
    return {key: value for key, value in values.items() if value is not None}


def _translate(layer: Mapping[str, str]) -> dict[str, str]:
    """Add our name for what a layer gives under Okta's."""
    ours = {name: layer[okta] for okta, name in ALIASES.items() if layer.get(okta)}
    return {**ours, **layer}
