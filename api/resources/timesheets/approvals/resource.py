"""``/approvals``: the submitted entries, decisions on them, and the history of all decisions.

Lists show submitted entries only; an item path shows an entry of any status. A decision is made on
one entry, or on several at once.
"""

from dataclasses import dataclass, field
from typing import Final

from api.resources.timesheets.approvals.decision_service import DecisionService, SeenVersions
from api.resources.timesheets.approvals.decisions import (
    ENTRIES,
    IDS,
    Decision,
    bulk_decision_schema,
    decision_schema,
    parse_entries,
)
from api.resources.timesheets.approvals.seen_versions import VERSION, parse_seen_version
from api.resources.timesheets.repository import TimesheetRepository
from api.resources.timesheets.rules.transitions import SUBMITTED
from api.resources.timesheets.services import TimesheetServices
from db.models.timesheet import LEGACY, Timesheet
from db.models.timesheet_change import TimesheetChange
from encore import Access, Context, Crud, Resource, ValidationErrors
from encore.extensions import Action, json_body, read_schema, validate_update

SCOPE: Final = "approve:timesheets"
_HISTORY_PATH: Final = "/approvals/history"
_WRITABLE: Final = ("status", "reason")
_READ_ONLY: Final = tuple(
    c.name for c in Timesheet.__table__.columns if c.name not in (*_WRITABLE, LEGACY)
)


def expose_approvals(crud: Crud, services: TimesheetServices) -> None:
    """Expose the approval of one entry and of several."""
    approvals = crud.resource(
        Timesheet,
        endpoints=("/approvals", "/approvals/{id}"),
        actions=("list", "read", "update"),
        access={"all": SCOPE},
        read_only_attributes=_READ_ONLY,
        bulk=False,  # Many decisions are ``PUT /approvals``, which names the versions.
        bodies={"update": decision_schema()},
        checks_if_match=["update"],
        description="The submitted timesheets, and decisions on them",
    )
    repository = TimesheetRepository(approvals, services.dialect)
    decisions = DecisionService(repository, services)
    for action in ("list", "read", "update"):
        approvals.hooks[action].start.before(services.approvers.restrict_entries)
    approvals.list.start.before(filter_submitted)
    approvals.update.fetch.before(parse_decision)
    approvals.update.write.before(decisions.prepare_update)
    bulk_schema = bulk_decision_schema(require_version=services.require_seen_version)
    crud.custom_action(
        action=BulkDecision(approvals, decisions),
        method="PUT",
        access=Access(all_of=(SCOPE,)),
        error_responses_like="update",
        describe=lambda: {
            "summary": "Approve or reject many timesheets",
            "response_model": list[read_schema(approvals)],  # type: ignore[misc] # made at run time
            "openapi_extra": {"requestBody": json_body(bulk_schema)},
        },
    )


def expose_history(crud: Crud, services: TimesheetServices) -> None:
    """Expose the changes of all entries, read-only.

    Users see those of their own entries under ``/timesheets/{timesheet_id}/history``.
    """
    history = crud.resource(
        TimesheetChange,
        endpoints=(_HISTORY_PATH, f"{_HISTORY_PATH}/{{id}}"),
        actions=("list", "read"),
        access={"all": SCOPE},
        plural="timesheet changes",
        description="What was changed in timesheets, by whom and when",
    )
    for action in ("list", "read"):
        history.hooks[action].start.before(services.approvers.restrict_history)


def filter_submitted(context: Context) -> None:
    """Restrict a list to submitted entries."""
    context.criteria = {"status": SUBMITTED}


def parse_decision(context: Context) -> None:
    """Parse the decision of an update, before the entry is fetched. Raise ``ValidationFailed``."""
    errors, body = ValidationErrors(), context.request_body
    field = context.resource.fields.by_name[VERSION]
    context.options["seen_version"] = parse_seen_version(body, context.scope, field, errors)
    context.options["decision"] = Decision.parse(
        body, context.attributes, errors, also_allowed=(VERSION,)
    )
    errors.check()


@dataclass(slots=True)
class BulkDecisionContext(Context):
    """The context of a decision on several entries.

    Attributes:
        entries: The versions of the entries, by id.
        decision: The decision.
    """

    entries: SeenVersions = field(default_factory=dict)
    decision: Decision = field(init=False)


class BulkDecision(Action[BulkDecisionContext]):
    """Approve or reject several entries, all or none."""

    name = "decide"
    context_type = BulkDecisionContext
    reads_body = True
    writes = True
    conditional = True

    def __init__(self, approvals: Resource, decisions: DecisionService) -> None:
        super().__init__(approvals)
        self.single = False
        self._decisions = decisions

    def parse_request(self, context: BulkDecisionContext) -> None:
        """Validate the body. Raise ``ValidationFailed``."""
        super().parse_request(context)
        resource, body = self.resource, context.request_body
        errors = ValidationErrors()
        version = resource.fields.by_name[VERSION]
        context.entries = parse_entries(body, resource.key[0], version, errors)
        attributes = validate_update(body, resource.bodies.updatable, errors)
        context.decision = Decision.parse(body, attributes, errors, also_allowed=(ENTRIES, IDS))
        errors.check()

    async def write(self, context: BulkDecisionContext) -> None:
        """Decide on the entries; the response is their new state."""
        member = ENTRIES if ENTRIES in context.request_body else IDS
        context.rows = await self._decisions.decide_many(
            context, context.entries, context.decision, member
        )
        context.instance = self.resource.serializer.read_rows(context.rows)
