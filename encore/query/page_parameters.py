"""Paging: ``count`` rows after ``offset`` + ``page`` x ``count``, or after a ``cursor``.

Pages begin at 0. Which page follows is said in the style that was asked in: by a cursor, unless
``offset`` or ``page`` was given.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from encore.query.parameter_errors import invalid_parameter

DEFAULT_COUNT: Final = 100
MAX_COUNT: Final = 1_000
MAX_OFFSET: Final = 10**12
"""The most that offset and page may each be; far beyond any table."""

NO_LIMIT: Final = 2**63 - 1
OFFSET: Final = "offset"
PAGE: Final = "page"
CURSOR: Final = "cursor"
PARAMETERS: Final = ("count", OFFSET, PAGE, CURSOR)
_MOST_DIGITS: Final = 30

QueryParameters = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class PagingRules:
    """The rules of paging.

    Attributes:
        paginated: Whether there are pages.
        most: How many rows a page has at most.
        guesses: Whether a repeated parameter, or one that is no number, means its default, as in
            Finale.
    """

    paginated: bool = True
    most: int = MAX_COUNT
    guesses: bool = False


PAGING: Final = PagingRules()


def parse_page(given: QueryParameters, rules: PagingRules) -> tuple[int, int, int]:
    """Read how many rows are asked for, how many come before them, and the page's number.

    Zero rows or fewer mean the default, and more than ``rules.most`` that many. Without pagination
    there is no limit, and ``count`` and ``page`` are not read: a field may be called so.

    Raises:
        InvalidQuery: Not a whole number, or an offset or page that is negative or too large.
    """
    if not rules.paginated:
        return NO_LIMIT, _natural(given, OFFSET, rules), 0
    count = _whole(given, "count", DEFAULT_COUNT, rules)
    count = min(count if count > 0 else DEFAULT_COUNT, rules.most)
    page = _natural(given, PAGE, rules)
    return count, _natural(given, OFFSET, rules) + page * count, page


def parse_cursor(given: QueryParameters) -> str | None:
    """Return the cursor, as text. Raises ``InvalidQuery`` if it is given with another place."""
    texts = given.get(CURSOR)
    if texts is None:
        return None
    if len(texts) > 1:
        raise invalid_parameter(CURSOR, "must be given once")
    for name in (OFFSET, PAGE):
        if name in given:
            raise invalid_parameter(
                CURSOR, f"cannot be combined with {name}: it says where to go on"
            )
    return texts[0]


def _whole(given: QueryParameters, name: str, default: int, rules: PagingRules) -> int:
    texts = given.get(name)
    if texts is None:
        return default
    if rules.guesses and (len(texts) > 1 or not _is_number(texts[0])):
        return default
    if len(texts) > 1:
        raise invalid_parameter(name, "must be given once")
    text = texts[0]
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= _MOST_DIGITS):
        raise invalid_parameter(name, "must be an integer")
    return int(text)


def _is_number(text: str) -> bool:
    """Return whether JavaScript would read a number, whole or not."""
    try:
        number = float(text)
    except ValueError:
        return False
    return not math.isnan(number)


def _natural(given: QueryParameters, name: str, rules: PagingRules) -> int:
    number = _whole(given, name, 0, rules)
    if not 0 <= number <= MAX_OFFSET:
        raise invalid_parameter(name, f"must be between 0 and {MAX_OFFSET}")
    return number
