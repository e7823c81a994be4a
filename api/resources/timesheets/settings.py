"""The settings that only timesheets need."""

import re
from datetime import UTC, date, tzinfo
from decimal import Decimal
from typing import Annotated, Final
from zoneinfo import ZoneInfo, available_timezones

from pydantic import BeforeValidator

from encore.settings import Flag, ReadableFile, Settings

_HOURS_PER_DAY: Final = 24
_ALL_PERCENT: Final = 100
_UTC: Final = "UTC"
_OF_THE_MACHINE: Final = "localtime"
"""A file beside the zones on some systems; it means another zone on each machine."""

_SIMILARITY: Final = 0.8
"""The least similarity of a suggested zone: of Berln, not of Europe alone."""


def _parse_hours_per_day(value: str | Decimal) -> Decimal:
    raw = str(value).strip()
    valid = re.fullmatch(r"[0-9]{1,2}(\.[0-9]{1,2})?", raw)
    if not valid or not 0 < Decimal(raw) <= _HOURS_PER_DAY:
        raise ValueError("must be hours of a day, more than 0 and at most 24")
    return Decimal(raw)


def _parse_day(value: str | date | None) -> date | None:
    if value is None or isinstance(value, date):
        return value
    raw = value.strip()
    if not raw:
        return None
    try:
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", raw):
            return date.fromisoformat(raw)
    except ValueError:
        pass
    raise ValueError("must be a day such as 2026-10-01, or empty for none")


def _parse_percent(value: str | int) -> int:
    raw = str(value).strip()
    if not re.fullmatch(r"[0-9]{1,3}", raw) or int(raw) > _ALL_PERCENT:
        raise ValueError("must be a whole number of percent, from 0 to 100")
    return int(raw)


def _parse_time_zone(value: str) -> str:
    name = value.strip()
    if name == _UTC:  # Known without the machine's time zone database.
        return name
    known = available_timezones() - {_OF_THE_MACHINE}
    if name not in known:
        from encore.extensions import most_similar  # noqa: PLC0415 - it imports the whole engine

        similar = most_similar(name, known, _SIMILARITY)
        hint = f"; did you mean {similar}?" if similar else ""
        raise ValueError(f"must be the IANA name of a time zone such as Europe/Berlin{hint}")
    return name


class TimesheetSettings(Settings):
    """Settings of a service with timesheets.

    Attributes:
        max_hours_per_day: The limit of a person's entries for one day, in hours.
        time_zone: The IANA name of the time zone that decides the day of a dated entry if neither
            its ``day`` nor its offset does.
        lock_timesheets_before: The first day whose entries can be changed; None for no lock.
        max_replaced_percent: The most entries that an upload with ``replace`` may withdraw, in
            percent of those that its client and source have in the period.
        require_seen_version: Whether a decision must name the version of the entry that was seen.
        approvers_file: A TOML file of the people of each approver; None if all see all entries.
    """

    max_hours_per_day: Annotated[Decimal, BeforeValidator(_parse_hours_per_day)] = Decimal(24)
    time_zone: Annotated[str, BeforeValidator(_parse_time_zone)] = _UTC
    lock_timesheets_before: Annotated[date | None, BeforeValidator(_parse_day)] = None
    max_replaced_percent: Annotated[int, BeforeValidator(_parse_percent)] = 20
    require_seen_version: Flag = True
    approvers_file: ReadableFile = None

    @property
    def zone(self) -> tzinfo:
        """The time zone of ``time_zone``."""
        return UTC if self.time_zone == _UTC else ZoneInfo(self.time_zone)
