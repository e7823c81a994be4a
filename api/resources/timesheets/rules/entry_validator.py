"""The rules for one entry by itself; ``hour_limits`` has those for a person's entries together.

An entry is dated (``date``) or weekly (``year`` and ``week``); ``entry_period`` has the rules for
when it counts, and sets ``year``, ``week`` and ``day`` in both cases.
"""

from datetime import UTC, tzinfo
from decimal import Decimal
from typing import Final

from api.resources.timesheets.rules.entry_period import INVALID, Attributes, EntryPeriod
from encore import ValidationErrors
from encore.extensions import validate_name

HOURS_PER_DAY: Final = Decimal(24)
HOURS_PER_WEEK: Final = Decimal(168)
NO_TOLERANCE: Final = Decimal(0)

_NOT_EMPTY: Final = ("user_id", "project", "source", "external_id")


class EntryValidator:
    """Completes and validates one entry.

    Args:
        hours_per_day: The limit of a dated entry, in hours.
        zone: The time zone of ``EntryPeriod``.
    """

    def __init__(self, hours_per_day: Decimal = HOURS_PER_DAY, zone: tzinfo = UTC) -> None:
        self.hours_per_day = hours_per_day
        self._period = EntryPeriod(zone)

    def validate(
        self,
        entry: Attributes,
        errors: ValidationErrors,
        stored_name: str | None = None,
        *,
        tolerance: Decimal = NO_TOLERANCE,
    ) -> None:
        """Set year, week and day of an entry, and collect its errors.

        Args:
            entry: The attributes; other missing required fields are reported by the library.
            errors: Collects field, value and limit of each error.
            stored_name: The ``user_id`` that the entry has already, which is not validated.
            tolerance: By how many hours an entry may exceed its limit, if that is checked later.
        """
        self._period.complete(entry, errors)
        self._check_hours(entry, errors, tolerance)
        _check_name(entry.get("user_id"), stored_name, errors)
        for name in _NOT_EMPTY:
            value = entry.get(name)
            if value is not None and not value.strip():
                errors.add(name, INVALID, "must not be empty")
        if (entry.get("source") is None) != (entry.get("external_id") is None):
            missing, present = "source", "external_id"
            if entry.get("external_id") is None:
                missing, present = present, missing
            errors.add(missing, INVALID, f"is required with {present}")

    def _check_hours(self, entry: Attributes, errors: ValidationErrors, tolerance: Decimal) -> None:
        hours = entry.get("hours")
        if hours is None:
            return
        if hours <= 0:
            rounded = "" if hours else " (hours are rounded to the second)"
            errors.add("hours", INVALID, f"must be more than 0, not {hours}{rounded}")
        elif entry.get("date") is None:
            if hours > HOURS_PER_WEEK + tolerance:
                errors.add(
                    "hours", INVALID, f"must be at most {HOURS_PER_WEEK} a week, not {hours}"
                )
        elif hours > self.hours_per_day and hours > self.hours_per_day + tolerance:
            errors.add("hours", INVALID, f"must be at most {self.hours_per_day} a day, not {hours}")


def _check_name(name: str | None, stored_name: str | None, errors: ValidationErrors) -> None:
    if name is None or name == stored_name or not name.strip():
        return
    message = validate_name(name)
    if message is not None:
        errors.add("user_id", INVALID, message)
