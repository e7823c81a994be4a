"""Deciding on entries: whether a decision is allowed, and recording it.

A decision on several entries is all or nothing. Nobody decides on an entry that is theirs, that
they created, or that they have changed since its last decision; and nobody on a version that they
have not seen. Everything is checked when the entries are locked.
"""

from collections.abc import Iterable, Mapping

from api.resources.timesheets.approvals.decision_errors import (
    combine,
    not_found,
    own_entry,
    stale_version,
    version_required,
)
from api.resources.timesheets.approvals.decisions import Decision
from api.resources.timesheets.approvals.seen_versions import SeenVersion
from api.resources.timesheets.history.recorded_changes import RecordedChanges
from api.resources.timesheets.principal import principal_of
from api.resources.timesheets.repository import LockedEntry, TimesheetRepository
from api.resources.timesheets.rules.transitions import TRANSITIONS, status_conflict
from api.resources.timesheets.services import TimesheetServices
from encore import Context, Principal
from encore.errors import ApiError
from encore.extensions import Connection, Row, same_person

SeenVersions = Mapping[int, SeenVersion | None]
"""The version of each entry that the approver has seen, by id; None if the request names none."""

Errors = dict[int, ApiError]


class DecisionService:
    """Validates decisions and records them, inside the transaction of the request.

    Args:
        repository: Reads and updates entries.
        services: Records changes.
    """

    def __init__(self, repository: TimesheetRepository, services: TimesheetServices) -> None:
        self._repository = repository
        self._audit_log = services.audit_log
        self._approvers = services.approvers
        self._changes = RecordedChanges(services.dialect)
        self._requires_version = services.require_seen_version

    async def prepare_update(self, context: Context) -> None:
        """Decide on the entry of an update, before it is written. Raise ``ApiError``."""
        decision, seen = context.options["decision"], context.options["seen_version"]
        for error in (await self._decide(context, {context.key[0]: seen}, decision)).values():
            raise error
        context.attributes = decision.attributes

    async def decide_many(
        self, context: Context, entries: SeenVersions, decision: Decision, member: str
    ) -> list[Row]:
        """Decide on several entries; return their rows in the order of the request.

        Args:
            context: The context of the request.
            entries: The versions of the entries.
            decision: The decision.
            member: The member of the body that has the entries.

        Raises:
            ApiError: An entry cannot be decided on; lists all such entries.
        """
        ids = list(entries)
        errors = await self._decide(context, entries, decision)
        if errors:
            raise combine(ids, errors, member, decision.status)
        connection = await context.connection()
        return await self._repository.update_many(connection, ids, decision.attributes)

    async def _decide(self, context: Context, entries: SeenVersions, decision: Decision) -> Errors:
        """Lock and check all entries; record the decision if there are no errors.

        Returns:
            The errors by entry id.
        """
        principal, connection = principal_of(context), await context.connection()
        ids = list(entries)
        locked = await self._repository.lock_many(connection, ids)
        people = self._approvers.people_of(context)
        locked = {id_: entry for id_, entry in locked.items() if entry.user_id in people}
        errors = await self._find_refusals(connection, principal, entries, locked)
        others = [entry for id_, entry in locked.items() if id_ not in errors]
        stale = {entry.id: entry for entry in others if _is_stale(entry, entries[entry.id])}
        errors |= await self._describe_stale(connection, entries, stale)
        for entry in others:
            if entry.id not in stale and decision.status not in TRANSITIONS[entry.status]:
                again = " again" if entry.status == decision.status else ""
                reason = f"cannot be {decision.status}{again}"
                errors[entry.id] = status_conflict(entry.id, entry.status, reason)
        if not errors:
            await self._audit_log.record_decisions(
                connection, principal, ids, decision.status, decision.reason
            )
        return errors

    async def _find_refusals(
        self,
        connection: Connection,
        principal: Principal,
        entries: SeenVersions,
        locked: Mapping[int, LockedEntry],
    ) -> Errors:
        """Return the errors of entries whatever the decision: missing, own, without a version."""
        authors = await self._changes.fetch_names(connection, list(entries))
        names = _Namesakes(principal.name)
        errors: Errors = {}
        for id_, seen in entries.items():
            entry = locked.get(id_)
            if entry is None:
                errors[id_] = not_found(id_)
            elif own := names.find((entry.user_id, entry.created_by, *authors[id_])):
                errors[id_] = own_entry(id_, own, principal.name)
            elif seen is None and self._requires_version:
                errors[id_] = version_required(id_)
        return errors

    async def _describe_stale(
        self, connection: Connection, entries: SeenVersions, stale: Mapping[int, LockedEntry]
    ) -> Errors:
        """Return the errors of entries that have another version than the one that was seen."""
        seen = {id_: version for id_ in stale if (version := entries[id_]) is not None}
        numbers = {id_: version.number for id_, version in seen.items() if version.number}
        stored = {id_: entry.version for id_, entry in stale.items()}
        changes = await self._changes.describe(connection, numbers, stored) if numbers else {}
        return {
            id_: stale_version(id_, stale[id_].version, version, changes.get(id_))
            for id_, version in seen.items()
        }


class _Namesakes:
    """Finds names that are, or may be, a principal's.

    Args:
        principal: The principal's name.
    """

    def __init__(self, principal: str) -> None:
        self._principal = principal
        self._known: dict[str, bool] = {}

    def find(self, names: Iterable[str]) -> str | None:
        """Return the first such name; None if there is none."""
        return next((name for name in names if self._is_same(name)), None)

    def _is_same(self, name: str) -> bool:
        if name not in self._known:
            self._known[name] = same_person(self._principal, name)
        return self._known[name]


def _is_stale(entry: LockedEntry, seen: SeenVersion | None) -> bool:
    return seen is not None and seen.number != entry.version
