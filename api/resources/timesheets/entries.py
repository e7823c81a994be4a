"""``/timesheets``: the entries themselves, as a resource of the engine with hooks for the rules.

A person sees and changes their own entries alone; a client that calls for itself, all of them.
What is approved stays as it is.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from api.resources.timesheets.locks import RowLock
from api.resources.timesheets.principal import Principal
from api.resources.timesheets.rules import merged
from api.resources.timesheets.services import TimesheetServices
from api.resources.timesheets.transitions import (
    DELETED,
    REJECTED,
    SUBMITTED,
    check_mutable,
)
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
BY_THE_SERVICE: Final = ("day", "status", "reason", "created_by")
"""What no caller writes; ``approved`` is not writable by its model."""

_PERIOD: Final = frozenset({"year", "week", "day", "created_by"})
"""What the rules settle, and complain of in words of their own."""


def expose_entries(crud: Crud, policies: TimesheetServices) -> Resource:
    """Expose the entries, and the history of each below it."""
    timesheets = crud.resource(
        Timesheet,
        access=ACCESS,
        read_only_attributes=BY_THE_SERVICE,
        associations=AssociationOptions(auto_populate=False),
    )
    Entries(timesheets, policies).register()
    return timesheets


class Entries:
    """The hooks of the entries' resource."""

    def __init__(self, timesheets: Resource, policies: TimesheetServices) -> None:
        self._timesheets = timesheets
        self._callers = policies.callers
        self._rules = policies.rules
        self._limits = policies.limits
        self._history = policies.history
        self._locks = RowLock(timesheets, policies.dialect)
        self._required = [f for f in timesheets.bodies.creatable if f.name not in _PERIOD]

    def register(self) -> None:
        """Hang the hooks on the actions."""
        timesheets = self._timesheets
        for action in ("list", "read", "update", "delete"):
            timesheets.hooks[action].start.before(self._callers.narrow)
        timesheets.create.write.before(self.prepare_new)
        timesheets.create.send.after(add_message)
        timesheets.update.write.before(self.prepare_change)
        timesheets.delete.write.before(self.prepare_deletion)
        below = timesheets.nested_resources["history"]
        for action in ("list", "read"):
            below.hooks[action].fetch.before(self.check_entry_is_visible)

    async def check_entry_is_visible(self, context: Context) -> None:
        """Show a person the history of their own entries alone. Raises ``NotFound``."""
        user = self._callers.of_context(context).user
        entry = await self._locks.read(context, context.key[0])
        if entry is None or user not in (None, entry["user_id"]):
            raise NotFound

    async def prepare_new(self, context: Context) -> None:
        """Complete a new entry and hold it against the rules. Raises ``ValidationFailed``."""
        caller, entry = self._callers.of_context(context), context.attributes
        if caller.user is not None:
            entry["user_id"] = caller.user
        entry["created_by"] = caller.name
        errors = ValidationErrors()
        self._rules.apply(entry, errors)
        check_complete(entry, self._required, errors)
        errors.check()
        await self._limits.check(await context.connection(), entry)

    async def prepare_change(self, context: Context) -> None:
        """Hold the entry, as it would become, against the rules.

        Raises:
            Conflict: It is approved.
            ValidationFailed: It would break a rule.
        """
        caller = self._callers.of_context(context)
        before = await self._mutable(context)
        if caller.user is not None:
            context.attributes.pop("user_id", None)  # A person's entries stay the person's.
        entry, errors = merged(before, context.attributes), ValidationErrors()
        self._rules.apply(entry, errors)
        errors.check()
        await self._limits.check(await context.connection(), entry, before["id"])
        if before["status"] == REJECTED:
            entry |= {"status": SUBMITTED, "reason": None}
            await self._record(context, caller, before, SUBMITTED)
        context.attributes = {
            name: value for name, value in entry.items() if value != before.get(name)
        }

    async def prepare_deletion(self, context: Context) -> None:
        """Refuse to delete what is approved; remember who deleted what is not."""
        entry = await self._mutable(context)
        await self._record(context, self._callers.of_context(context), entry, DELETED)

    async def _mutable(self, context: Context) -> dict[str, Any]:
        """Give the entry that the path names, locked. Raises ``NotFound``, ``Conflict``."""
        entry = await self._locks.lock(context, context.key[0])
        if entry is None:
            raise NotFound
        check_mutable(entry["id"], entry["status"])
        return entry

    async def _record(
        self, context: Context, caller: Principal, entry: Mapping[str, Any], to: str
    ) -> None:
        step = (entry["status"], to)
        await self._history.record(await context.connection(), caller, entry["id"], step)


def add_message(context: Context) -> None:
    """Say what was done in the words of the Auth0 seed, beside the entry."""
    entry = context.instance
    text = f"Timesheet created for {entry.user_type}: {entry.user_id}"
    context.body = msgspec.json.encode({**msgspec.to_builtins(entry), "message": text})
