"""``GET /timesheets/summary``: hours by employee, project, ISO week or month, approved or not.

The filters are those of ``/timesheets``. A summary is not paged, and it is ordered by its groups.
 ``rendering`` writes the response in JSON or CSV.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final
from urllib.parse import urlencode

from sqlalchemy import Dialect

from api.resources.timesheets.entries import ACCESS
from api.resources.timesheets.principal import restrict_to_visible
from api.resources.timesheets.services import TimesheetServices
from api.resources.timesheets.summary.grouping import GROUPS, MAX_ROWS, Grouping, summary_statement
from api.resources.timesheets.summary.rendering import (
    CSV,
    JSON,
    SummaryRow,
    prefers_csv,
    render_csv,
    render_json,
)
from encore import Access, Context, Crud, Resource
from encore.errors import InvalidQuery
from encore.extensions import (
    NOT_PARAMETER,
    OR_PARAMETER,
    PRESET,
    Action,
    attachment,
    invalid_parameter,
    list_parameters,
    parse_pairs,
)

_BY: Final = "by"
_FORMAT: Final = "format"
_FORMATS: Final = ("json", "csv")
_DEFAULT: Final = "employee"
_CSV_EXAMPLE: Final = "user_id,hours,entries\r\nada,7.5,1\r\n"
_CSV_FILE: Final = "timesheets-summary.csv"
_CACHED_STATEMENTS: Final = 256


def expose_summary(crud: Crud, timesheets: Resource, services: TimesheetServices) -> None:
    """Expose the summary; a user's summary covers only their own entries."""
    hooks = crud.custom_action(
        action=Summary(timesheets, services.dialect),
        method="GET",
        path="/summary",
        access=Access(all_of=(ACCESS["list"],)),
        error_responses_like="list",
        describe=lambda: _describe(timesheets),
    )
    hooks.start.before(restrict_to_visible)


@dataclass(slots=True)
class SummaryContext(Context):
    """The context of a summary.

    Attributes:
        grouping: What hours are grouped by.
        as_csv: Whether the response is CSV.
    """

    grouping: Grouping = field(init=False)
    as_csv: bool = False


class Summary(Action[SummaryContext]):
    """Sum hours and entries by employee, project, ISO week or month, approved or not."""

    name = "summary"
    context_type = SummaryContext

    def __init__(self, timesheets: Resource, dialect: Dialect) -> None:
        super().__init__(timesheets)
        self._statement = lru_cache(_CACHED_STATEMENTS)(
            lambda grouping, conditions: summary_statement(grouping, conditions, dialect)
        )
        self._unsupported = _unsupported_parameters(timesheets)

    def parse_request(self, context: SummaryContext) -> None:
        """Parse the query: the groups, the format, and the filters of the list."""
        own: dict[str, list[str]] = {_BY: [], _FORMAT: []}
        filters = []
        for name, value in parse_pairs(context.scope["query_string"]):
            if name in self._unsupported:
                raise invalid_parameter(
                    name, "is not supported: a summary is not paged, and is ordered by its groups"
                )
            if name in own:
                own[name].append(value)
            else:
                filters.append((name, value))
        names = ",".join(own[_BY] or [_DEFAULT]).split(",")
        context.grouping = Grouping.parse(names)
        context.as_csv = _wants_csv(own[_FORMAT], context)
        scope = {**context.scope, "query_string": urlencode(filters).encode()}
        context.query = self.resource.parse_list_query(scope)

    async def fetch(self, context: SummaryContext) -> None:
        """Fetch the sums. Raise ``InvalidQuery`` if there are more than ``MAX_ROWS`` groups."""
        conditions, values, _ = self.row_conditions(context)
        statement = self._statement(context.grouping, conditions)
        connection = await context.connection()
        context.rows = await connection.fetch_all(statement, values)
        if len(context.rows) > MAX_ROWS:
            raise InvalidQuery(
                f"The summary would have more than {MAX_ROWS} groups: add filters or remove groups"
            )

    async def send(self, context: SummaryContext) -> None:
        """Render the rows, in a thread because there may be many."""
        render, media_type = (render_csv, CSV) if context.as_csv else (render_json, JSON)
        context.body = await asyncio.to_thread(render, context.grouping, context.rows)
        context.headers += [(b"content-type", media_type), (b"vary", b"Accept")]
        if context.as_csv:
            context.headers.append(attachment(_CSV_FILE))


def _unsupported_parameters(timesheets: Resource) -> frozenset[str]:
    """Return the parameters of lists that summaries do not support: paging, sort, fields."""
    return timesheets.parser.reserved - {OR_PARAMETER, NOT_PARAMETER, PRESET}


def _wants_csv(formats: list[str], context: Context) -> bool:
    """Return whether the response is CSV, by ``format`` or, without it, by ``Accept``."""
    if not formats:
        headers = context.scope["headers"]
        return prefers_csv(b",".join(value for name, value in headers if name == b"accept"))
    if len(formats) > 1 or formats[0] not in _FORMATS:
        raise invalid_parameter(_FORMAT, f"must be {' or '.join(_FORMATS)}, once")
    return formats[0] == "csv"


def _describe(timesheets: Resource) -> Mapping[str, Any]:
    groups = {"type": "array", "items": {"type": "string", "enum": list(GROUPS)}, "minItems": 1}
    own = [
        {
            "name": _BY,
            "in": "query",
            "description": f"Groups; week and month exclude each other; default: {_DEFAULT}",
            "schema": groups,
            "example": [_DEFAULT],
            "style": "form",
            "explode": False,
        },
        {
            "name": _FORMAT,
            "in": "query",
            "description": "Overrides the Accept header",
            "schema": {"type": "string", "enum": list(_FORMATS)},
            "example": next(iter(_FORMATS)),
        },
    ]
    unsupported = _unsupported_parameters(timesheets)
    filters = [p for p in list_parameters(timesheets) if p["name"] not in unsupported]
    csv = {"text/csv": {"schema": {"type": "string"}, "example": _CSV_EXAMPLE}}
    return {
        "summary": "Sum up timesheets",
        "response_model": list[SummaryRow],
        "response_model_exclude_unset": True,
        "openapi_extra": {
            "parameters": [*own, *filters],
            "responses": {"200": {"content": csv}},
        },
    }
