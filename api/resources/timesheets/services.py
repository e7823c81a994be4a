"""What all parts of the system share: who calls, what an entry must be, and what is remembered."""

from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import Dialect

from api.resources.timesheets.hour_limits import HourLimits
from api.resources.timesheets.principal import PrincipalReader
from api.resources.timesheets.rules import EntryRules
from api.resources.timesheets.transitions import AuditLog


@dataclass(frozen=True, slots=True)
class TimesheetOptions:
    """What the operators of the service decide.

    Attributes:
        user_claim: Which claim of a person's token names the person.
        hours_per_day: The most that a person's day may hold, in hours.
        upload_limit: The largest body of an upload, in bytes.
    """

    user_claim: str
    hours_per_day: Decimal
    upload_limit: int


@dataclass(frozen=True, slots=True)
class TimesheetServices:
    """The rules of the system, made once.

    Attributes:
        callers: Tells who calls.
        rules: Judges one entry by itself.
        limits: Judges what entries add up to.
        history: Remembers each step of an entry.
        dialect: What statements are compiled for.
    """

    callers: PrincipalReader
    rules: EntryRules
    limits: HourLimits
    history: AuditLog
    dialect: Dialect

    @classmethod
    def of(cls, options: TimesheetOptions, dialect: Dialect) -> "TimesheetServices":
        """Make them as the operators want them."""
        return cls(
            callers=PrincipalReader(options.user_claim),
            rules=EntryRules(options.hours_per_day),
            limits=HourLimits(options.hours_per_day, dialect),
            history=AuditLog(dialect),
            dialect=dialect,
        )
