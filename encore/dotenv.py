"""Where settings come from, layer by layer: the process environment over files of a directory.

``.env`` is committed, ``.okta.env`` is written by Okta's command line, ``.env.local`` is one's own;
the later wins, and the process environment over all. This stands at the bottom because the
migrations need one setting, DATABASE_URL, without the service.
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
"""What the service and the migrations are told of the database, unless it is set."""

MAX_SECONDS: Final = 86_400
"""The longest time that those settings may name."""

FILES: Final = (".env", ".okta.env", ".env.local")
"""The later wins."""


class UnreadableSettings(Exception):
    """A settings file is there and cannot be read; the text names it."""


def layers(
    directory: Path | None = None, environ: Mapping[str, str] = os.environ
) -> Iterator[Mapping[str, str]]:
    """Give each layer, the lowest first; a file that is not there is an empty one.

    Raises:
        UnreadableSettings: One of the files is there and cannot be read.
    """
    for name in FILES:
        yield _read((directory or Path()) / name)
    yield environ


def read_environment(
    directory: Path | None = None, environ: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """Merge all layers. Raises ``UnreadableSettings``."""
    merged: dict[str, str] = {}
    for layer in layers(directory, environ):
        merged.update(layer)
    return merged


def _read(path: Path) -> dict[str, str]:
    try:
        # Without interpolation, or a secret with a $ in it would not be itself.
        values = dotenv_values(path, interpolate=False)
    except (OSError, UnicodeError) as error:
        raise UnreadableSettings(f"{path.name}: cannot be read ({type(error).__name__})") from error
    return {key: value for key, value in values.items() if value is not None}
