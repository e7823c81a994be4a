"""Hints at known names, for messages about unknown ones."""

from collections.abc import Sequence
from difflib import get_close_matches


def suggest(name: str, known: Sequence[str]) -> str:
    """Return a hint at the closest known name, to append to a message."""
    close = get_close_matches(name, known, 1)
    return f" (did you mean {close[0]}?)" if close else f" (known are {', '.join(known)})"
