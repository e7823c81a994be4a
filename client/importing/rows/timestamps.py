"""Dates and times: from the external system's formats and time zone to UTC and the local day.

A date without a time names a calendar day, which does not depend on the zone: it is sent as its
midnight in UTC. A date and time without an offset is local time in the zone: a time that does not
exist because summer time begins is rejected; of one that occurs twice when summer time ends, the
first is used (PEP 495). An entry counts for the day on which it was noted: in the mapping's zone if
it has one, else by its own offset.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from client.importing.notations.date_formats import DateFormat
from client.importing.notations.date_numbers import NUMBER_PARSERS
from client.importing.notations.day_month_order import exchange_day_and_month, parse_day
from client.importing.notations.iso_dates import ParsedDate, parse_iso

_CACHED: Final = 4096
_MAX_CHARACTERS: Final = 100
_MAX_WORKED: Final = timedelta(hours=168)
_DAY: Final = timedelta(days=1)
_SECOND: Final = timedelta(seconds=1)
_HALF_SECOND: Final = timedelta(milliseconds=500)
_SHOWN: Final = 40
_MAX_DIGITS: Final = 10**14

_NAMES: Final = {
    "": "in ISO 8601",
    "unix": "in Unix seconds",
    "unix_ms": "in Unix milliseconds",
    "excel": "as a serial day of Excel",
}
_PROBABLE: Final = {
    "unix": ("a Unix time in seconds", 1e8, 1e11),
    "unix_ms": ("a Unix time in milliseconds", 1e11, 1e14),
    "excel": ("a serial day of Excel", 2e4, 1e5),
}
"""The numbers that are probably meant so."""


class Timestamp(NamedTuple):
    """A timestamp, and its calendar day where it was noted."""

    utc: datetime
    day: date
    has_time: bool = True
    local: datetime | None = None
    """In its own zone; None if the time of day is unknown."""

    @property
    def rfc3339(self) -> str:
        """RFC 3339 in UTC with milliseconds: ``2017-05-10T17:40:20.095Z``."""
        return f"{self.utc.replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"


def timestamp_parser(
    formats: str | Sequence[str], zone: ZoneInfo | None
) -> Callable[[Any], Timestamp]:
    """Return a function that parses timestamps.

    Args:
        formats: One or several, tried in order: in ``strptime`` syntax, ``unix``, ``unix_ms``,
            ``excel``, or empty for ISO 8601.
        zone: The zone of times without an offset, and of the day; None: UTC, and the day by the
            time's own offset.

    Returns:
        A function that raises ``ValueError`` with a reason to append to the column's name.

    Raises:
        ValueError: A format is invalid, with a reason.
    """
    names = (formats,) if isinstance(formats, str) else tuple(formats) or ("",)
    parsers = [_notation_parser(name) for name in names]
    expected = f"must be a date {_describe(names)}"

    def parse_value(value: Any) -> Timestamp:
        normalized, reason = _normalize(value), ""
        for parse in parsers:
            try:
                parsed = parse(normalized)
            except ValueError as error:
                reason = reason or f": {error}"
                continue
            if parsed:
                return _resolve(parsed, zone)
        raise ValueError(f"{expected}, not {_shown(value)}{reason or _hint(value, names)}")

    parse_text = lru_cache(_CACHED)(parse_value)
    return lambda value: parse_text(value) if type(value) is str else parse_value(value)


def worked_seconds(start: Timestamp, end: Timestamp, *, same_date_column: bool) -> int:
    """Return the seconds from start to end, as instants: clocks may be changed between them.

    Args:
        start: Of the entry.
        end: Of the entry.
        same_date_column: Whether both have their date from the same column: an end before the start
            is then a time of the next day.

    Raises:
        ValueError: With a reason to append to the name of the end's column.
    """
    if start.local is None or end.local is None:
        raise ValueError("and the start must have a time of day, as the hours are their difference")
    # Not their ``utc``: a whole serial day of Excel is its local midnight here.
    begin, finish, limit = start.local.astimezone(UTC), end.local.astimezone(UTC), _MAX_WORKED
    if same_date_column and finish < begin:
        finish, limit = _next_day(end.local), _DAY
    seconds = (finish - begin + _HALF_SECOND) // _SECOND
    if seconds <= 0:
        raise ValueError(
            f"must be after the start ({_clock(start.local)}), not {_clock(end.local)}"
        )
    if seconds > limit // _SECOND:
        hours = limit // timedelta(hours=1)
        raise ValueError(
            f"is {_clock(end.local)}, more than {hours} hours after {_clock(start.local)}"
        )
    return seconds


def _notation_parser(name: str) -> Callable[[Any], ParsedDate | None]:
    if name in NUMBER_PARSERS:
        return NUMBER_PARSERS[name]
    if not name:
        return lambda value: parse_iso(value) if isinstance(value, str) else None
    format_ = DateFormat(name)

    def parse(value: Any) -> ParsedDate | None:
        if type(value) is int and 0 <= value < _MAX_DIGITS:
            value = str(value)  # such as 20260302
        return format_.parse(value) if isinstance(value, str) else None

    return parse


def _normalize(value: Any) -> Any:
    """Return a string without spaces around it, and with single spaces, of whatever kind."""
    if not isinstance(value, str):
        return value
    return " ".join(value.split()) if len(value) <= _MAX_CHARACTERS else ""


def _resolve(parsed: ParsedDate, zone: ZoneInfo | None) -> Timestamp:
    local = parsed.local
    try:
        if not parsed.has_time:
            midnight = datetime.combine(local.date(), time(), UTC)
            known = _midnight(local, zone) if parsed.can_be_midnight else None
            return Timestamp(midnight, local.date(), has_time=False, local=known)
        if local.tzinfo is None:
            local = local.replace(tzinfo=zone or UTC)
            return Timestamp(_to_utc(local), local.date(), has_time=True, local=local)
        utc = local.astimezone(UTC)
        if zone is not None:
            local = utc.astimezone(zone)
        return Timestamp(utc, local.date(), has_time=True, local=local)
    except OverflowError as error:
        raise ValueError(f"{parsed.local} is out of range") from error


def _midnight(local: datetime, zone: ZoneInfo | None) -> datetime | None:
    """Return the beginning of a day; None if the clocks skip midnight."""
    local = local.replace(tzinfo=zone or UTC)
    try:
        _to_utc(local)
    except ValueError:
        return None
    return local


def _to_utc(local: datetime) -> datetime:
    """Return a local time in UTC.

    Raises:
        ValueError: It does not exist in its zone.
        OverflowError: It is out of range.
    """
    utc = local.astimezone(UTC)
    if local.utcoffset() != local.replace(fold=1).utcoffset() and (
        utc.astimezone(local.tzinfo).replace(tzinfo=None) != local.replace(tzinfo=None)
    ):
        raise ValueError(
            f"{local.replace(tzinfo=None)} does not exist in {local.tzinfo}: its clocks skip it"
        )
    return utc


def _next_day(local: datetime) -> datetime:
    try:
        return _to_utc(local + _DAY)
    except OverflowError as error:
        raise ValueError(f"{_clock(local)} is out of range") from error


def _clock(local: datetime) -> str:
    return local.replace(tzinfo=None).isoformat(" ")


def _describe(names: Sequence[str]) -> str:
    described = [_NAMES.get(name) or f"like {name}" for name in names]
    return " or ".join(described)


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return repr(value[:_SHOWN])
    if isinstance(value, bool | list | dict) or value is None:
        return {bool: "true or false", list: "an array", dict: "an object"}.get(type(value), "null")
    if isinstance(value, int) and abs(value) >= _MAX_DIGITS:
        return "so large a number"
    return str(value)[:_SHOWN]


def _hint(value: Any, names: Sequence[str]) -> str:
    """Return what to write in the mapping, as far as the value tells."""
    try:
        number = float(value) if not isinstance(value, bool) else 0
    except (TypeError, ValueError, OverflowError):
        number = 0
    for name, (meant, low, high) in _PROBABLE.items():
        if low <= number < high and name not in names:
            return f' (if it is {meant}, write date_format = "{name}" in the mapping)'
    if isinstance(value, str):
        for name in names:
            if (other := exchange_day_and_month(name)) and parse_day(value, other):
                return f' (if day and month are exchanged, write date_format = "{other}")'
    if isinstance(value, str) and set(names) == {""}:
        return ' (write its form in the mapping, such as date_format = "%d.%m.%Y")'
    return ""
