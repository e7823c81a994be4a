"""The routes of bulk writes, on the collection path of a resource."""

from functools import partial
from typing import Final

from starlette.types import Receive, Scope

from encore.bulk.actions import FilteredAction, FilteredDelete, FilteredUpdate
from encore.bulk.openapi import describe_bulk
from encore.bulk.request import reject_conditions
from encore.database.protocol import Database
from encore.endpoints.endpoint import Operation, PipelineRoute
from encore.execution.context import Response
from encore.execution.hooks import ActionHooks
from encore.execution.pipeline import Pipeline
from encore.execution.resource import Resource
from encore.execution.unit_of_work import UnitOfWork
from encore.options import CONDITIONAL_ACTIONS

_FILTERED: Final[dict[str, tuple[str, type[FilteredAction]]]] = {
    "update": ("PATCH", FilteredUpdate),
    "delete": ("DELETE", FilteredDelete),
}


class BulkOperation(Operation):
    """The operation of one bulk write.

    Args:
        pipeline: The pipeline of the whole request; the resource's hooks run in those of its rows.
        resource: The resource.
    """

    def __init__(self, pipeline: Pipeline, resource: Resource) -> None:
        super().__init__(pipeline, resource.access(pipeline.action.name))
        self.name = f"bulk_{pipeline.action.name}_{resource.slug}"

    async def run(
        self, scope: Scope, receive: Receive, outer: UnitOfWork | None = None
    ) -> Response:
        """Run the pipeline and return its response."""
        reject_conditions(scope)
        return await self.pipeline.run(scope, receive, outer)


def bulk_actions(resource: Resource) -> tuple[str, ...]:
    """Return the actions of a resource that can be carried out on many rows by one request."""
    options, paths = resource.options, resource.paths
    if options.bulk is False or paths.is_nested or paths.collection_path_names_one_row:
        return ()
    named = options.actions if options.bulk is True else options.bulk
    if options.require_match:  # One request cannot name the versions of many rows.
        named = [name for name in named if name not in CONDITIONAL_ACTIONS]
    return tuple(name for name in ("create", "update", "delete") if name in named)


def bulk_routes(resource: Resource, database: Database) -> list[PipelineRoute]:
    """Return the routes of a resource's bulk writes."""
    routes = []
    for name in bulk_actions(resource):
        if name in _FILTERED:
            method, make = _FILTERED[name]
            pipeline = Pipeline(make(resource, database), ActionHooks(), database)
            operation = BulkOperation(pipeline, resource)
            describe = partial(describe_bulk, resource, pipeline.action, operation.name, method)
            path = resource.collection_path
            routes.append(PipelineRoute(path, operation, [method], describe))
    return routes
