"""The router of one resource, made by fastapi-crudrouter's generator.

The generator decides which routes a CRUD resource has and asks this class for their endpoints.
Differences from its own backends: POST returns 201, PATCH exists, DELETE of the collection does not
(it would empty the table), paths keep their case, and parameters and problems are described.
"""

from collections.abc import Callable
from functools import cached_property, partial
from inspect import Parameter, Signature
from typing import Annotated, Any, Final

from fastapi import Body, Path
from fastapi.routing import APIRoute
from fastapi_crudrouter.core import CRUDGenerator
from pydantic import BaseModel, Field, WithJsonSchema

from encore.bulk.openapi import array_response
from encore.database.protocol import Database
from encore.endpoints import schemas
from encore.endpoints.endpoint import Operation, PipelineRoute
from encore.endpoints.openapi import (
    describe_put,
    describe_upsert,
    operation_extras,
    problem_responses,
)
from encore.execution.actions import ACTIONS, Restore
from encore.execution.actions.upsert import Upsert
from encore.execution.pipeline import Pipeline
from encore.execution.put_pipeline import PutPipeline
from encore.execution.resource import Resource
from encore.execution.upsert_pipeline import UpsertPipeline
from encore.options import READING_ACTIONS, RESTORE
from encore.routes.bulk import CreateOperation, bulk_actions
from encore.streams.operation import ListOperation
from encore.streams.pipeline import StreamPipeline

_CREATE: Final = "create"
_PUT: Final = "PUT"
_STATUS: Final = {"create": 201}
_BODIES: Final = {"create": "create_schema", "update": "update_schema"}


class ResourceRouter(CRUDGenerator[BaseModel]):
    """The routes of one resource.

    The schemas are generated from the model when OpenAPI first asks for them.

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
        # The generator stores its arguments; without them the properties below are used.
        del self.schema, self.create_schema, self.update_schema
        if resource.has_restore:
            self._add_restore()

    @cached_property
    def schema(self) -> type[BaseModel]:  # type: ignore[override] # created on first use
        """The schema of a row."""
        return schemas.read_schema(self._resource)

    @cached_property
    def create_schema(self) -> type[BaseModel]:  # type: ignore[override] # created on first use
        """The schema of a new row's body."""
        return schemas.create_schema(self._resource)

    @cached_property
    def update_schema(self) -> type[BaseModel]:  # type: ignore[override] # created on first use
        """The schema of a change's body."""
        return schemas.update_schema(self._resource)

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

    def _describe(self, template: str, operation: Operation, method: str) -> APIRoute:
        """Return the FastAPI route that describes an operation in OpenAPI."""
        resource, action = self._resource, operation.pipeline.action
        status = _STATUS.get(action.name, 200)

        def endpoint() -> None:
            """Serve OpenAPI alone: ``PipelineRoute`` runs the operation."""

        responses = problem_responses(
            action.name,
            template,
            operation.pipeline.produces,
            conflicts=resource.compatibility.conflicts,
            conditional=action.may_require_match() or action.conditional,
            reads_past=resource.history is not None and action.name in READING_ACTIONS,
        )
        extras = operation_extras(
            resource, action.name, status, self._form(action.name), operation.streams
        )
        if method == _PUT and resource.options.put_creates:
            responses[201] = {"description": "The row was created", "model": self.schema}
            describe_put(extras)
        if action.name == _CREATE:
            self._describe_create(responses, extras)
        endpoint.__doc__ = action.__doc__
        endpoint.__signature__ = self._signature(template, action.name)  # type: ignore[attr-defined] # FastAPI reads it
        return APIRoute(
            template,
            endpoint,
            methods=[method],
            status_code=status,
            response_model=_response_model(action.name, self.schema),
            tags=list(self.tags),
            summary=f"{action.name.capitalize()} {resource.slug}",
            operation_id=f"{method.lower()}_{operation.name}",
            responses=responses,
            openapi_extra=extras,
            name=operation.name,
        )

    def _describe_create(self, responses: dict[int | str, Any], extras: dict[str, Any]) -> None:
        """Add the responses to an upsert, and to an array."""
        targets = self._resource.upsert_targets
        if targets is not None:
            responses[200] = {"description": "The row was stored already", "model": self.schema}
            describe_upsert(extras, targets)
        if self._creates_many:
            responses[200] = array_response(self._resource, with_row=targets is not None)

    @property
    def _creates_many(self) -> bool:
        """Whether an array creates many rows."""
        return _CREATE in bulk_actions(self._resource)

    def _form(self, action: str) -> dict[str, Any] | None:
        """Return the JSON schema of a form that an action reads; None if it reads none."""
        if action not in _BODIES or not self._resource.compatibility.reads_forms:
            return None
        body: type[BaseModel] = getattr(self, _BODIES[action])
        return body.model_json_schema()

    def _signature(self, template: str, action: str) -> Signature:
        parameters = [
            Parameter(
                name,
                Parameter.KEYWORD_ONLY,
                annotation=Annotated[Any, WithJsonSchema(field.codec.schema)],
                default=Path(),
            )
            for name, field in self._resource.path_fields
            if f"{{{name}}}" in template
        ]
        if action in _BODIES and action not in self._resource.options.bodies:
            body = getattr(self, _BODIES[action])
            if action == _CREATE and self._creates_many:
                most = self._resource.options.bulk_limit
                body = body | Annotated[list[body], Field(max_length=most)]  # type: ignore[valid-type] # created at run time
            parameters.append(
                Parameter("body", Parameter.KEYWORD_ONLY, annotation=body, default=Body())
            )
        return Signature(parameters)

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


def _response_model(action: str, schema: type[BaseModel]) -> Any:
    match action:
        case "list":
            return list[schema]  # type: ignore[valid-type] # created at run time
        case "delete":
            return dict[str, Any]
        case _:
            return schema
