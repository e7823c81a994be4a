"""Parses dates that are numbers: Unix time in seconds or milliseconds, and Excel's serial days.

A Unix time is in range from 1973 to 5138, so that seconds are never taken for milliseconds, nor a
date such as 20260302 for seconds.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from client.importing.notations.decimals import ExactNumber, exact_number
from client.importing.notations.iso_dates import ParsedDate

_NUMBER: Final = re.compile(r"([0-9]{1,18})(?:[.,]([0-9]{1,30}))?")
_THOUSANDS: Final = re.compile(r"[0-9]{1,3}[.,][0-9]{3}")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_UNIX: Final = 10**8
_LAST_UNIX: Final = 10**11

_DAY_MILLISECONDS: Final = 86_400_000
_BEFORE_EXCEL: Final = datetime(1899, 12, 30)  # noqa: DTZ001 - serial days have no time zone.
_FALSE_LEAP_DAY: Final = 60
_LAST_SERIAL: Final = date.max.toordinal() - date(1899, 12, 30).toordinal()


def parse_unix(value: Any) -> ParsedDate | None:
    """Return seconds since 1970; None if the value is not a number in range."""
    number = _parse_number(value)
    return _from_unix(number.round_half_up(1000)) if number else None


def parse_unix_ms(value: Any) -> ParsedDate | None:
    """Return milliseconds since 1970; None if the value is not a number in range."""
    number = _parse_number(value)
    return _from_unix(number.round_half_up(1)) if number else None


def parse_excel(value: Any) -> ParsedDate | None:
    """Return a serial day of Excel's 1900 system; a fraction is the time of that day.

    None if the value is not one: 60, which would be the 29 February 1900 that did not exist, and
    what can be a day or a number with a thousands mark.
    """
    number = (
        None if isinstance(value, str) and _THOUSANDS.fullmatch(value) else _parse_number(value)
    )
    if number is None:
        return None
    day, milliseconds = divmod(number.round_half_up(_DAY_MILLISECONDS), _DAY_MILLISECONDS)
    if day == _FALSE_LEAP_DAY or not 1 <= day <= _LAST_SERIAL:
        return None
    local = _BEFORE_EXCEL + timedelta(days=day + (day < _FALSE_LEAP_DAY), milliseconds=milliseconds)
    return ParsedDate(local, has_time=milliseconds != 0, can_be_midnight=True)


NUMBER_PARSERS: Final[Mapping[str, Callable[[Any], ParsedDate | None]]] = {
    "unix": parse_unix,
    "unix_ms": parse_unix_ms,
    "excel": parse_excel,
}
"""By their names in ``date_format``."""


def _from_unix(milliseconds: int) -> ParsedDate | None:
    if not _FIRST_UNIX * 1000 <= milliseconds < _LAST_UNIX * 1000:
        return None
    return ParsedDate(_EPOCH + timedelta(milliseconds=milliseconds), has_time=True)


def _parse_number(value: Any) -> ExactNumber | None:
    if isinstance(value, str):
        match = _NUMBER.fullmatch(value)
        if not match:
            return None
        fraction = match[2] or ""
        return ExactNumber(int(match[1] + fraction), len(fraction))
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    return exact_number(value)
