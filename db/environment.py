"""Where settings come from: the process environment over ``.env.local`` over ``.env``.

It stands at the bottom because the migrations need one setting, DATABASE_URL, without the service.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from dotenv import dotenv_values

DEFAULT_DATABASE_URL: Final = "sqlite:///dev.sqlite"
_FILES: Final = (".env", ".env.local")


class UnreadableSettings(Exception):
    """A settings file is there and cannot be read; the text names it."""


def read_environment(
    directory: Path | None = None, environ: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """Merge the files of a directory and the process environment, the later over the earlier.

    Raises:
        UnreadableSettings: One of the files is there and cannot be read.
    """
    merged: dict[str, str] = {}
    for name in _FILES:
        try:
            values = dotenv_values((directory or Path()) / name, interpolate=False)
        except (OSError, UnicodeError) as error:
            raise UnreadableSettings(f"{name}: cannot be read ({type(error).__name__})") from error
        merged.update({key: value for key, value in values.items() if value is not None})
    merged.update(environ)
    return merged
