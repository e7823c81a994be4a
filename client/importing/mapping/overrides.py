"""Keys of a mapping that are given on the command line: ``--set KEY=VALUE``."""

from collections.abc import Iterable
from typing import Any, Final

from client.importing.mapping.field_mapping import FieldMapping
from client.importing.mapping.keys import KEYS
from client.importing.suggestions import suggest
from encore.client.errors import UsageError

_DEFAULTS: Final = FieldMapping()
_BOOLEANS: Final = {"true": True, "false": False}


def apply_overrides(content: dict[str, Any], overrides: Iterable[str]) -> None:
    """Set keys of a mapping file's content, which is validated afterwards.

    Args:
        content: Changed in place.
        overrides: ``time_zone=Europe/Berlin``, ``defaults.user_id=ada`` or
            ``values.project.Old=New``; of one key the last one counts.

    Raises:
        UsageError: One is not of that form, its key is unknown, or its value has another type.
    """
    for override in overrides:
        key, separator, value = override.partition("=")
        if not separator:
            raise UsageError(f"--set must be KEY=VALUE, not {override!r}.")
        name, *path = key.split(".", _depth(key.partition(".")[0]))
        if name not in KEYS:
            raise UsageError(f"--set {key}: {name!r} is unknown{suggest(name, KEYS)}.")
        if len(path) != _depth(name) or not all(path):
            form = ".".join((name, *("NAME" for _ in range(_depth(name)))))
            raise UsageError(f"--set {key} must be {form}=VALUE.")
        table = content
        for part in (name, *path)[:-1]:
            table = table.setdefault(part, {})
            if not isinstance(table, dict):
                raise UsageError(f"--set {key}: {part!r} is not a table in the mapping.")
        table[(name, *path)[-1]] = value if path else _parse_value(name, value)


def _depth(name: str) -> int:
    """Return how many names follow that of a top-level key."""
    if name == "values":
        return 2
    return 1 if isinstance(getattr(_DEFAULTS, name, None), dict) else 0


def _parse_value(name: str, value: str) -> Any:
    """Return the value of a key that is not a table. Raise ``UsageError``."""
    default = getattr(_DEFAULTS, name)
    if isinstance(default, bool):
        if value not in _BOOLEANS:
            raise UsageError(f"--set {name} must be true or false, not {value!r}.")
        return _BOOLEANS[value]
    if isinstance(default, int):
        if not (value.isascii() and value.isdigit() and len(value) < 10):  # noqa: PLR2004 - fits.
            raise UsageError(f"--set {name} must be an integer, not {value!r}.")
        return int(value)
    return value
