"""``POST /timesheets/upload``: bulk import of entries.

A client's row updates the entry that the client has imported with the same natural key; a person's
row is always a new entry. Entries are validated by the same rules as single ones. An approved entry
cannot be changed; a rejected entry that an upload changes is submitted again. An entry whose id in
its system has changed gets the new one, whatever its status: that changes no hours.
"""

from typing import Any, Final

from sqlalchemy import String, Text, case, cast, exists, literal, select, update

from api.resources.timesheets.history.upload_changes import record_upload
from api.resources.timesheets.principal import check_person, has_prefix, validate_principal
from api.resources.timesheets.replacements import Replacements
from api.resources.timesheets.rules.bulk_hour_limits import BulkHourLimits
from api.resources.timesheets.rules.entry_period import PERIOD
from api.resources.timesheets.rules.entry_validator import NO_TOLERANCE
from api.resources.timesheets.rules.legacy_entries import (
    ROUNDED_BY,
    adopt_stored_values,
    clear_changed_entries,
)
from api.resources.timesheets.rules.natural_keys import (
    NATURAL_KEY,
    OWNER,
    PREVIOUS_KEY,
    check_new_key,
    check_previous_key,
    set_default_source,
)
from api.resources.timesheets.rules.transitions import APPROVED, REJECTED, SUBMITTED
from api.resources.timesheets.rules.uploaded_days import (
    FLAGS,
    defer_week_errors,
    flag_derived_day,
    keep_stored_days,
)
from api.resources.timesheets.services import TimesheetServices
from db.models.timesheet import Timesheet
from encore import Crud, Resource
from encore.extensions import (
    UNCHANGED,
    UPDATED,
    MergeContext,
    UploadContext,
    UploadedRow,
    capabilities_of,
    validate_name,
)
from encore.types import now

ACCESS: Final = "batch:upload"

_PRINCIPAL: Final = "principal"
_INVALID_NAMES: Final = "invalid names"
_MAX_INVALID_NAMES: Final = 1_000
"""Invalid names of an upload that entries may have already; rows with further ones are rejected."""


def expose_uploads(crud: Crud, timesheets: Resource, services: TimesheetServices) -> None:
    """Expose the upload."""
    upload = crud.upload(
        timesheets,
        natural_key=NATURAL_KEY,
        owned_by=(OWNER,),
        row_flags=FLAGS,
        previous_key=PREVIOUS_KEY,
        access=ACCESS,
        idempotency_keys=True,
    )
    hooks, replacements = UploadHooks(services), Replacements(timesheets, services)
    limits = BulkHourLimits(services.limits.hours_per_day, services.dialect)
    replacements.declare(upload)
    upload.before_read(hooks.resolve_principal)
    upload.before_read(replacements.check_request)
    upload.validate_row(hooks.validate_entry)
    upload.before_compare(keep_stored_days)
    upload.before_compare(adopt_stored_values)
    upload.validate_merge(reject_invalid_names)
    upload.validate_merge(hooks.reject_approved)
    upload.validate_merge(reject_invisible)
    upload.validate_merge(services.period_lock.reject_locked)
    upload.validate_merge(replacements.plan)
    upload.validate_merge(limits.reject_exceeding)
    upload.validate_merge(replacements.check)
    upload.before_write(hooks.record_changes)
    upload.before_write(replacements.withdraw)
    upload.before_write(clear_changed_entries)
    upload.after_write(resubmit_rejected)
    upload.message(result_message)


class UploadHooks:
    """The hooks of an upload that need the services."""

    def __init__(self, services: TimesheetServices) -> None:
        self._validator = services.validator
        self._dialect = services.dialect
        self._locks_rows = capabilities_of(services.dialect).row_locks

    def resolve_principal(self, context: UploadContext) -> None:
        """Resolve the principal once for all rows. Raise ``Forbidden``."""
        context.options[_PRINCIPAL] = validate_principal(context.principal)
        context.options[_INVALID_NAMES] = {}

    def validate_entry(self, row: UploadedRow) -> None:
        """Complete and validate an entry; errors are added to the row."""
        entry, errors, principal = row.attributes, row.errors, row.context.options[_PRINCIPAL]
        if (user := principal.user) is not None:
            entry["user_id"] = user
        entry["created_by"] = principal.name
        if user is not None or principal.prefix:
            check_person(entry, principal, errors)
        if user is None:
            set_default_source(entry, principal, errors)
        else:
            lenient = row.context.request.lenient
            check_new_key(entry, principal, errors, lenient=lenient)
            check_previous_key(row.previous_key, errors, lenient=lenient)
        week = flag_derived_day(row)
        # The limits over the upload apply when it is known whether the row repeats an entry.
        tolerance = NO_TOLERANCE if entry.get("external_id") is None else ROUNDED_BY
        self._validator.validate(entry, errors, self._stored_name(row), tolerance=tolerance)
        if week:
            defer_week_errors(row, week)
        if "date" not in entry or errors.found:
            for name in PERIOD:  # Unset fields are written as null, or the stored would remain.
                entry.setdefault(name, None)

    def _stored_name(self, row: UploadedRow) -> str | None:
        """Return the row's name if it is valid, or if its entry may have it already."""
        name: str | None = row.attributes.get("user_id")
        if not name or row.attributes.get("external_id") is None:
            return None
        message = validate_name(name)
        if message is None:
            return name
        names: dict[str, str] = row.context.options[_INVALID_NAMES]
        if len(names) < _MAX_INVALID_NAMES or name in names:
            names[name] = message
            return name
        return None

    async def reject_approved(self, merge: MergeContext) -> None:
        """Reject rows that would change an approved entry; lock the other entries until the end."""
        staging = merge.staging
        written = (staging.status == UPDATED) | staging.is_renamed
        changed = Timesheet.id.in_(select(staging.id).where(written))
        if self._locks_rows:
            await merge.execute(
                select(Timesheet.id).where(changed).order_by(Timesheet.id).with_for_update()
            )
        approved = exists(
            select(Timesheet.id).where(Timesheet.id == staging.id, Timesheet.approved)
        )
        message = literal("Timesheet ", Text) + cast(staging.id, String)
        message += f" is {APPROVED} and cannot be changed"
        await merge.reject((staging.status == UPDATED) & approved, "status", message)

    async def record_changes(self, merge: MergeContext) -> None:
        """Record the changes that the upload is about to make."""
        await record_upload(merge, merge.context.options[_PRINCIPAL], self._dialect)


async def reject_invalid_names(merge: MergeContext) -> None:
    """Reject rows with an invalid ``user_id``, except of entries that have it already."""
    staging, messages = merge.staging, merge.context.options[_INVALID_NAMES]
    if not messages:
        return
    has_it_already = exists(
        select(Timesheet.id).where(
            Timesheet.id == staging.id, Timesheet.user_id == staging["user_id"]
        )
    )
    text = {name: f"user_id {message}" for name, message in messages.items()}
    condition = staging["user_id"].in_(messages) & ~has_it_already
    await merge.reject(condition, "user_id", case(text, value=staging["user_id"]))


async def reject_invisible(merge: MergeContext) -> None:
    """Reject rows of entries that are of another issuer's people since the client created them."""
    prefix = merge.context.options[_PRINCIPAL].prefix
    if not prefix:
        return
    staging = merge.staging
    moved = exists(select(Timesheet.id).where(Timesheet.id == staging.id, ~has_prefix(prefix)))
    message = "external_id is of an entry that has been given to another issuer's user"
    await merge.reject((staging.status == UPDATED) & moved, "external_id", message)


async def resubmit_rejected(merge: MergeContext) -> None:
    """Submit the rejected entries that the upload changed."""
    staging = merge.staging
    changed = select(staging.id).where(staging.status == UPDATED)
    resubmitted = (Timesheet.status == REJECTED) & Timesheet.id.in_(changed)
    values = {"status": SUBMITTED, "reason": None, "updated_at": now()}
    await merge.execute(update(Timesheet).values(values).where(resubmitted))


def result_message(status: str, entry: Any) -> str:
    """Return the Auth0 seed's message for one entry: ``Created timesheet 14 for employee 007``."""
    which = f"{entry.id} for {entry.user_type.lower()} {entry.user_id}"
    if status == UNCHANGED:
        return f"Timesheet {which} is unchanged"
    return f"{status.capitalize()} timesheet {which}"
