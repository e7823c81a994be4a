"""The settings that only timesheets need."""

import re
from datetime import date
from decimal import Decimal
from typing import Annotated, Final

from pydantic import BeforeValidator

from encore.settings import Flag, ReadableFile, Settings

_HOURS_PER_DAY: Final = 24


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


class TimesheetSettings(Settings):
    """Settings of a service with timesheets.

    Attributes:
        max_hours_per_day: The limit of a person's entries for one day, in hours.
        lock_timesheets_before: The first day whose entries can be changed; None for no lock.
        require_seen_version: Whether a decision must name the version of the entry that was seen.
        approvers_file: A TOML file of the people of each approver; None if all see all entries.
    """

    max_hours_per_day: Annotated[Decimal, BeforeValidator(_parse_hours_per_day)] = Decimal(24)
    lock_timesheets_before: Annotated[date | None, BeforeValidator(_parse_day)] = None
    require_seen_version: Flag = True
    approvers_file: ReadableFile = None
