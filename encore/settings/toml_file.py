"""Reading the TOML file that a setting names."""

import tomllib
from pathlib import Path
from typing import Any

from encore.errors import SettingsError


def read_toml(setting: str, path: Path) -> dict[str, Any]:
    """Return the tables of a file.

    Raises:
        SettingsError: It cannot be read, or is not TOML; names the setting.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:  # TOMLDecodeError and UnicodeError are ValueErrors.
        raise SettingsError(f"{setting}: {path} cannot be read: {error}") from error
