"""The keys of a mapping file and the types of their values."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import date, time
from typing import Any, Final

from client.importing.mapping.field_mapping import FieldMapping
from client.importing.suggestions import suggest

KEYS: Final = tuple(m.name for m in fields(FieldMapping) if m.name != "target")
"""All keys; each has the name of an attribute of ``FieldMapping``."""

_TYPE_NAMES: Final[Mapping[type, str]] = {
    dict: "a table",
    str: "a string",
    bool: "true or false",
    int: "an integer",
}
_STRING_OR_STRINGS: Final = ("date_format",)
_NOT_EMPTY: Final = frozenset(
    {"since_parameter", "next", "page_parameter", "offset_parameter", "next_parameter", "body"}
)
"""Keys whose empty value would mean the same as none."""
_DEFAULTS: Final = FieldMapping()


def check_keys(content: Mapping[str, Any]) -> None:
    """Validate names and types of the keys.

    Raises:
        ValueError: A key is unknown, or its value is empty or has another type.
    """
    for name, value in content.items():
        if name not in KEYS:
            raise ValueError(f"{name!r} is unknown{suggest(name, KEYS)}")
        if name in _STRING_OR_STRINGS:
            check_strings(name, value)
            continue
        type_ = type(getattr(_DEFAULTS, name))
        if type(value) is not type_:
            # What is meant to be headers may be a secret, which is never printed.
            found = "" if name == "headers" else f", not {show(value)}"
            raise ValueError(f"{name} must be {_TYPE_NAMES[type_]}{found}")
        if value == "" and name in _NOT_EMPTY:
            raise ValueError(f"{name} must not be empty: remove it")
        if value == {}:
            raise ValueError(f"[{name}] is empty: remove it, or write a key below it")


def check_strings(key: str, value: Any) -> None:
    """Validate that a value is a string, or a list of at least one string."""
    strings = value if isinstance(value, list) else [value]
    if not strings or not all(isinstance(string, str) for string in strings):
        raise ValueError(f"{key} must be a string or a list of strings, not {show(value)}")


def as_strings(value: str | Sequence[str]) -> tuple[str, ...]:
    """Return the strings of a value that is one or a list."""
    return (value,) if isinstance(value, str) else tuple(value)


def show(value: Any) -> str:
    """Return a value as TOML writes it, for a message."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, date | time) else repr(value)
