"""Names of Python for names of a description, which may have any characters."""

import re
from collections.abc import Collection
from keyword import iskeyword
from typing import Final

_OTHER: Final = re.compile(r"\W+", re.ASCII)


def class_name(text: str, default: str = "Schema") -> str:
    """Return a name in the form ``PartCreate``."""
    words = [word for word in _OTHER.split(text.replace("_", " ")) if word]
    name = "".join(word[0].upper() + word[1:] for word in words)
    name = _started(name or default)
    return f"{name}_" if iskeyword(name) else name


def attribute_name(words: Collection[str]) -> str:
    """Return a name in the form ``timesheets_history``."""
    parts = [_OTHER.sub("_", word).strip("_") for word in words]
    name = _started("_".join(part for part in parts if part) or "root")
    return f"{name}_" if iskeyword(name) else name


def unique_name(name: str, taken: Collection[str]) -> str:
    """Return the name, with a number if it is taken."""
    number, unique = 2, name
    while unique in taken:
        unique = f"{name}{number}"
        number += 1
    return unique


def is_member_name(name: str, taken: Collection[str]) -> bool:
    """Return whether a member of a class body can have this name, unchanged.

    Args:
        name: Python normalizes names that are not ASCII, and mangles those that begin with ``__``.
        taken: Names that the types of other members may use.
    """
    is_name = name.isidentifier() and name.isascii() and not iskeyword(name)
    return is_name and not name.startswith("__") and name not in taken


def _started(name: str) -> str:
    return f"_{name}" if name[:1].isdigit() else name
