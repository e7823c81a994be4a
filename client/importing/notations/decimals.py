"""Parses numbers as tools and spreadsheets write them: decimal marks and thousands marks.

A number that two readings would understand differently is rejected: without ``decimal_comma``,
``5,400`` is 5400 or 5.4. Numbers are returned exactly, as an integer of a power of ten.
"""

import re
from decimal import Context, Decimal
from typing import Final, NamedTuple

_MAX_EXPONENT: Final = 30
_ABSURD: Final = 10**_MAX_EXPONENT
_CONTEXT: Final = Context(prec=60, traps=[])
_POINT: Final = re.compile(r"([0-9]*)(?:\.([0-9]+))?")
_COMMA: Final = re.compile(r"([0-9]*)(?:,([0-9]+))?")
_SCIENTIFIC: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)[eE]([+-]?[0-9]{1,2})")
_DIGITS: Final = re.compile("[0-9]+")
_GROUPS: Final = re.compile(r"[1-9][0-9]{0,2}([ '.,])[0-9]{3}(?:\1[0-9]{3})*")


class ExactNumber(NamedTuple):
    """``digits`` divided by ten to the power of ``scale``."""

    digits: int
    scale: int

    def round_half_up(self, factor: int, divisor: int = 1) -> int:
        """Return the number times a factor, divided by a divisor, as an integer."""
        unit: int = 10**self.scale * divisor
        return (2 * self.digits * factor + unit) // (2 * unit)


def exact_number(value: float | Decimal) -> ExactNumber | None:
    """Return a number of JSON; None for an infinite or absurdly large one, and NaN."""
    if isinstance(value, int):
        return ExactNumber(value, 0) if -_ABSURD < value < _ABSURD else None
    number = _CONTEXT.plus(value if isinstance(value, Decimal) else Decimal(repr(value)))
    sign, digits, exponent = number.as_tuple()
    if not isinstance(exponent, int) or number.adjusted() >= _MAX_EXPONENT:
        return None
    if not any(digits) or number.adjusted() < -_MAX_EXPONENT:
        return ExactNumber(0, 0)
    integer = int("".join(map(str, digits)))
    return _scaled(-integer if sign else integer, -exponent)


def parse_number(text: str, *, decimal_comma: bool) -> ExactNumber | None:
    """Return a number without sign; None if the text is not one.

    Args:
        text: Without spaces around it.
        decimal_comma: Whether the decimal mark is a comma; a dot is then a thousands mark, only
            before three digits.

    Raises:
        ValueError: It has marks that mean something else under the other ``decimal_comma``, with a
            reason.
    """
    if match := (_COMMA if decimal_comma else _POINT).fullmatch(text):
        whole, fraction = match[1], match[2] or ""
        return ExactNumber(int(whole + fraction), len(fraction)) if whole or fraction else None
    if match := _SCIENTIFIC.fullmatch(text):
        whole, _, fraction = match[1].partition(".")
        return _scaled(int(whole + fraction), len(fraction) - int(match[2]))
    return _parse_grouped(text, decimal_comma=decimal_comma)


def _scaled(digits: int, scale: int) -> ExactNumber:
    return ExactNumber(digits, scale) if scale >= 0 else ExactNumber(digits * 10**-scale, 0)


def _parse_grouped(text: str, *, decimal_comma: bool) -> ExactNumber | None:
    """Return a number with thousands marks, or say why its marks are not understood."""
    decimal, thousands = (",", ".") if decimal_comma else (".", ",")
    whole, mark, fraction = text.partition(decimal)
    groups = _GROUPS.fullmatch(whole)
    if (
        groups
        and groups[1] != decimal
        and (fraction.isascii() and fraction.isdigit()) == bool(mark)
    ):
        if not decimal_comma and not mark and whole.count(",") == 1:
            raise ValueError(
                "a comma before three digits can be a decimal mark (write decimal_comma = true in"
                " the mapping) or a thousands mark (export the column without it)"
            )
        return ExactNumber(int(re.sub("[^0-9]", "", whole) + fraction), len(fraction))
    if thousands in text and not re.search("[^0-9., ']", text):
        raise ValueError(
            "with decimal_comma = true, a dot is a thousands mark and has three digits behind it"
            if decimal_comma
            else "write decimal_comma = true in the mapping if a comma is the decimal mark"
        )
    return None
