"""``/approvals``: the entries that wait for a decision, and the decisions on them.

Lists show what is submitted; one entry is shown whatever its status. A decision is taken on one
entry, or on many at once, all or none. Whoever worked or made an entry never decides on it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from api.resources.timesheets.decisions import (
    DECISION_ON_MANY_SCHEMA,
    DECISION_SCHEMA,
    IDS,
    Decision,
    read_ids,
)
from api.resources.timesheets.principal import Principal
from api.resources.timesheets.repository import TimesheetRepository
from api.resources.timesheets.services import TimesheetServices
from api.resources.timesheets.transitions import SUBMITTED, TRANSITIONS, refused
from db.models.timesheet import Timesheet
from encore import Access, Context, Crud, Resource, ValidationErrors
from encore.errors import ApiError, Conflict, Forbidden, NotFound
from encore.extensions import Action, Row, json_body, read_schema, validate_update

SCOPE: Final = "approve:timesheets"
_DECIDED: Final = ("status", "reason")
_OTHERS: Final = tuple(c.name for c in Timesheet.__table__.columns if c.name not in _DECIDED)
_GRAVEST: Final[Sequence[type[ApiError]]] = (NotFound, Forbidden, Conflict)
"""Which refusal's status the whole has, where entries are refused for several reasons."""


def expose_approvals(crud: Crud, policies: TimesheetServices) -> None:
    """Expose the approvals of one entry and of many."""
    approvals = crud.resource(
        Timesheet,
        endpoints=("/approvals", "/approvals/{id}"),
        actions=("list", "read", "update"),
        access={"all": SCOPE},
        read_only_attributes=_OTHERS,
        bodies={"update": DECISION_SCHEMA},
    )
    entries = TimesheetRepository(approvals, policies.dialect)
    judge = Judge(entries, policies)
    approvals.list.start.before(show_submitted)
    approvals.update.fetch.before(read_decision)
    approvals.update.write.before(judge.decide_on_one)
    crud.custom_action(
        action=DecideOnMany(approvals, entries, judge),
        method="PUT",
        access=Access(all_of=(SCOPE,)),
        error_responses_like="update",
        describe=lambda: {
            "summary": "Approve or reject many",
            "response_model": list[read_schema(approvals)],  # type: ignore[misc] # made at run time
            "openapi_extra": {"requestBody": json_body(DECISION_ON_MANY_SCHEMA)},
        },
    )


def show_submitted(context: Context) -> None:
    """List what waits for a decision, and nothing else."""
    context.criteria = {"status": SUBMITTED}


def read_decision(context: Context) -> None:
    """Read the decision before anything is looked up. Raises ``ValidationFailed``."""
    errors = ValidationErrors()
    context.options["decision"] = Decision.read(context.request_body, context.attributes, errors)
    errors.check()


class Judge:
    """Takes decisions: allows them and writes them into the history, in one transaction.

    Args:
        entries: Reads and changes them.
        policies: Who calls, and what is remembered.
    """

    def __init__(self, entries: TimesheetRepository, policies: TimesheetServices) -> None:
        self._entries = entries
        self._callers = policies.callers
        self._history = policies.history

    async def decide_on_one(self, context: Context) -> None:
        """Have the update write what was decided. Raises ``ApiError``."""
        decision, number = context.options["decision"], context.key[0]
        for refusal in (await self.decide(context, [number], decision)).values():
            raise refusal
        context.attributes = decision.attributes

    async def decide(
        self, context: Context, ids: Sequence[int], decision: Decision
    ) -> dict[int, ApiError]:
        """Judge each entry, lock them all, and write the decision down if none is refused.

        Returns:
            The refusals, by the entries' ids.
        """
        caller, connection = self._callers.of_context(context), await context.connection()
        entries = await self._entries.lock(connection, ids)
        refusals = {}
        for number in ids:
            refusal = _judge(number, entries.get(number), decision, caller)
            if refusal is not None:
                refusals[number] = refusal
        if not refusals:
            to, reason = decision.status, decision.reason
            await self._history.record_all(connection, caller, ids, to, reason)
        return refusals


def _judge(
    number: int, entry: Row | None, decision: Decision, caller: Principal
) -> ApiError | None:
    """Say why a decision on an entry is refused, if it is."""
    if entry is None:
        return NotFound(f"There is no timesheet {number}")
    _, person, maker, status = entry
    if caller.name in (person, maker):
        return Forbidden(
            f"Timesheet {number} is {caller.name}'s own: nobody decides on what they worked or"
            " entered themselves",
            reason="own-timesheet",
        )
    if decision.status not in TRANSITIONS[status]:
        again = " again" if status == decision.status else ""
        return refused(number, status, f"cannot be {decision.status}{again}")
    return None


@dataclass(slots=True)
class DecisionContext(Context):
    """The context of a decision on many entries.

    Attributes:
        ids: The ids of the entries.
        decision: The decision.
    """

    ids: Sequence[int] = ()
    decision: Decision = field(init=False)


class DecideOnMany(Action[DecisionContext]):
    """Approve or reject many entries, all of them or none."""

    name = "decide"
    context_type = DecisionContext
    reads_body = True
    writes = True

    def __init__(self, approvals: Resource, entries: TimesheetRepository, judge: Judge) -> None:
        super().__init__(approvals)
        self.single = False
        self._entries = entries
        self._judge = judge

    def parse_request(self, context: DecisionContext) -> None:
        """Validate the body."""
        super().parse_request(context)
        resource, body = self.resource, context.request_body
        errors = ValidationErrors()
        context.ids = read_ids(body, resource.key[0], errors)
        attributes = validate_update(body, resource.bodies.updatable, errors)
        context.decision = Decision.read(body, attributes, errors, also=(IDS,))
        errors.check()

    async def write(self, context: DecisionContext) -> None:
        """Decide on all, and give them as they are then."""
        ids, decision = context.ids, context.decision
        refusals = await self._judge.decide(context, ids, decision)
        if refusals:
            raise _together(ids, decision, refusals)
        connection = await context.connection()
        context.rows = await self._entries.change(connection, ids, decision.attributes)
        context.instance = self.resource.serializer.read_rows(context.rows)


def _together(ids: Sequence[int], decision: Decision, refusals: Mapping[int, ApiError]) -> ApiError:
    """Make one refusal of many, each of which stands in its errors."""
    kind = next(k for k in _GRAVEST if any(isinstance(one, k) for one in refusals.values()))
    return kind(
        f"{len(refusals)} of {len(ids)} timesheets cannot be {decision.status}; none was changed",
        [
            {"field": f"{IDS}[{place}]", "message": refusals[number].message}
            for place, number in enumerate(ids)
            if number in refusals
        ],
    )
