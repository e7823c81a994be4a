"""``/timesheets``: the entries, as a generated resource with hooks for the rules of timesheets.

A user sees and changes only their own entries; a client that calls for itself, all entries. An
approved entry, and one in the locked period, cannot be changed or deleted.
"""

from typing import Any, Final

import msgspec

from api.resources.timesheets.history.changes import Change, ChangeBuilder
from api.resources.timesheets.principal import (
    check_person,
    is_visible,
    principal_of,
    restrict_to_visible,
)
from api.resources.timesheets.repository import TimesheetRepository
from api.resources.timesheets.rules.entry_period import check_repeated_day, merge_change
from api.resources.timesheets.rules.legacy_entries import LegacyEntries
from api.resources.timesheets.rules.natural_keys import check_changed_key, check_new_key
from api.resources.timesheets.rules.transitions import REJECTED, SUBMITTED, check_mutable
from api.resources.timesheets.services import TimesheetServices
from db.models.timesheet import Timesheet
from encore import AssociationOptions, Context, Crud, Resource, ValidationErrors
from encore.errors import NotFound
from encore.extensions import check_complete

ACCESS: Final = {
    "create": "create:timesheets",
    "update": "create:timesheets",
    "list": "read:timesheets",
    "read": "read:timesheets",
    "delete": "delete:timesheets",
}
READ_ONLY: Final = ("id", "status", "reason", "created_by")
"""The fields that only the service writes; ``approved`` is read-only by its model."""

ISO_PERIOD: Final = ("year", "week", "day")
"""The fields that the service derives from ``date``, or from one another, if a body lacks them."""

_SET_BY_SERVICE: Final = frozenset({*ISO_PERIOD, "created_by"})
"""Required fields that the hooks set or validate, with messages of ``rules.entry_period``."""


def expose_entries(crud: Crud, services: TimesheetServices) -> Resource:
    """Expose the entries, with the history of each below its item path."""
    timesheets = crud.resource(
        Timesheet,
        access=ACCESS,
        read_only_attributes=READ_ONLY,
        set_by_hooks=ISO_PERIOD,
        associations=AssociationOptions(auto_populate=False),
        description="Hours that people worked on projects, one entry for a day or a week",
    )
    EntryHooks(timesheets, services).register()
    return timesheets


class EntryHooks:
    """The hooks of ``/timesheets``."""

    def __init__(self, timesheets: Resource, services: TimesheetServices) -> None:
        self._timesheets = timesheets
        self._validator = services.validator
        self._limits = services.limits
        self._period_lock = services.period_lock
        self._audit_log = services.audit_log
        self._changes = ChangeBuilder(services.dialect)
        self._legacy = LegacyEntries(services.dialect)
        self._repository = TimesheetRepository(timesheets, services.dialect)
        creatable = timesheets.bodies.creatable
        self._required = [f for f in creatable if f.name not in _SET_BY_SERVICE]

    def register(self) -> None:
        """Register the hooks on the actions of the resource."""
        timesheets = self._timesheets
        for action in ("list", "read", "update", "delete"):
            timesheets.hooks[action].start.before(restrict_to_visible)
        timesheets.create.write.before(self.prepare_create)
        timesheets.create.write.after(self.record_creation)
        timesheets.create.send.after(add_message)
        timesheets.update.write.before(self.prepare_update)
        timesheets.delete.write.before(self.prepare_delete)
        history = timesheets.nested_resources["history"]
        for action in ("list", "read"):
            history.hooks[action].fetch.before(self.check_entry_is_visible)

    async def check_entry_is_visible(self, context: Context) -> None:
        """Raise ``NotFound`` if the entry of a history does not exist or is another user's."""
        entry = await self._repository.get(await context.connection(), context.key[0])
        if entry is None or not is_visible(principal_of(context), entry["user_id"]):
            raise NotFound

    async def prepare_create(self, context: Context) -> None:
        """Complete and validate a new entry. Raise ``ValidationFailed`` or ``Conflict``."""
        principal, entry = principal_of(context), context.attributes
        if principal.user is not None:
            entry["user_id"] = principal.user
        entry["created_by"] = principal.name
        errors = ValidationErrors()
        check_person(entry, principal, errors)
        lenient = self._timesheets.ignores_members(context.scope)
        check_new_key(entry, principal, errors, lenient=lenient)
        self._validator.validate(entry, errors)
        check_complete(entry, self._required, errors)
        errors.check()
        await self._limits.validate(await context.connection(), entry)

    async def record_creation(self, context: Context) -> None:
        """Record the creation of the entry."""
        (row,) = context.rows
        await self._record(context, self._changes.creation(self._repository.read_values(row)))

    async def prepare_update(self, context: Context) -> None:
        """Validate the entry as the update would make it; submit a rejected entry again.

        Raises:
            Conflict: The entry is approved, or its old or new day is locked.
            ValidationFailed: The updated entry would be invalid.
        """
        principal = principal_of(context)
        before = await self._get_mutable(context)
        if principal.user is not None:
            context.attributes.pop("user_id", None)  # A user's entries keep their user.
        errors = ValidationErrors()
        check_person(context.attributes, principal, errors)
        lenient = self._timesheets.ignores_members(context.scope)
        check_changed_key(before, context.attributes, principal, errors, lenient=lenient)
        change = dict(context.attributes)
        if "date" in change:
            change["date"] = self._changes.as_stored(change["date"])
        entry = merge_change(before, change)
        self._validator.validate(entry, errors, before["user_id"])
        if context.scope["method"] == "PUT" and not errors.found:
            check_repeated_day(before, change, errors)
        errors.check()
        await self._limits.validate(await context.connection(), entry, before)
        if before["status"] == REJECTED:
            entry |= {"status": SUBMITTED, "reason": None}
        context.attributes = {
            name: value for name, value in entry.items() if value != before.get(name)
        }
        if context.attributes:
            await self._legacy.clear_changed(await context.connection(), before, entry)
            await self._record(context, self._changes.update(before, entry))

    async def prepare_delete(self, context: Context) -> None:
        """Record the deletion. Raise ``Conflict`` if the entry is approved or its day locked."""
        entry = await self._get_mutable(context)
        connection = await context.connection()
        await self._limits.lock(connection, entry["user_id"])
        await self._period_lock.check(connection, entry["day"])
        await self._record(context, self._changes.deletion(entry))

    async def _get_mutable(self, context: Context) -> dict[str, Any]:
        """Return the entry of the path, locked. Raise ``NotFound`` or ``Conflict``."""
        entry = await self._repository.get_for_update(await context.connection(), context.key[0])
        if entry is None:
            raise NotFound
        check_mutable(entry["id"], entry["status"])
        return entry

    async def _record(self, context: Context, change: Change) -> None:
        principal = principal_of(context)
        await self._audit_log.record(await context.connection(), principal, change)


def add_message(context: Context) -> None:
    """Add the Auth0 seed's message to the response of a created entry."""
    entry = context.instance
    message = f"Timesheet created for {entry.user_type}: {entry.user_id}"
    context.body = msgspec.json.encode({**msgspec.to_builtins(entry), "message": message})
