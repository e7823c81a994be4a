"""The routes of bulk writes, on the collection path of a resource."""

from functools import partial
from typing import Final

from starlette.types import Receive, Scope

from encore.bulk.actions import BulkAction, CreateMany, DeleteMany, UpdateMany
from encore.bulk.body_start import begins_array, is_form
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

_ON_COLLECTION: Final[dict[str, tuple[str, type[UpdateMany | DeleteMany]]]] = {
    "update": ("PATCH", UpdateMany),
    "delete": ("DELETE", DeleteMany),
}
_POST: Final = "POST"
_BULK: Final = "bulk"


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
    actions, path = bulk_actions(resource), resource.collection_path
    routes = []
    for name, (method, class_) in _ON_COLLECTION.items():
        if name in actions:
            routes.append(_route(resource, class_(resource, database), database, path, method))
    if "create" in actions and not _updates_by_post(resource):
        action = CreateMany(resource, database)
        routes.append(_route(resource, action, database, f"{path}/{_BULK}", _POST))
    return routes


def _route(
    resource: Resource, action: BulkAction, database: Database, path: str, method: str
) -> PipelineRoute:
    operation = BulkOperation(Pipeline(action, ActionHooks(), database), resource)
    describe = partial(describe_bulk, resource, action, method)
    return PipelineRoute(path, operation, [method], describe)


def _updates_by_post(resource: Resource) -> bool:
    """Return whether ``POST /parts/bulk`` may be the update of the row with the key ``bulk``."""
    options = resource.options
    return "update" in options.actions and options.update_method.upper() == _POST


class CreateOperation(Operation):
    """Creates one row of an object, or many of an array.

    Args:
        pipeline: The pipeline of the create of one row.
        resource: The resource.
        database: The database.
    """

    def __init__(self, pipeline: Pipeline, resource: Resource, database: Database) -> None:
        super().__init__(pipeline, resource.access("create"))
        many = Pipeline(CreateMany(resource, database), ActionHooks(), database)
        self._many = BulkOperation(many, resource)
        self._reads_forms = resource.compatibility.reads_forms

    async def run(
        self, scope: Scope, receive: Receive, outer: UnitOfWork | None = None
    ) -> Response:
        """Run the pipeline for the body and return its response."""
        is_array, scope, receive = await begins_array(scope, receive, self._limit)
        if is_array and not (self._reads_forms and is_form(scope)):
            return await self._many.run(scope, receive, outer)
        return await super().run(scope, receive, outer)

    @property
    def _limit(self) -> int:
        return self.pipeline.action.resource.body_limit
