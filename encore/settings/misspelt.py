"""Misspelt settings: names so similar to those of known ones that they would be ignored in silence.

The environment also holds names of other programs, and stopping for one of those would be wrong:
``SERVER_CERT``, ``DATABASE_SSL`` and ``CLIENT_IP`` are within edit distance 2 of settings. So names
are compared word by word, and a short word may differ less than a long one.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Final

from encore.settings.layers import ALIASES

_OF_THE_CLIENT: Final = frozenset({"CLIENT_ID", "CLIENT_SECRET", "DEVELOPMENT_USERS_FILE"})
"""Names that the client and the development issuer read from the same places."""

_OF_OTHERS: Final = frozenset(
    {
        *("ISSUE", "ISSUES", "AUTH_DOMAIN", "AUTH_AUDIENCE"),  # ISSUE: an issue's number, in CI.
        *("DISPLAY", "EDITOR", "HOME", "HOST", "LANG", "MAIL", "NAME", "PAGER", "PATH", "PORT"),
        *("SHELL", "TERM", "USER"),
    }
)
"""Similar names that mean something else, also to the settings that a service adds (``paths``)."""

_SERVICE_LINKS: Final = ("tcp://", "udp://", "sctp://")
"""How the values begin of ``<NAME>_PORT``, which Docker links and Kubernetes set for a service."""

_MOST_EDITS: Final = 2
_ONE_EDIT_FROM: Final = 3
_TWO_EDITS_FROM: Final = 6
"""Letters of a word from which on it may differ in one place, or in two."""

_SHORTEST_NAME: Final = 5
"""Letters of a setting from which on it is compared: most short words are similar to others."""


def misspelt_names(raw: Mapping[str, str], known: Collection[str]) -> Iterator[str]:
    """Yield a message for each name that is probably a misspelt setting.

    That is a name that equals a setting but for upper case or underscores, or that has as many
    words and at most two edits (a letter more, less, changed, or two swapped) in all: none in a
    word of up to two letters, one in a word of up to five.

    Args:
        raw: Settings and all else that the environment holds.
        known: The names of all settings.
    """
    settings = sorted({*known, *ALIASES})
    valid = {*settings, *_OF_THE_CLIENT, *_OF_OTHERS}
    for name, value in raw.items():
        if name in valid or value.startswith(_SERVICE_LINKS):
            continue
        meant = next((setting for setting in settings if _is_similar(name, setting)), None)
        if meant is not None:
            yield f"{name}: is not a setting; did you mean {meant}?"


def _is_similar(name: str, setting: str) -> bool:
    if abs(len(name) - len(setting)) > _MOST_EDITS:
        return False
    if name.upper().replace("_", "") == setting.replace("_", ""):
        return True
    words, meant = name.split("_"), setting.split("_")
    if len(words) != len(meant) or len(setting) < _SHORTEST_NAME:
        return False
    edits = 0
    for word, other in zip(words, meant, strict=True):
        if word != other:
            distance = _distance(word, other)
            edits += distance
            if distance > _allowed_edits(other) or edits > _MOST_EDITS:
                return False
    return True


def _allowed_edits(word: str) -> int:
    return (len(word) >= _ONE_EDIT_FROM) + (len(word) >= _TWO_EDITS_FROM)


def _distance(word: str, other: str) -> int:
    """Return the optimal string alignment distance: Levenshtein's, where a swap is one edit."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(word, 1):
        earlier, before, row = before, row, [i]
        for j, wanted in enumerate(other, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != wanted))
            if i > 1 and j > 1 and letter == other[j - 2] and word[i - 2] == wanted:
                cost = min(cost, earlier[j - 2] + 1)
            row.append(cost)
    return row[-1]
