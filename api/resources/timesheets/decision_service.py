"""Deciding on entries: whether a decision is allowed, and recording it.

A decision on several entries is all or nothing. Principals cannot decide on entries that they
worked or created.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from api.resources.timesheets.decisions import IDS, Decision
from api.resources.timesheets.principal import principal_of
from api.resources.timesheets.repository import TimesheetRepository
from api.resources.timesheets.services import TimesheetServices
from api.resources.timesheets.transitions import TRANSITIONS, status_conflict
from encore import Context, Principal
from encore.errors import ApiError, Conflict, Forbidden, NotFound
from encore.extensions import Row, same_person

_BY_PRECEDENCE: Final[Sequence[type[ApiError]]] = (NotFound, Forbidden, Conflict)
"""The type of the combined error if entries are rejected for several reasons."""


class DecisionService:
    """Validates decisions and records them, inside the transaction of the request.

    Args:
        repository: Reads and updates entries.
        services: Records transitions.
    """

    def __init__(self, repository: TimesheetRepository, services: TimesheetServices) -> None:
        self._repository = repository
        self._audit_log = services.audit_log

    async def prepare_update(self, context: Context) -> None:
        """Decide on the entry of an update, before it is written. Raise ``ApiError``."""
        decision, id_ = context.options["decision"], context.key[0]
        for error in (await self._decide(context, [id_], decision)).values():
            raise error
        context.attributes = decision.attributes

    async def decide_many(
        self, context: Context, ids: Sequence[int], decision: Decision
    ) -> list[Row]:
        """Decide on several entries; return their rows in the order of the ids.

        Raises:
            ApiError: An entry cannot be decided on; lists all such entries.
        """
        errors = await self._decide(context, ids, decision)
        if errors:
            raise _combine(ids, decision, errors)
        connection = await context.connection()
        return await self._repository.update_many(connection, ids, decision.attributes)

    async def _decide(
        self, context: Context, ids: Sequence[int], decision: Decision
    ) -> dict[int, ApiError]:
        """Lock and check all entries; record the decision if there are no errors.

        Returns:
            The errors by entry id.
        """
        principal, connection = principal_of(context), await context.connection()
        entries = await self._repository.lock_many(connection, ids)
        found = ((id_, _find_error(id_, entries.get(id_), decision, principal)) for id_ in ids)
        errors = {id_: error for id_, error in found if error is not None}
        if not errors:
            to, reason = decision.status, decision.reason
            await self._audit_log.record_decisions(connection, principal, ids, to, reason)
        return errors


def _find_error(
    id_: int, entry: Row | None, decision: Decision, principal: Principal
) -> ApiError | None:
    """Return the error of a decision on one entry, or None if the decision is allowed."""
    if entry is None:
        return NotFound(f"There is no timesheet {id_}")
    _, user, creator, status = entry
    for name in (user, creator):
        if same_person(principal.name, name):
            return Forbidden(_describe_own(id_, name, principal.name), reason="own-timesheet")
    if decision.status not in TRANSITIONS[status]:
        again = " again" if status == decision.status else ""
        return status_conflict(id_, status, f"cannot be {decision.status}{again}")
    return None


def _describe_own(id_: int, name: str, principal: str) -> str:
    """Return why a principal cannot decide on an entry that somebody of this name worked on."""
    if name == principal:
        return f"Timesheet {id_} was worked or entered by {name}, who cannot decide on it"
    return (
        f"Timesheet {id_} was worked or entered by {name}; {principal} may be the same person,"
        " and cannot decide on it"
    )


def _combine(ids: Sequence[int], decision: Decision, errors: Mapping[int, ApiError]) -> ApiError:
    """Return one error that lists the errors of several entries."""
    type_ = next(t for t in _BY_PRECEDENCE if any(isinstance(e, t) for e in errors.values()))
    return type_(
        f"{len(errors)} of {len(ids)} timesheets cannot be {decision.status}; none was changed",
        [
            {"field": f"{IDS}[{place}]", "message": errors[id_].message}
            for place, id_ in enumerate(ids)
            if id_ in errors
        ],
    )
