"""``GET /timesheets/summary``: hours by employee, project, ISO week or month, approved or not.

The filters are those of ``/timesheets``; there is no paging and no other order than that of the
groups. ``tables`` writes what comes out, in JSON or CSV.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final
from urllib.parse import urlencode

from sqlalchemy import Dialect

from api.resources.timesheets.entries import ACCESS
from api.resources.timesheets.grouping import GROUPS, MAX_ROWS, Grouping, summing
from api.resources.timesheets.rendering import (
    CSV,
    JSON,
    SummaryRow,
    prefers_csv,
    write_csv,
    write_json,
)
from api.resources.timesheets.services import TimesheetServices
from encore import Access, Context, Crud, Resource
from encore.errors import InvalidQuery
from encore.extensions import (
    NOT_PARAMETER,
    OR_PARAMETER,
    PRESET,
    Action,
    invalid_parameter,
    list_parameters,
    parse_pairs,
)

_BY: Final = "by"
_FORMAT: Final = "format"
_FORMATS: Final = ("json", "csv")
_DEFAULT: Final = "employee"
_KEPT_SHAPES: Final = 256


def expose_summary(crud: Crud, timesheets: Resource, policies: TimesheetServices) -> None:
    """Expose the summary; a person's is of their own entries."""
    hooks = crud.custom_action(
        action=Summary(timesheets, policies.dialect),
        method="GET",
        path="/summary",
        access=Access(all_of=(ACCESS["list"],)),
        error_responses_like="list",
        describe=lambda: _described(timesheets),
    )
    hooks.start.before(policies.callers.narrow)


@dataclass(slots=True)
class SummaryContext(Context):
    """The context of a summary.

    Attributes:
        grouping: The groups.
        as_csv: Whether the response is CSV.
    """

    grouping: Grouping = field(init=False)
    as_csv: bool = False


class Summary(Action[SummaryContext]):
    """Hours and entries by employee, project, ISO week or month, approved or not."""

    name = "summary"
    context_type = SummaryContext

    def __init__(self, timesheets: Resource, dialect: Dialect) -> None:
        super().__init__(timesheets)
        self._statement = lru_cache(_KEPT_SHAPES)(
            lambda grouping, conditions: summing(grouping, conditions, dialect)
        )
        self._refused = _refused(timesheets)

    def parse_request(self, context: SummaryContext) -> None:
        """Parse the query: the groups, the format, and the filters of the list."""
        own: dict[str, list[str]] = {_BY: [], _FORMAT: []}
        filters = []
        for name, text in parse_pairs(context.scope["query_string"]):
            if name in self._refused:
                raise invalid_parameter(
                    name, "is no parameter of a summary: it comes whole, ordered by its groups"
                )
            if name in own:
                own[name].append(text)
            else:
                filters.append((name, text))
        names = ",".join(own[_BY] or [_DEFAULT]).split(",")
        context.grouping = Grouping.read(names)
        context.as_csv = _wants_csv(own[_FORMAT], context)
        narrowed = {**context.scope, "query_string": urlencode(filters).encode()}
        context.query = self.resource.parse_list_query(narrowed)

    async def fetch(self, context: SummaryContext) -> None:
        """Sum up. Raises ``InvalidQuery`` where there are too many groups."""
        conditions, values, _ = self.row_conditions(context)
        statement = self._statement(context.grouping, conditions)
        connection = await context.connection()
        context.rows = await connection.fetch_all(statement, values)
        if len(context.rows) > MAX_ROWS:
            raise InvalidQuery(
                f"The summary would have more than {MAX_ROWS} groups: filter, or group by less"
            )

    async def send(self, context: SummaryContext) -> None:
        """Write the rows, in a thread: there may be many."""
        write, kind = (write_csv, CSV) if context.as_csv else (write_json, JSON)
        context.body = await asyncio.to_thread(write, context.grouping, context.rows)
        context.headers += [(b"content-type", kind), (b"vary", b"Accept")]


def _refused(timesheets: Resource) -> frozenset[str]:
    """Give the parameters of a list that a summary has not: pages, order, fields."""
    return timesheets.parser.reserved - {OR_PARAMETER, NOT_PARAMETER, PRESET}


def _wants_csv(formats: list[str], context: Context) -> bool:
    """Tell whether CSV is wanted: ``format`` says so, or else ``Accept``."""
    if not formats:
        headers = context.scope["headers"]
        return prefers_csv(b",".join(value for name, value in headers if name == b"accept"))
    if len(formats) > 1 or formats[0] not in _FORMATS:
        raise invalid_parameter(_FORMAT, f"must be {' or '.join(_FORMATS)}, once")
    return formats[0] == "csv"


def _described(timesheets: Resource) -> Mapping[str, Any]:
    groups = {"type": "array", "items": {"type": "string", "enum": list(GROUPS)}, "minItems": 1}
    own = [
        {
            "name": _BY,
            "in": "query",
            "description": f"What to group by; week and month exclude each other; {_DEFAULT} if"
            " not given",
            "schema": groups,
            "style": "form",
            "explode": False,
        },
        {
            "name": _FORMAT,
            "in": "query",
            "description": "Goes before the Accept header",
            "schema": {"type": "string", "enum": list(_FORMATS)},
        },
    ]
    refused = _refused(timesheets)
    filters = [one for one in list_parameters(timesheets) if one["name"] not in refused]
    csv = {"text/csv": {"schema": {"type": "string"}}}
    return {
        "summary": "Sum up timesheets",
        "response_model": list[SummaryRow],
        "response_model_exclude_unset": True,
        "openapi_extra": {
            "parameters": [*own, *filters],
            "responses": {"200": {"content": csv}},
        },
    }
