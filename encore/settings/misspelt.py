"""Misspelt settings: names that are nearly those of known ones, and would be ignored in silence."""

from collections.abc import Collection, Iterator, Mapping
from typing import Final

from encore.settings.layers import ALIASES

_OF_OTHERS: Final = frozenset({"CLIENT_ID", "CLIENT_SECRET", *ALIASES})
"""Names that the client and the development issuer read from the same places."""

_SHORT_NAME: Final = 8


def misspelt_names(given: Mapping[str, str], known: Collection[str]) -> Iterator[str]:
    """Report each name within edit distance 2 of a known setting; 1 where that one is short."""
    valid = {*known, *_OF_OTHERS}
    for name in given:
        if name in valid:
            continue
        for setting in sorted(valid):
            limit = 1 if len(setting) < _SHORT_NAME else 2
            if _is_within(name, setting, limit):
                yield f"{name}: is not a setting; did you mean {setting}?"
                break


def _is_within(name: str, setting: str, limit: int) -> bool:
    """Return whether the Levenshtein distance is at most ``limit``."""
    if abs(len(name) - len(setting)) > limit:
        return False
    row = list(range(len(setting) + 1))
    for i, letter in enumerate(name, 1):
        previous, row[0] = row[0], i
        for j, other in enumerate(setting, 1):
            cost = min(row[j] + 1, row[j - 1] + 1, previous + (letter != other))
            previous, row[j] = row[j], cost
        if min(row) > limit:
            return False
    return row[-1] <= limit
