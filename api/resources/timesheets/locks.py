"""``/timesheets/locks``: moves the end of the locked period, and shows how it was moved.

The latest lock is in force. It may be earlier than the one before it, but not earlier than the
setting ``LOCK_TIMESHEETS_BEFORE``.
"""

from typing import Final

from sqlalchemy import select

from api.resources.timesheets.entries import ACCESS
from api.resources.timesheets.principal import principal_of
from api.resources.timesheets.rules.entry_period import INVALID
from api.resources.timesheets.rules.period_lock import ALL_PERSONS_LOCK
from api.resources.timesheets.services import TimesheetServices
from db.models.timesheet_lock import TimesheetLock
from encore import Context, Crud, ValidationErrors
from encore.errors import Forbidden
from encore.extensions import Statement, advisory_lock, capabilities_of

SCOPE: Final = "lock:timesheets"

_BEFORE: Final = "before"
_READ_ONLY: Final = ("id", "who", "client", "at")


def expose_locks(crud: Crud, services: TimesheetServices) -> None:
    """Expose the locks: created with a scope, read by all who read timesheets."""
    locks = crud.resource(
        TimesheetLock,
        endpoints=("/timesheets/locks", "/timesheets/locks/{id}"),
        actions=("list", "read", "create"),
        access={"create": SCOPE, "list": ACCESS["list"], "read": ACCESS["read"]},
        read_only_attributes=_READ_ONLY,
        bulk=False,  # Each lock replaces the last one.
        description="The ends of the locked period, in which entries cannot be changed",
    )
    locks.create.write.before(LockHooks(services).prepare_create)


class LockHooks:
    """The hooks of ``/timesheets/locks``."""

    def __init__(self, services: TimesheetServices) -> None:
        self._by_setting = services.period_lock.before
        self._lock = None
        if capabilities_of(services.dialect).advisory_locks:
            self._lock = Statement(select(advisory_lock(ALL_PERSONS_LOCK)), services.dialect)

    async def prepare_create(self, context: Context) -> None:
        """Validate a lock and record whose it is, after all pending writes of entries.

        Raises:
            Forbidden: The caller's issuer names its users with a prefix: it reaches only theirs.
            ValidationFailed: The day is missing, or earlier than that of the setting.
        """
        principal = principal_of(context)
        if principal.prefix:
            message = "A lock concerns all entries, and the token's issuer only those of its users"
            raise Forbidden(message, reason="lock-issuer")
        errors, earliest = ValidationErrors(), self._by_setting
        before = context.attributes.get(_BEFORE)
        if _BEFORE not in context.request_body:
            errors.add(_BEFORE, INVALID, "is required; null unlocks")
        elif earliest is not None and (before is None or before < earliest):
            errors.add(
                _BEFORE, INVALID, f"must be at least {earliest}, the lock of the configuration"
            )
        errors.check()
        if self._lock is not None:
            await (await context.connection()).fetch_all(self._lock, ())
        context.attributes |= {"who": principal.name, "client": principal.client_id}
