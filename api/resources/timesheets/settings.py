"""The settings that only timesheets need."""

import re
from decimal import Decimal
from typing import Annotated, Final

from pydantic import BeforeValidator

from encore.settings import Settings

_HOURS_PER_DAY: Final = 24


def _parse_hours_per_day(value: str | Decimal) -> Decimal:
    raw = str(value).strip()
    valid = re.fullmatch(r"[0-9]{1,2}(\.[0-9]{1,2})?", raw)
    if not valid or not 0 < Decimal(raw) <= _HOURS_PER_DAY:
        raise ValueError("must be hours of a day, more than 0 and at most 24")
    return Decimal(raw)


class TimesheetSettings(Settings):
    """Settings of a service with timesheets.

    Attributes:
        max_hours_per_day: The limit of a person's entries for one day, in hours.
    """

    max_hours_per_day: Annotated[Decimal, BeforeValidator(_parse_hours_per_day)] = Decimal(24)
