"""The services that all timesheet modules share: validation, limits and audit log."""

from dataclasses import dataclass

from sqlalchemy import Dialect

from api.resources.timesheets.approvers import Approvers, read_approvers
from api.resources.timesheets.history.audit_log import AuditLog
from api.resources.timesheets.rules.entry_validator import EntryValidator
from api.resources.timesheets.rules.hour_limits import HourLimits
from api.resources.timesheets.rules.period_lock import PeriodLock
from api.resources.timesheets.settings import TimesheetSettings


@dataclass(frozen=True, slots=True)
class TimesheetServices:
    """The shared services, created once at start-up.

    Attributes:
        validator: Validates one entry by itself.
        limits: Validates the sum of a person's entries, and that they are not locked.
        period_lock: Rejects writes in the locked period.
        audit_log: Records the changes of entries.
        dialect: The dialect that statements are compiled for.
        approvers: Restricts approvers to the entries of their people.
        require_seen_version: Whether a decision must name the version that was seen.
        max_replaced_percent: The most entries that an upload that replaces a period withdraws.
    """

    validator: EntryValidator
    limits: HourLimits
    period_lock: PeriodLock
    audit_log: AuditLog
    dialect: Dialect
    approvers: Approvers
    require_seen_version: bool
    max_replaced_percent: int

    @classmethod
    def create(cls, settings: TimesheetSettings, dialect: Dialect) -> "TimesheetServices":
        """Return the services that these settings configure."""
        period_lock = PeriodLock(settings.lock_timesheets_before, dialect)
        return cls(
            validator=EntryValidator(settings.max_hours_per_day, settings.zone),
            limits=HourLimits(settings.max_hours_per_day, period_lock, dialect),
            period_lock=period_lock,
            audit_log=AuditLog(dialect),
            dialect=dialect,
            approvers=read_approvers(settings.approvers_file),
            require_seen_version=settings.require_seen_version,
            max_replaced_percent=settings.max_replaced_percent,
        )
