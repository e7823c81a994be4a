"""The rows that a bulk write by filter may choose: those that the caller's list shows.

The hooks of list that run before its rows are read (``start``, ``auth`` and before ``fetch``) run
first, and their criteria narrow the filter. So a tenant filter holds for the number of rows too,
and a filter reveals nothing of rows that no list shows.
"""

from typing import Any, Final

from encore.bulk.context import BulkContext
from encore.database.protocol import Database
from encore.errors import ApiError, Conflict
from encore.execution.actions.list import List
from encore.execution.context import Context
from encore.execution.pipeline import Pipeline
from encore.execution.resource import Resource
from encore.execution.steps import Step, run_steps
from encore.execution.subrequest import sub_scope
from encore.query.filters import ListQuery, StatementKey

_ERROR: Final = 400


class VisibleRows(Pipeline):
    """Runs the hooks of list that narrow its rows.

    Args:
        resource: The resource.
        database: The database.
    """

    def __init__(self, resource: Resource, database: Database) -> None:
        self._narrowing: tuple[Step, ...] = ()
        super().__init__(List(resource), resource.hooks["list"], database)

    def _steps(self, name: str, **options: Any) -> tuple[Step, ...]:
        steps = super()._steps(name, **options)
        if name == "fetch":
            self._narrowing = steps[: len(self._hooks.stage(name).befores)]
        return steps

    async def narrow(self, context: BulkContext) -> None:
        """Add the criteria of list's hooks to the conditions of a bulk write.

        Raises:
            ApiError: A hook rejects the list, or answers it by itself.
        """
        stages = [*self._before_parsing, *([self._narrowing] if self._narrowing else [])]
        if not stages:
            return
        listing = self._context(context)
        for steps in stages:
            stopped = await run_steps(steps, listing)
            if stopped is not None:
                status = stopped.response.status
                message = "A hook answers the list of these rows by itself"
                raise (
                    ApiError.for_status(status, message) if status >= _ERROR else Conflict(message)
                )
        criteria = listing.added_criteria
        if criteria:
            context.conditions = (*context.conditions, *criteria.conditions)
            context.values = (*context.values, *criteria.values)
            context.reusable = context.reusable and criteria.reusable

    def _context(self, context: BulkContext) -> Context:
        path, params = self._resource.collection_path, context.path_params
        scope: Any = sub_scope(
            context.scope, "GET", path, params, query=context.scope["query_string"]
        )
        query = ListQuery(
            StatementKey(context.conditions), context.values, context.max_affected, offset=0
        )
        unit = context.unit.joined()
        return Context(self._resource, "list", scope, unit, has_hooks=True, query=query)
