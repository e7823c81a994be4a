"""Suggestions for unknown names in messages: "did you mean price?".

The name most similar to the unknown one is suggested (``difflib``); where none is similar enough,
the message lists the known names instead.
"""

from collections.abc import Collection
from difflib import get_close_matches
from typing import Final

SHOWN: Final = 100
"""How many characters of an unknown name a message repeats."""

_SIMILARITY: Final = 0.5
"""The least ratio of ``difflib.SequenceMatcher``, from 0 to 1, for a name to be suggested."""


def most_similar(name: str, known: Collection[str], similarity: float = _SIMILARITY) -> str | None:
    """Return the known name that is most similar to an unknown one; None if none is.

    Comparing takes up to 20 µs for each known name: callers bound how many there are.

    Args:
        name: The unknown name; only its first ``SHOWN`` characters are compared.
        known: The names to choose from.
        similarity: The least ratio of similarity, from 0 to 1.
    """
    matches = get_close_matches(name[:SHOWN], known, n=1, cutoff=similarity)
    return matches[0] if matches else None


def suggest(name: str, known: Collection[str], listed: Collection[str] | None = None) -> str:
    """Return the hint for an unknown name: ``did you mean x?``, or ``known are x, y``.

    Args:
        name: The unknown name.
        known: The names to choose from.
        listed: The names to list where none is similar; all of ``known`` by default.
    """
    similar = most_similar(name, known)
    if similar is not None:
        return f"did you mean {similar}?"
    return f"known are {', '.join(known if listed is None else listed) or 'none'}"
