"""The settings that only timesheets need."""

import re
from decimal import Decimal
from typing import Annotated, Final

from pydantic import BeforeValidator

from encore.settings import Settings, Text

_A_DAY: Final = 24
"""Hours."""


def _hours_of_day(value: str | Decimal) -> Decimal:
    text = str(value).strip()
    if not re.fullmatch(r"[0-9]{1,2}(\.[0-9]{1,2})?", text) or not 0 < Decimal(text) <= _A_DAY:
        raise ValueError("must be hours of a day, more than 0 and at most 24")
    return Decimal(text)


class TimesheetSettings(Settings):
    """Settings of a service with timesheets.

    Attributes:
        user_claim: Which claim of a person's token names the person.
        max_hours_per_day: The most that a person's timesheets may hold for one day, in hours.
    """

    user_claim: Text = "sub"
    max_hours_per_day: Annotated[Decimal, BeforeValidator(_hours_of_day)] = Decimal(24)
