"""Durations: from the notations of time trackers and spreadsheets to whole seconds.

Most notations say what they are: ``1:30``, ``PT1H30M``, ``1h 30m``, ``90 min``. Only a bare number
needs the mapping's ``unit``. Nothing is guessed: what has two meanings is rejected.
"""

import re
from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

from client.importing.notations.decimals import ExactNumber, exact_number, parse_number
from client.importing.notations.duration_units import MILLISECONDS, UNIT_OF_WORD

MAX_SECONDS: Final = 168 * 3600
"""The hours of a week: an entry cannot be longer."""

_MAX_CHARACTERS: Final = 60
_CACHED: Final = 4096
_SIXTY: Final = 60
_NOT_DAYS: Final = "a day or a week is 8 hours in one tool and 24 in another; map a column in hours"
_HINT_OF_SKIP: Final = "(to leave such rows out, write [skip] in the mapping)"

_SPACES: Final = re.compile(r"\s+")
_ZERO_DAYS: Final = re.compile(r"0+ ?d(?:ays?)?,? +(?=[0-9])", re.IGNORECASE)
_CLOCK: Final = re.compile(
    r"([0-9]{1,6}):([0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]{1,18}))?)?(?: ?([^\W\d_]+)\.?)?"
)
_ISO: Final = re.compile(
    r"P(?:([0-9.,]+)[YMWD])*"
    r"(?:T(?:([0-9]+(?:[.,][0-9]+)?)H)?(?:([0-9]+(?:[.,][0-9]+)?)M)?(?:([0-9]+(?:[.,][0-9]+)?)S)?)?"
)
_ISO_DAYS: Final = re.compile(r"P[^T]*[1-9][^T]*[YMWD].*")
_COMPONENT: Final = re.compile(r"([0-9.,][0-9.,' ]*)([^\W\d_]+)(?:\(s\)|\.)?")
_SEPARATOR: Final = re.compile(r"(?: ?,)?(?: (?:and|und|et|y|e|en|och|og|i|a|и)(?= ))? ?")
_MINUTES: Final = re.compile("[0-5][0-9]")


def duration_parser(unit: str, *, decimal_comma: bool) -> Callable[[Any], int]:
    """Return a function that parses durations to whole seconds, rounded half up.

    Args:
        unit: Of bare numbers: days (of 24 hours), hours, minutes, seconds or milliseconds.
        decimal_comma: Whether texts are written 7,5.

    Returns:
        A function that raises ``ValueError`` with a reason to append to the column's name.
    """
    parser = _DurationParser(unit, decimal_comma=decimal_comma)
    parse_text = lru_cache(_CACHED)(parser.parse_text)

    def parse(value: Any) -> int:
        return parse_text(value) if type(value) is str else parser.parse_value(value)

    return parse


class _DurationParser:
    """Parses durations in the notation of one mapping."""

    def __init__(self, unit: str, *, decimal_comma: bool) -> None:
        self._unit = unit
        self._milliseconds = MILLISECONDS[unit]
        self._decimal_comma = decimal_comma
        example = "7,5" if decimal_comma else "7.5"
        self._expected = f"must be a duration such as {example}, 7:30 or 7h 30m"

    def parse_value(self, value: Any) -> int:
        """Return the seconds of a value of JSON."""
        if isinstance(value, str):
            return self.parse_text(str(value))
        if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
            raise ValueError(f"{self._expected}, not {_json_type(value)}")  # noqa: TRY004 - for the user.
        number = exact_number(value)
        if number is None:
            raise ValueError(f"must be a number of {self._unit}, more than 0 and at most a week")
        return self._checked(number.round_half_up(self._milliseconds, 1000), str(value), bare=True)

    def parse_text(self, raw: str) -> int:
        """Return the seconds of a cell."""
        if len(raw) > _MAX_CHARACTERS:
            raise ValueError(f"{self._expected}, not {raw[:40]!r}...")
        text = _SPACES.sub(" ", raw).strip().replace("\N{MINUS SIGN}", "-").replace("\u2019", "'")
        text, negative = _without_sign(text)
        try:
            seconds, bare = self._parse_unsigned(text)
        except ValueError as error:
            reason = f": {error}" if str(error) else ""
            raise ValueError(f"{self._expected}, not {raw[:40]!r}{reason}") from error
        return self._checked(-seconds if negative else seconds, raw, bare=bare)

    def _parse_unsigned(self, text: str) -> tuple[int, bool]:
        """Return seconds, and whether the text is a bare number."""
        if number := parse_number(text, decimal_comma=self._decimal_comma):
            return number.round_half_up(self._milliseconds, 1000), True
        text = _ZERO_DAYS.sub("", text, count=1)
        if match := _CLOCK.fullmatch(text):
            return _parse_clock(match), False
        if text[:1] in "Pp":
            return _parse_iso(text.upper()), False
        return self._parse_words(text), False

    def _parse_words(self, text: str) -> int:
        """Return the seconds of ``1h 30m``, ``7 h 30``, ``6 Std.`` or ``90 min``."""
        total = ExactNumber(0, 0)
        position, length = 0, 0
        while match := _COMPONENT.match(text, position):
            unit = UNIT_OF_WORD.get(match[2].lower())
            number = parse_number(match[1].strip(), decimal_comma=self._decimal_comma)
            if unit is None or number is None or total.scale:
                raise ValueError
            if unit == "days":
                raise ValueError(_NOT_DAYS)
            milliseconds = MILLISECONDS[unit]
            if length and milliseconds >= length:
                raise ValueError
            total, length = _add(total, number, milliseconds), milliseconds
            separator = _SEPARATOR.match(text, match.end())
            position = separator.end() if separator else match.end()
        rest = text[position:]
        if rest and length == MILLISECONDS["hours"] and not total.scale:
            if not _MINUTES.fullmatch(rest):
                raise ValueError
            total = _add(total, ExactNumber(int(rest), 0), MILLISECONDS["minutes"])
        elif rest or not length:
            raise ValueError
        return total.round_half_up(1, 1000)

    def _checked(self, seconds: int, raw: str, *, bare: bool) -> int:
        if seconds <= 0:
            raise ValueError(f"must be at least one second, not {raw[:40]!r} {_HINT_OF_SKIP}")
        if seconds <= MAX_SECONDS:
            return seconds
        if not bare:
            raise ValueError(f"is too long: {raw[:40]!r} is more than the 168 hours of a week")
        other = "milliseconds" if self._unit == "seconds" else "seconds"
        raise ValueError(
            f"is too long: {raw[:40]!r} in {self._unit} is more than the 168 hours of a week (if"
            f' its unit is another one, write that in the mapping, such as unit = "{other}")'
        )


def _without_sign(text: str) -> tuple[str, bool]:
    """Return a text without its sign, and whether it was negative: ``-1``, ``1-``, ``(1)``."""
    if text[:1] == "(" and text[-1:] == ")":
        return text[1:-1].strip(), True
    if text[:1] == "-":
        return text[1:].lstrip(), True
    if text[-1:] == "-":
        return text[:-1].rstrip(), True
    if text[:3].upper() == "PT-":
        return text.replace("-", ""), True
    return text.removeprefix("+"), False


def _add(total: ExactNumber, number: ExactNumber, factor: int) -> ExactNumber:
    """Return a total without fraction, plus a number times a factor."""
    return ExactNumber(total.digits * 10**number.scale + number.digits * factor, number.scale)


def _parse_clock(match: re.Match[str]) -> int:
    """Return the seconds of ``H:MM`` and ``H:MM:SS``, and of ``M:SS min``."""
    unit = UNIT_OF_WORD.get(match[5].lower()) if match[5] else "hours"
    first, second, third = int(match[1]), int(match[2]), int(match[3] or 0)
    if unit not in {"hours", "minutes"} or (unit == "minutes" and match[3]):
        raise ValueError
    if second >= _SIXTY or third >= _SIXTY:
        raise ValueError("minutes and seconds after a colon must be below 60")
    if unit == "minutes":
        return first * 60 + second
    half = (match[4] or "0")[0] >= "5"
    return first * 3600 + second * 60 + third + half


def _parse_iso(text: str) -> int:
    """Return the seconds of ``PT1H30M``."""
    if _ISO_DAYS.fullmatch(text):
        raise ValueError(_NOT_DAYS)
    match = _ISO.fullmatch(text)
    if not match or text.endswith(("P", "T")):
        raise ValueError
    total = ExactNumber(0, 0)
    for written, unit in zip(match.groups()[1:], ("hours", "minutes", "seconds"), strict=True):
        if written:
            if total.scale:
                raise ValueError("only the last part may have a fraction")
            whole, _, fraction = written.replace(",", ".").partition(".")
            number = ExactNumber(int(whole + fraction), len(fraction))
            total = _add(total, number, MILLISECONDS[unit])
    return total.round_half_up(1, 1000)


def _json_type(value: Any) -> str:
    names = {bool: "true or false", dict: "an object", list: "an array", type(None): "null"}
    return names.get(type(value), "such a value")
