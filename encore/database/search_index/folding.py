"""Case folding of search indexes: one character for one, alike on both databases.

It is Unicode's simple case folding (CaseFolding.txt, status C and S) of Unicode 6.1, which SQLite's
FTS5 uses; on PostgreSQL, functions that a migration creates do the same
(``encore.database.search_index.postgresql``). The three forms of sigma are equal, and so are ``ẞ``
and ``ß``, the Kelvin sign and ``k``. What no one-to-one folding can express stays different: ``ß``
and ``ss``, the Turkish i with and without a dot and ``i``, composed and decomposed letters (``é``
as one character and as two). So do the cases of letters that came with a later Unicode (Cherokee,
Georgian capitals, Osage, Adlam, ...).

An index contains folded text: another folding would need a new index.
"""

from collections.abc import Mapping
from typing import Final

_UNICODE_6_1: Final = (
    (0x0041, 0x012E),  # Latin; not U+0130, İ, whose folding is two characters.
    (0x0132, 0x0376),  # Latin, Greek
    (0x0386, 0x0526),  # Greek, Cyrillic
    (0x0531, 0x0556),  # Armenian
    (0x10A0, 0x10CD),  # Georgian
    (0x1E00, 0x24CF),  # Latin, Greek, letterlike symbols, numerals, letters in circles
    (0x2C00, 0x2C2E),  # Glagolitic
    (0x2C60, 0x2CF2),  # Latin, Coptic
    (0xA640, 0xA696),  # Cyrillic
    (0xA722, 0xA792),  # Latin
    (0xA7A0, 0xA7AA),  # Latin
    (0xFF21, 0xFF3A),  # Fullwidth Latin
    (0x10400, 0x10427),  # Deseret
)
"""The first and last characters that Unicode 6.1 folds, in ranges without later ones."""

_UNREADABLE: Final = {0xFFFE: 0xFFFD, 0xFFFF: 0xFFFD}
"""SQLite reads these two noncharacters as U+FFFD."""


def _simple_fold(character: str) -> str:
    """Return the one character that a character folds to."""
    folded = character.casefold()
    return folded if len(folded) == 1 else character.lower()


def _folds() -> dict[int, int]:
    points = (point for first, last in _UNICODE_6_1 for point in range(first, last + 1))
    folded = ((point, ord(_simple_fold(chr(point)))) for point in points)
    return {**{point: to for point, to in folded if point != to}, **_UNREADABLE}


FOLDS: Final[Mapping[int, int]] = _folds()
"""The code points that fold to another one."""


def fold(text: str) -> str:
    """Return the text as a search index compares it; its length stays the same."""
    return text.translate(FOLDS)
