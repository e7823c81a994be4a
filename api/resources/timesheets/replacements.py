"""``POST /timesheets/upload?replace=FIRST..LAST``: replaces what a source has in a period.

The entries of the upload's client and source with a day of the period that no row of the upload
matches are withdrawn: deleted, in the transaction of the upload. Approved entries and those in the
locked period are kept. It is for sources without ids, where a corrected row has another key: the
entry with the former key would be left beside it.
"""

from dataclasses import dataclass
from typing import Any, Final

import msgspec
from sqlalchemy import (
    ColumnElement,
    Integer,
    Text,
    and_,
    case,
    cast,
    delete,
    func,
    literal,
    or_,
    select,
)

from api.resources.timesheets.history.upload_changes import record_withdrawals
from api.resources.timesheets.principal import has_prefix, validate_principal
from api.resources.timesheets.rules.bulk_hour_limits import NOT_COUNTED
from api.resources.timesheets.rules.legacy_entries import keeps_its_day, may_be_outside
from api.resources.timesheets.rules.replaced_period import (
    DESCRIPTION,
    KEPT,
    PARAMETER,
    REPORT_MEMBERS,
    SCHEMA,
    WITHDRAWN,
    WITHDRAWN_ENTRIES,
    ReplacedPeriod,
    parse_period,
)
from api.resources.timesheets.services import TimesheetServices
from db.models.timesheet import Timesheet
from encore import Resource
from encore.errors import Conflict, ValidationFailed
from encore.extensions import (
    MergeContext,
    Upload,
    UploadContext,
    capabilities_of,
    invalid_parameter,
)

MAX_LISTED: Final = 1_000
"""The most withdrawn entries that a report, or an error, lists."""

_LISTED: Final = ("id", "day", "user_id", "project", "hours")
_PLAN: Final = "replacement"
_REJECTED: Final = "rejected"

Condition = ColumnElement[bool]


class TooManyWithdrawn(Conflict):
    """409: an upload would withdraw a larger part of a source's entries than the setting allows.

    Args:
        message: The message, with the numbers.
        members: The members that the report would have.
    """

    def __init__(self, message: str, members: dict[str, Any]) -> None:
        super().__init__(message, [{"field": PARAMETER, "message": message}])
        self._members = members

    def problem(self, instance: str, request_id: str) -> dict[str, Any]:
        """Return the problem document, with the entries that would be withdrawn."""
        return {**super().problem(instance, request_id), **self._members}


@dataclass(frozen=True, slots=True)
class _Plan:
    """What one upload withdraws, as SQL conditions on stored entries.

    Attributes:
        period: The period.
        source: The source of the rows.
        in_period: The client's entries of the source in the period.
        unmatched: Those that no row of the upload matches.
        withdrawn: Those of them that are withdrawn.
    """

    period: ReplacedPeriod
    source: str
    in_period: Condition
    unmatched: Condition
    withdrawn: Condition


class Replacements:
    """The hooks of uploads that replace a period; they do nothing without the parameter.

    Args:
        timesheets: The resource of the entries.
        services: The services.
    """

    def __init__(self, timesheets: Resource, services: TimesheetServices) -> None:
        self._serializer = timesheets.serializer
        self._columns = [field.column for field in timesheets.fields]
        self._period_lock = services.period_lock
        self._max_percent = services.max_replaced_percent
        self._dialect = services.dialect
        self._locks_rows = capabilities_of(services.dialect).row_locks

    def declare(self, upload: Upload) -> None:
        """Declare the parameter and the members of the report."""
        upload.parameter(PARAMETER, parse_period, description=DESCRIPTION, schema=SCHEMA)
        for name, schema in REPORT_MEMBERS.items():
            upload.report_member(name, schema)

    def check_request(self, context: UploadContext) -> None:
        """Validate the request; a ``before_read`` hook.

        Raises:
            InvalidQuery: The upload is not atomic, or the caller is a person.
        """
        if _period_of(context) is None:
            return
        if validate_principal(context.principal).user is not None:
            raise invalid_parameter(
                PARAMETER,
                "is only for clients that call for themselves: entries of persons have no source",
            )
        if not context.request.atomic:
            raise invalid_parameter(PARAMETER, "needs mode=atomic: all rows are written, or none")

    async def plan(self, merge: MergeContext) -> None:
        """Reject rows outside the period, and determine what is withdrawn; ``validate_merge``.

        It runs before the hour limits, which do not count what is withdrawn.

        Raises:
            ValidationFailed: The rows have no source, or several.
        """
        period = _period_of(merge.context)
        if period is None:
            return
        if merge.context.is_single:
            raise invalid_parameter(PARAMETER, "needs an array of rows, NDJSON or CSV: its report")
        await _reject_outside(merge, period)
        source = await _source_of(merge)
        if source is None:  # All rows are rejected.
            return
        plan = await self._plan(merge, period, source)
        merge.context.options[_PLAN] = plan
        merge.context.options[NOT_COUNTED] = plan.withdrawn
        if self._locks_rows and not merge.context.request.dry_run:
            entries = select(Timesheet.id).where(plan.unmatched).order_by(Timesheet.id)
            await merge.execute(entries.with_for_update())

    async def check(self, merge: MergeContext) -> None:
        """Report what is withdrawn; a ``validate_merge`` hook that runs after all others.

        Raises:
            TooManyWithdrawn: It is more than the setting allows.
        """
        if _period_of(merge.context) is None:
            return
        plan = merge.context.options.get(_PLAN)
        if plan is None or await _any_rejected(merge):
            # Entries of rejected rows would be listed: nothing is withdrawn before all are valid.
            merge.context.report |= {WITHDRAWN: None, KEPT: None, WITHDRAWN_ENTRIES: []}
            return
        ((total, unmatched, withdrawn),) = await merge.fetch_all(_count(plan))
        report = {
            WITHDRAWN: withdrawn,
            KEPT: unmatched - withdrawn,
            WITHDRAWN_ENTRIES: await self._list(merge, plan),
        }
        if withdrawn * 100 > total * self._max_percent:
            message = (
                f"{PARAMETER} would withdraw {withdrawn} of the {total} entries that"
                f" {plan.source} has from {plan.period.first} to {plan.period.last}:"
                f" more than {self._max_percent} percent (MAX_REPLACED_PERCENT)"
            )
            raise TooManyWithdrawn(message, report)
        merge.context.report |= report

    async def withdraw(self, merge: MergeContext) -> None:
        """Record and delete the withdrawn entries; a ``before_write`` hook."""
        plan = merge.context.options.get(_PLAN)
        if plan is None:
            return
        principal = validate_principal(merge.context.principal)
        await record_withdrawals(merge, principal, plan.withdrawn, self._dialect)
        await merge.execute(delete(Timesheet).where(plan.withdrawn))

    async def _plan(self, merge: MergeContext, period: ReplacedPeriod, source: str) -> _Plan:
        principal, day = validate_principal(merge.context.principal), Timesheet.day
        in_period = and_(
            Timesheet.source == source,
            Timesheet.created_by == principal.name,
            day.between(literal(period.first, day.type), literal(period.last, day.type)),
        )
        if principal.prefix:  # Entries given to other issuers' users are not the client's any more.
            in_period &= has_prefix(principal.prefix)
        staging = merge.staging
        await merge.index_ids()
        row = select(literal(1)).select_from(staging.table).where(staging.id == Timesheet.id)
        unmatched = in_period & ~row.correlate(Timesheet).exists()
        uncertain = may_be_outside(period.first, period.last)
        withdrawn = unmatched & ~Timesheet.approved & ~uncertain
        end = await self._period_lock.fetch_end(merge.connection)
        if end is not None:
            withdrawn &= day >= literal(end, day.type)
        return _Plan(period, source, in_period, unmatched, withdrawn)

    async def _list(self, merge: MergeContext, plan: _Plan) -> list[dict[str, Any]]:
        """Return the first withdrawn entries."""
        entries = select(*self._columns).where(plan.withdrawn)
        first = entries.order_by(Timesheet.day, Timesheet.id).limit(MAX_LISTED)
        records = self._serializer.read_rows(await merge.fetch_all(first))
        return [{name: msgspec.to_builtins(record)[name] for name in _LISTED} for record in records]


def _period_of(context: UploadContext) -> ReplacedPeriod | None:
    period: ReplacedPeriod | None = context.request.parameters[PARAMETER]
    return period


async def _reject_outside(merge: MergeContext, period: ReplacedPeriod) -> None:
    """Reject rows that a later upload of the period could not replace."""
    staging = merge.staging
    missing = staging["external_id"].is_(None)
    message = f"external_id is required with {PARAMETER}: it identifies the row in the next upload"
    await merge.reject(missing, "external_id", message)
    day = staging["day"]
    first, last = (literal(bound, Timesheet.day.type) for bound in (period.first, period.last))
    outside = or_(day < first, day > last) & ~keeps_its_day(staging)
    text = literal("day ", Text) + cast(day, Text) + f" is outside {PARAMETER}={period}"
    await merge.reject(outside, "day", text)


async def _source_of(merge: MergeContext) -> str | None:
    """Return the only source of the rows; None if all are rejected. Raise ``ValidationFailed``."""
    staging = merge.staging
    sources = select(staging["source"]).where(staging.status != _REJECTED).distinct()
    found = [
        source for (source,) in await merge.fetch_all(sources.order_by(staging["source"]).limit(2))
    ]
    if len(found) > 1:
        message = f"source must be the same in all rows with {PARAMETER}: {' and '.join(found)}"
        raise ValidationFailed(message, [{"field": "source", "message": message}])
    if not found and not await _any_rejected(merge):
        raise invalid_parameter(PARAMETER, "needs a row: its source says whose entries it replaces")
    return found[0] if found else None


async def _any_rejected(merge: MergeContext) -> bool:
    staging = merge.staging
    rejected = select(staging.line).where(staging.status == _REJECTED).limit(1)
    return bool(await merge.fetch_all(rejected))


def _count(plan: _Plan) -> Any:
    """Return a SELECT of the numbers of entries in the period, unmatched and withdrawn ones."""

    def number(condition: Condition) -> Any:
        return func.coalesce(func.sum(case((condition, literal(1, Integer())), else_=0)), 0)

    counts = (func.count(), number(plan.unmatched), number(plan.withdrawn))
    return select(*counts).select_from(Timesheet).where(plan.in_period)
