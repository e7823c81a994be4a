"""Notices that dates are read with day and month exchanged.

A date whose day is at most 12 is valid in both orders. A format is confirmed by the first date that
is valid as it is read, but not exchanged. It is contradicted if there is no such date, but dates of
several days that are valid exchanged only. Without either, what the dates say together tells: they
are in the future, or lie months apart, but exchanged they are in the past, or next to each other.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from statistics import median
from typing import Final, NamedTuple

from client.importing.notations.day_month_order import exchange_day_and_month, parse_day

MIN_CONTRADICTING_DAYS: Final = 2
"""Different days that are valid exchanged only; one may be a typing error."""

_MAX_DAYS: Final = 1000
"""Different days that are compared; further ones are ignored."""
_MIN_DAYS_APART: Final = 3
"""Different days, of which it can be told whether they lie next to each other."""
_LONG_GAP: Final = 20
_SHORT_GAP: Final = 4
"""Days between two dates: a month is longer than the one, a weekend shorter than the other."""
_EAST: Final = timedelta(hours=14)


class DateExample(NamedTuple):
    """A date of the source."""

    text: str
    position: str
    """Its line."""


class DateOrder:
    """Collects what the dates of a source say about the order of day and month in a format.

    Args:
        format_: The format of the mapping.
        exchanged: The same with day and month exchanged.
        key: The mapping's key of the format, for messages.
        today: The last day that is not in the future.
    """

    def __init__(
        self, format_: str, exchanged: str, key: str = "date_format", today: date | None = None
    ) -> None:
        self.format = format_
        self.exchanged = exchanged
        self._key = key
        self._today = today or (datetime.now(UTC) + _EAST).date()
        self._days: dict[date, date] = {}
        self._contradicting: dict[date, DateExample] = {}
        self._future: DateExample | None = None
        self.is_confirmed = False

    def observe(self, example: DateExample) -> bool:
        """Add a date; return whether it is valid in the format."""
        read = parse_day(example.text, self.format)
        other = parse_day(example.text, self.exchanged)
        if read is not None and other is None:
            self.is_confirmed = True
        elif read is not None and other is not None:
            if len(self._days) < _MAX_DAYS:
                self._days[read] = other
            if self._future is None and read > self._today:
                self._future = example
        elif other is not None and len(self._contradicting) < MIN_CONTRADICTING_DAYS:
            self._contradicting.setdefault(other, example)
        return read is not None

    @property
    def contradiction(self) -> str:
        """Why the format is certainly wrong; empty if it is not."""
        if self.is_confirmed or len(self._contradicting) < MIN_CONTRADICTING_DAYS:
            return ""
        return self._describe_contradiction()

    @property
    def doubt(self) -> str:
        """Why the format is probably wrong; empty if it is not."""
        if self.is_confirmed:
            return ""
        if self._contradicting:
            return self._describe_contradiction()
        if self._future and all(day <= self._today for day in self._days.values()):
            text, position = self._future
            return (
                f"Dates of the source are in the future, such as {text!r} ({position}), which"
                f" {self._key} = {self.format!r} reads as {parse_day(text, self.format)}; with day"
                f" and month exchanged none would be. {self._advise()}"
            )
        if self._are_apart():
            (read, other), *_ = sorted(self._days.items(), key=lambda pair: pair[1])
            return (
                f"The days of the source lie months apart as {self._key} = {self.format!r} reads"
                f" them, but next to each other with day and month exchanged ({read} would be"
                f" {other}). {self._advise()}"
            )
        return ""

    def _are_apart(self) -> bool:
        """Whether the days are months apart, but exchanged next to each other."""
        if len(self._days) < _MIN_DAYS_APART:
            return False
        read, other = _median_gap(self._days), _median_gap(self._days.values())
        return read >= _LONG_GAP and other <= _SHORT_GAP

    def _describe_contradiction(self) -> str:
        text, position = next(iter(self._contradicting.values()))
        return (
            f"Dates of the source do not fit {self._key} = {self.format!r}: {text!r} ({position})"
            " has a month above 12, and no date has a day above 12, as if day and month were"
            f" exchanged. {self._advise()}"
        )

    def _advise(self) -> str:
        return f'If they are exchanged, write {self._key} = "{self.exchanged}" in the mapping.'


def create_date_orders(
    formats: Sequence[str], key: str = "date_format", today: date | None = None
) -> list[DateOrder]:
    """Return a check for each format that could be read with day and month exchanged."""
    pairs = ((format_, exchange_day_and_month(format_)) for format_ in formats)
    return [DateOrder(format_, other, key, today) for format_, other in pairs if other]


def _median_gap(days: Iterable[date]) -> float:
    ordered = sorted(days)
    return median((later - day).days for day, later in pairwise(ordered))
