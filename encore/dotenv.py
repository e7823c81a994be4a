"""Environment variables and the ``.env`` files under them, in layers.

``.env`` is committed, ``.okta.env`` is written by Okta's command line, ``.env.local`` is a
developer's own; later files override earlier ones, and the process environment overrides all. This
is a low module because the migrations need DATABASE_URL without the service.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from dotenv import dotenv_values

DEFAULT_DATABASE_URL: Final = "sqlite:///dev.sqlite"
DATABASE_DEFAULTS: Final = {
    "DATABASE_URL": DEFAULT_DATABASE_URL,
    "DATABASE_WAIT_SECONDS": "30",
    "MIGRATION_LOCK_SECONDS": "10",
    "MIGRATION_STATEMENT_SECONDS": "600",
}
"""Defaults of the settings that the service and the migrations share."""

MAX_SECONDS: Final = 86_400
"""The largest value of those settings that are durations."""

FILES: Final = (".env", ".okta.env", ".env.local")
"""The files that are read, lowest precedence first."""


class UnreadableSettings(Exception):
    """A settings file exists but cannot be read; the message names it."""


def iter_layers(
    directory: Path | None = None, environ: Mapping[str, str] = os.environ
) -> Iterator[Mapping[str, str]]:
    """Yield the variables of each layer, lowest precedence first; a missing file has none.

    Args:
        directory: Where the files are; the working directory by default.
        environ: The process environment.

    Raises:
        UnreadableSettings: A file exists but cannot be read.
    """
    for name in FILES:
        yield _read_file((directory or Path()) / name)
    yield environ


def load_environment(
    directory: Path | None = None, environ: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """Return the variables of all layers, merged. Raises ``UnreadableSettings``."""
    merged: dict[str, str] = {}
    for layer in iter_layers(directory, environ):
        merged.update(layer)
    return merged


def _read_file(path: Path) -> dict[str, str]:
    try:
        # Without interpolation, which would change a secret that contains a $.
        values = dotenv_values(path, interpolate=False)
    except (OSError, UnicodeError) as error:
        raise UnreadableSettings(f"{path.name}: cannot be read ({type(error).__name__})") from error
    return {key: value for key, value in values.items() if value is not None}
