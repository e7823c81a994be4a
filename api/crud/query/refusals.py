"""How a query is refused: what was wrong, and what would have been right."""

from collections.abc import Collection
from difflib import get_close_matches
from typing import Final

from api.errors import InvalidQuery

_SHOWN: Final = 100
_SIMILAR: Final = 0.5


def bad_value(name: str, text: str) -> InvalidQuery:
    """Make the error for a value that its parameter cannot take."""
    message = f"{name[:_SHOWN]} {text}"
    return InvalidQuery(message, [{"field": name[:_SHOWN], "message": message}])


def unknown_parameter(
    name: str, known: Collection[str], listed: Collection[str] | None = None
) -> InvalidQuery:
    """Make the error for a parameter that nobody knows, naming the nearest that is known.

    Args:
        name: What was given.
        known: Every parameter there is.
        listed: Those to name where none is near; all of them if not given.
    """
    listed = known if listed is None else listed
    shown = name[:_SHOWN]
    nearest = get_close_matches(shown, known, n=1, cutoff=_SIMILAR)
    hint = f"did you mean {nearest[0]}?" if nearest else f"known are {', '.join(listed) or 'none'}"
    return InvalidQuery(
        f"Unknown query parameter {shown!r}: {hint}",
        [{"field": shown, "message": f"{shown} is not a parameter of this operation; {hint}"}],
    )
