"""The parameters of a page: ``count`` rows after ``offset`` + ``page`` x ``count``, or ``cursor``.

Pages begin at 0.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from encore.query.parameter_errors import invalid_parameter

DEFAULT_COUNT: Final = 100
MAX_COUNT: Final = 1_000
MAX_OFFSET: Final = 10**12
"""The maximum of offset and of page, far beyond any table."""

NO_LIMIT: Final = 2**63 - 1
OFFSET: Final = "offset"
PAGE: Final = "page"
CURSOR: Final = "cursor"
PARAMETERS: Final = ("count", OFFSET, PAGE, CURSOR)
_MAX_DIGITS: Final = 30

QueryParameters = Mapping[str, Sequence[str]]
"""The values of each parameter, by name."""


@dataclass(frozen=True, slots=True)
class PagingRules:
    """The rules of pagination.

    Attributes:
        paginated: Whether lists are paginated.
        max_count: How many rows a page has at most.
        lenient: Whether a repeated parameter, or one that is not a number, means its default, as
            in Finale.
    """

    paginated: bool = True
    max_count: int = MAX_COUNT
    lenient: bool = False


PAGING: Final = PagingRules()


def parse_page(parameters: QueryParameters, rules: PagingRules) -> tuple[int, int, int]:
    """Return the page's size, how many rows come before it, and its number.

    A ``count`` of 0 or less means the default, and more than ``rules.max_count`` means that.
    Without pagination there is no limit, and ``count`` and ``page`` are names of fields.

    Raises:
        InvalidQuery: Not an integer, or an offset or page that is negative or too large.
    """
    if not rules.paginated:
        return NO_LIMIT, _not_negative(parameters, OFFSET, rules), 0
    count = _integer(parameters, "count", DEFAULT_COUNT, rules)
    count = min(count if count > 0 else DEFAULT_COUNT, rules.max_count)
    page = _not_negative(parameters, PAGE, rules)
    return count, _not_negative(parameters, OFFSET, rules) + page * count, page


def parse_cursor(parameters: QueryParameters) -> str | None:
    """Return the cursor; None without one.

    Raises:
        InvalidQuery: It is repeated, or combined with ``offset`` or ``page``.
    """
    texts = parameters.get(CURSOR)
    if texts is None:
        return None
    if len(texts) > 1:
        raise invalid_parameter(CURSOR, "must be given once")
    for name in (OFFSET, PAGE):
        if name in parameters:
            raise invalid_parameter(
                CURSOR, f"cannot be combined with {name}: it says where to go on"
            )
    return texts[0]


def _integer(parameters: QueryParameters, name: str, default: int, rules: PagingRules) -> int:
    texts = parameters.get(name)
    if texts is None:
        return default
    if rules.lenient and (len(texts) > 1 or not _is_number(texts[0])):
        return default
    if len(texts) > 1:
        raise invalid_parameter(name, "must be given once")
    text = texts[0]
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= _MAX_DIGITS):
        raise invalid_parameter(name, "must be an integer")
    return int(text)


def _is_number(text: str) -> bool:
    """Return whether JavaScript parses the text as a number."""
    try:
        number = float(text)
    except ValueError:
        return False
    return not math.isnan(number)


def _not_negative(parameters: QueryParameters, name: str, rules: PagingRules) -> int:
    number = _integer(parameters, name, 0, rules)
    if not 0 <= number <= MAX_OFFSET:
        raise invalid_parameter(name, f"must be between 0 and {MAX_OFFSET}")
    return number
