"""The error for an answer whose rows cannot be found."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from client.errors import SourceError

_SHOWN: Final = 10
_MAX_CHARACTERS: Final = 40


def rows_not_found(rows: str, places: Sequence[str], answer: Any = None) -> SourceError:
    """Return the error.

    Args:
        rows: The mapping's ``rows``; empty for none.
        places: Paths of arrays of objects: the rows may be there.
        answer: The source's value, if it is known.
    """
    if rows:
        reason = f'The rows of the source cannot be found: rows = "{rows}" leads to nothing in it.'
    else:
        reason = "The rows of the source cannot be found: it is an object, not an array of rows."
    if places:
        choices = " or ".join(f'rows = "{place}"' for place in places)
        return SourceError(f"{reason} Write in the mapping where they are, probably {choices}.")
    if isinstance(answer, dict) and answer:
        return SourceError(
            f"{reason} No member of it is an array of objects; it has {_join(answer)}."
        )
    return SourceError(f"{reason} No member of it is an array of objects.")


def _join(names: Iterable[str]) -> str:
    shown = [repr(name[:_MAX_CHARACTERS]) for name in names]
    more = ", ..." if len(shown) > _SHOWN else ""
    return f"{', '.join(shown[:_SHOWN])}{more}"
