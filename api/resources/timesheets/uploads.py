"""``POST /timesheets/upload``: the import job's way in, one entry or many.

Entries are held against the same rules as single ones. What is approved stays as it is; a rejected
entry that the upload changes is submitted again.
"""

from typing import Any, Final

from sqlalchemy import String, Text, cast, exists, insert, literal, select, update

from api.resources.timesheets.bulk_hour_limits import BulkHourLimits
from api.resources.timesheets.services import TimesheetServices
from api.resources.timesheets.transitions import APPROVED, REJECTED, SUBMITTED
from db.models.timesheet import Timesheet
from db.models.timesheet_transition import TimesheetTransition
from encore import Crud, Resource
from encore.extensions import (
    UNCHANGED,
    UPDATED,
    MergeContext,
    UploadContext,
    UploadedRow,
    capabilities_of,
)
from encore.types import now

ACCESS: Final = "batch:upload"
NATURAL_KEY: Final = ("source", "external_id")

_PERIOD: Final = ("date", "year", "week", "day")
_CALLER: Final = "caller"


def expose_uploads(
    crud: Crud, timesheets: Resource, policies: TimesheetServices, limit: int
) -> None:
    """Let entries be uploaded; ``limit`` is the largest body, in bytes."""
    upload = crud.upload(
        timesheets,
        natural_key=NATURAL_KEY,
        only_on_create=("created_by",),
        access=ACCESS,
        limit=limit,
        idempotency_keys=True,
    )
    hooks = Uploads(policies)
    upload.before_read(hooks.know_caller)
    upload.validate_row(hooks.complete)
    upload.validate_merge(hooks.reject_approved)
    upload.validate_merge(BulkHourLimits(policies.limits.hours_per_day, policies.dialect).judge)
    upload.after_write(submit_again)
    upload.message(worded)


class Uploads:
    """The hooks of an upload that ask the policies."""

    def __init__(self, policies: TimesheetServices) -> None:
        self._callers = policies.callers
        self._rules = policies.rules
        self._locks_rows = capabilities_of(policies.dialect).row_locks

    def know_caller(self, context: UploadContext) -> None:
        """Find out who calls, once for all rows. Raises ``Forbidden``."""
        context.options[_CALLER] = self._callers.of(context.state)

    def complete(self, row: UploadedRow) -> None:
        """Complete an entry and hold it against the rules."""
        entry, caller = row.attributes, row.context.options[_CALLER]
        if caller.user is not None:
            entry["user_id"] = caller.user
        entry["created_by"] = caller.name
        if entry.get("external_id") is not None and entry.get("source") is None:
            entry["source"] = caller.client
        self._rules.apply(entry, row.errors)
        for name in _PERIOD:  # The whole period is given anew, or the old form's would stay.
            entry.setdefault(name, None)

    async def reject_approved(self, merge: MergeContext) -> None:
        """Reject what would change an approved entry; from here on nobody approves the others."""
        staging = merge.staging
        changed = Timesheet.id.in_(select(staging.id).where(staging.status == UPDATED))
        if self._locks_rows:
            await merge.execute(
                select(Timesheet.id).where(changed).order_by(Timesheet.id).with_for_update()
            )
        approved = exists(
            select(Timesheet.id).where(Timesheet.id == staging.id, Timesheet.approved)
        )
        text = literal("Timesheet ", Text) + cast(staging.id, String)
        text += f" is {APPROVED} and cannot be changed"
        await merge.reject((staging.status == UPDATED) & approved, "status", text)


async def submit_again(merge: MergeContext) -> None:
    """Submit the rejected entries that were changed, and remember that."""
    staging = merge.staging
    changed = select(staging.id).where(staging.status == UPDATED)
    again = (Timesheet.status == REJECTED) & Timesheet.id.in_(changed)
    caller = merge.context.options[_CALLER]
    moment = now()
    history: dict[Any, Any] = {
        "timesheet_id": Timesheet.id,
        "from": literal(REJECTED, String),
        "to": literal(SUBMITTED, String),
        "who": literal(caller.name, String),
        "client": literal(caller.client, String),
        "at": literal(moment, TimesheetTransition.at.type),
    }
    steps = select(*history.values()).where(again)
    await merge.execute(insert(TimesheetTransition.__table__).from_select(list(history), steps))  # type: ignore[arg-type]
    values = {"status": SUBMITTED, "reason": None, "updated_at": moment}
    await merge.execute(update(Timesheet).values(values).where(again))


def worded(status: str, entry: Any) -> str:
    """Say what became of one entry: ``Created timesheet 14 for employee 007``."""
    which = f"{entry.id} for {entry.user_type.lower()} {entry.user_id}"
    if status == UNCHANGED:
        return f"Timesheet {which} is unchanged"
    return f"{status.capitalize()} timesheet {which}"
