"""``/approvals``: the entries that wait for a decision, and the decisions on them.

Lists show what is submitted; one entry is shown whatever its status. A decision is taken on one
entry, or on many at once, all or none. Whoever worked or made an entry never decides on it.
"""

from collections.abc import Sequence
from typing import Any, Final

from starlette.types import Receive

from api.catalog.timesheets.callers import Caller, Callers
from api.catalog.timesheets.decisions import IDS, MAX_IDS, Decision, read_ids
from api.catalog.timesheets.locks import RowLock
from api.catalog.timesheets.policies import Policies
from api.catalog.timesheets.transitions import APPROVED, REJECTED, SUBMITTED, check_transition
from api.crud import Context, Crud, Errors, Resource
from api.crud.actions import Action
from api.crud.bodies import read_change
from api.crud.schemas import read_schema
from api.errors import ApiError, Conflict, Forbidden, NotFound
from api.http.body import read_json_object
from api.http.exchange import Access
from db.models.timesheet import Timesheet

SCOPE: Final = "approve:timesheets"
_DECIDED: Final = ("status", "reason")
_OTHERS: Final = tuple(c.name for c in Timesheet.__table__.columns if c.name not in _DECIDED)
_GRAVEST: Final[Sequence[type[ApiError]]] = (NotFound, Forbidden, Conflict)
"""Which refusal's status the whole has, where entries are refused for several reasons."""


def expose_approvals(crud: Crud, policies: Policies) -> None:
    """Expose the approvals of one entry and of many."""
    approvals = crud.resource(
        Timesheet,
        endpoints=("/approvals", "/approvals/{id}"),
        actions=("list", "read", "update"),
        access={"all": SCOPE},
        read_only_attributes=_OTHERS,
    )
    judge = Judge(approvals, policies)
    approvals.list.start.before(show_submitted)
    approvals.update.start.before(read_decision)
    approvals.update.write.before(judge.decide_on_one)
    crud.operation(
        action=DecideOnMany(approvals, judge),
        method="PUT",
        access=Access(all_of=(SCOPE,)),
        refused_as="update",
        describe=lambda: {
            "summary": "Approve or reject many",
            "response_model": list[read_schema(approvals)],  # type: ignore[misc] # made at run time
            "openapi_extra": {"requestBody": _BODY_OF_MANY},
        },
    )


def show_submitted(context: Context) -> None:
    """List what waits for a decision, and nothing else."""
    context.criteria = {"status": SUBMITTED}


def read_decision(context: Context) -> None:
    """Read the decision before anything is looked up. Raises ``ValidationFailed``."""
    errors = Errors()
    context.options["decision"] = Decision.read(context.given, context.attributes, errors)
    errors.check()


class Judge:
    """Takes decisions: each is allowed, written down and carried out in one transaction.

    Args:
        approvals: The resource.
        policies: Who calls, and what is remembered.
    """

    def __init__(self, approvals: Resource, policies: Policies) -> None:
        self.callers: Callers = policies.callers
        self._history = policies.history
        self._locks = RowLock(approvals, policies.dialect)

    async def decide_on_one(self, context: Context) -> None:
        """Have the update write what was decided. Raises ``ApiError``."""
        decision = context.options["decision"]
        caller = self.callers.of_context(context)
        await self.decide(context, caller, context.key[0], decision)
        context.attributes = decision.attributes

    async def decide(
        self, context: Context, caller: Caller, number: int, decision: Decision
    ) -> None:
        """Allow a decision on an entry, which stays locked, and write it into the history.

        Raises:
            NotFound: There is no such entry.
            Forbidden: It is the caller's own.
            Conflict: It was decided on before.
        """
        entry = await self._locks.lock(context, number)
        if entry is None:
            raise NotFound(f"There is no timesheet {number}")
        if caller.name in (entry["user_id"], entry["created_by"]):
            raise Forbidden(
                f"Timesheet {number} is {caller.name}'s own: nobody decides on what they worked"
                " or entered themselves",
                reason="own-timesheet",
            )
        check_transition(number, entry["status"], decision.status)
        step = (entry["status"], decision.status)
        connection = await context.connection()
        await self._history.record(connection, caller, number, step, decision.reason)


class DecideOnMany(Action):
    """Approve or reject many entries, all of them or none."""

    name = "decide"
    writes = True

    def __init__(self, approvals: Resource, judge: Judge) -> None:
        super().__init__(approvals)
        self.single = False
        self._judge = judge

    async def take_in(self, context: Context, receive: Receive) -> None:
        """Read the body."""
        resource = self.resource
        resource.refuse_parameters(context.scope)
        context.given = body = await read_json_object(context.scope, receive, resource.body_limit)
        errors = Errors()
        context.options["ids"] = read_ids(body, resource.key[0], errors)
        attributes = read_change(body, resource.updatable, errors)
        context.options["decision"] = Decision.read(body, attributes, errors, also=(IDS,))
        errors.check()

    async def write(self, context: Context) -> None:
        """Decide on each, in the order of the ids, so that no two approvers wait in a ring."""
        ids, decision = context.options["ids"], context.options["decision"]
        caller = self._judge.callers.of_context(context)
        refusals: dict[int, ApiError] = {}
        for number in sorted(ids):
            try:
                await self._judge.decide(context, caller, number, decision)
            except (NotFound, Forbidden, Conflict) as refusal:
                refusals[number] = refusal
        if refusals:
            raise _together(ids, decision, refusals)
        context.rows = [await self._carry_out(context, number, decision) for number in ids]
        context.instance = self.resource.view.read_rows(context.rows)

    async def _carry_out(self, context: Context, number: int, decision: Decision) -> Any:
        fields = self.resource.fields
        written, values = fields.ordered({**fields.refreshed(), **decision.attributes})
        statement = self.resource.statements.update(written)
        return await (await context.connection()).fetch_one(statement, (*values, number))


def _together(ids: Sequence[int], decision: Decision, refusals: dict[int, ApiError]) -> ApiError:
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


_BODY_OF_MANY: Final = {
    "required": True,
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "properties": {
                    "ids": {
                        "type": "array",
                        "items": {"type": "integer"},
                        "minItems": 1,
                        "maxItems": MAX_IDS,
                        "uniqueItems": True,
                    },
                    "status": {"enum": [APPROVED, REJECTED], "default": APPROVED},
                    "reason": {"type": "string", "minLength": 1, "description": "Why rejected"},
                },
                "required": ["ids"],
                "additionalProperties": False,
            }
        }
    },
}
