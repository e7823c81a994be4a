"""Paging: ``count`` rows after ``offset`` + ``page`` x ``count``; pages begin at 0."""

from collections.abc import Mapping, Sequence
from typing import Final

from api.crud.query.refusals import bad_value

DEFAULT_COUNT: Final = 100
MAX_COUNT: Final = 1_000
MAX_OFFSET: Final = 10**12
"""The most that offset and page may each be; far beyond any table."""

NO_LIMIT: Final = 2**63 - 1
PARAMETERS: Final = ("count", "offset", "page")
_MOST_DIGITS: Final = 30

Given = Mapping[str, Sequence[str]]


def read_page(given: Given, *, paginated: bool) -> tuple[int, int]:
    """Read how many rows are asked for, and how many come before them.

    Zero rows or fewer mean the default, and more than ``MAX_COUNT`` that many. Without pagination
    there is no limit and ``count`` means nothing.

    Raises:
        InvalidQuery: Not a whole number, or an offset or page that is negative or too large.
    """
    count = _whole(given, "count", DEFAULT_COUNT)
    count = min(count if count > 0 else DEFAULT_COUNT, MAX_COUNT)
    offset = _natural(given, "offset") + _natural(given, "page") * count
    return (count if paginated else NO_LIMIT), offset


def _whole(given: Given, name: str, default: int) -> int:
    texts = given.get(name)
    if texts is None:
        return default
    text = texts[-1]
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= _MOST_DIGITS):
        raise bad_value(name, "must be a whole number")
    return int(text)


def _natural(given: Given, name: str) -> int:
    number = _whole(given, name, 0)
    if not 0 <= number <= MAX_OFFSET:
        raise bad_value(name, f"must be between 0 and {MAX_OFFSET}")
    return number
