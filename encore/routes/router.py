"""The router of one resource, made by fastapi-crudrouter's generator.

The generator decides which routes a CRUD resource has and asks this class for their endpoints.
Differences from its own backends: POST returns 201, PATCH exists, DELETE of the collection does not
(it would empty the table), paths keep their case, and parameters and problems are described.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from fastapi_crudrouter.core import CRUDGenerator
from pydantic import BaseModel

from encore.database.protocol import Database
from encore.endpoints.endpoint import Operation, PipelineRoute
from encore.execution.actions import ACTIONS, Restore
from encore.execution.actions.upsert import Upsert
from encore.execution.pipeline import Pipeline
from encore.execution.put_pipeline import PutPipeline
from encore.execution.resource import Resource
from encore.execution.upsert_pipeline import UpsertPipeline
from encore.openapi.components import Components
from encore.openapi.operations import describe_action
from encore.options import RESTORE
from encore.routes.bulk import CreateOperation, bulk_actions
from encore.streams.operation import ListOperation
from encore.streams.pipeline import StreamPipeline

_CREATE: Final = "create"
_ARRAY: Final = "An array creates many; the response is a report (200), or the rows."


class ResourceRouter(CRUDGenerator[BaseModel]):
    """The routes of one resource.

    Args:
        resource: The resource.
        database: The database of its rows.
    """

    def __init__(self, resource: Resource, database: Database) -> None:
        self._resource = resource
        self._database = database
        has = {name: name in resource.options.actions for name in ACTIONS}
        super().__init__(
            schema=BaseModel,
            create_schema=BaseModel,
            update_schema=BaseModel,
            prefix=resource.collection_path,
            tags=[resource.slug],
            get_all_route=has["list"],
            get_one_route=has["read"],
            create_route=has["create"],
            update_route=has["update"],
            delete_one_route=has["delete"],
            delete_all_route=False,
        )
        if resource.has_restore:
            self._add_restore()

    def _add_api_route(
        self,
        path: str,  # noqa: ARG002 - the resource has its own
        endpoint: Any,
        dependencies: Any,  # noqa: ARG002 - the gate and the pipeline do their work
        error_responses: Any = None,  # noqa: ARG002 - described from the action
        **described: Any,
    ) -> None:
        resource, action = self._resource, endpoint.pipeline.action.name
        template = _template(resource, action)
        methods = described["methods"]
        if action == "update":
            methods = dict.fromkeys((resource.options.update_method.upper(), "PATCH"))
        for method in methods:
            describe = partial(self._describe, template, endpoint, method)
            self.routes.append(PipelineRoute(template, endpoint, [method], describe))

    def _add_restore(self) -> None:
        resource = self._resource
        pipeline = Pipeline(Restore(resource), resource.hooks[RESTORE], self._database)
        operation = Operation(pipeline, resource.access(RESTORE))
        template = _template(resource, RESTORE)
        describe = partial(self._describe, template, operation, "POST")
        self.routes.append(PipelineRoute(template, operation, ["POST"], describe))

    def _describe(
        self, template: str, operation: Operation, method: str, components: Components
    ) -> dict[str, Any]:
        """Return the Operation Object of a route."""
        action = operation.pipeline.action
        creates_many = action.name == _CREATE and self._creates_many
        note = _ARRAY if creates_many else ""
        produces = operation.pipeline.produces
        return describe_action(
            components, action, template, method, produces, operation.streams, note
        )

    @property
    def _creates_many(self) -> bool:
        """Whether an array creates many rows."""
        return _CREATE in bulk_actions(self._resource)

    def _operation(self, action: str) -> Operation:
        resource, database = self._resource, self._database
        hooks, access = resource.hooks[action], resource.access(action)
        if action == _CREATE and resource.options.upsert:
            pipeline: Pipeline = UpsertPipeline(Upsert(resource), hooks, database)
        else:
            creates = action == "update" and resource.options.put_creates
            make = PutPipeline if creates else Pipeline
            pipeline = make(ACTIONS[action](resource), hooks, database)
        if action == _CREATE and self._creates_many:
            return CreateOperation(pipeline, resource, database)
        if action != "list":
            return Operation(pipeline, access)
        return ListOperation(
            pipeline, StreamPipeline(resource, resource.hooks[action], database), access
        )

    def _get_all(self, *_: Any, **__: Any) -> Callable[..., Any]:
        return self._operation("list")

    def _get_one(self, *_: Any, **__: Any) -> Callable[..., Any]:
        return self._operation("read")

    def _create(self, *_: Any, **__: Any) -> Callable[..., Any]:
        return self._operation("create")

    def _update(self, *_: Any, **__: Any) -> Callable[..., Any]:
        return self._operation("update")

    def _delete_one(self, *_: Any, **__: Any) -> Callable[..., Any]:
        return self._operation("delete")

    def _delete_all(self, *_: Any, **__: Any) -> Callable[..., Any]:
        raise NotImplementedError  # Switched off above.


def _template(resource: Resource, action: str) -> str:
    if action == RESTORE:
        return f"{resource.item_path}/{RESTORE}"
    return resource.collection_path if action in ("create", "list") else resource.item_path
