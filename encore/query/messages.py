"""How a query is refused: what was wrong, and what would have been right."""

from collections.abc import Collection
from difflib import get_close_matches
from typing import Final

from encore.errors import InvalidQuery

SHOWN: Final = 100
"""The most characters of a name that a message repeats."""

_SIMILAR: Final = 0.5


def invalid_parameter(name: str, text: str) -> InvalidQuery:
    """Make the error for a value that its parameter cannot take."""
    message = f"{name[:SHOWN]} {text}"
    return InvalidQuery(message, [{"field": name[:SHOWN], "message": message}])


def unknown_parameter(name: str, known: Collection[str], meant: str | None = None) -> InvalidQuery:
    """Make the error for a parameter that nobody knows.

    Args:
        name: What was given.
        known: Every parameter there is.
        meant: What was probably meant; the nearest of ``known`` if not given.
    """
    shown, hint = nearest(name, known)
    if meant is not None:
        hint = f"did you mean {meant}?"
    return InvalidQuery(
        f"Unknown query parameter {shown!r}: {hint}",
        [{"field": shown, "message": f"{shown} is not a parameter of this operation; {hint}"}],
    )


def nearest(
    name: str, known: Collection[str], listed: Collection[str] | None = None
) -> tuple[str, str]:
    """Return an unknown name as a message shows it, and a hint at the nearest known one.

    Args:
        name: What was given.
        known: Every name there is.
        listed: Those to list where none is near; all of them by default.
    """
    shown = name[:SHOWN]
    similar = get_close_matches(shown, known, n=1, cutoff=_SIMILAR)
    if similar:
        return shown, f"did you mean {similar[0]}?"
    return shown, f"known are {', '.join(known if listed is None else listed) or 'none'}"
