"""The router of one resource: fastapi-crudrouter's generator, with what it gets wrong put right.

The generator decides which routes a CRUD resource has and asks this class for their endpoints.
Differences to its own backends: POST answers 201, PATCH exists, DELETE on the collection does not
(it would empty the table), paths keep their case, and parameters and problems are described.
"""

from collections.abc import Callable
from inspect import Parameter, Signature
from typing import Annotated, Any, Final

from fastapi import Body, Path
from fastapi_crudrouter.core import CRUDGenerator
from pydantic import BaseModel, WithJsonSchema

from api.crud import schemas
from api.crud.actions import ACTIONS
from api.crud.openapi import operation_extras, problem_responses
from api.crud.plan import Plan
from api.crud.resource import Resource
from api.crud.route import Operation, PlanRoute
from db.database import Database

_STATUS: Final = {"create": 201}


class ResourceRouter(CRUDGenerator[BaseModel]):
    """The routes of one resource.

    Args:
        resource: What they serve.
        database: Where it is stored.
    """

    def __init__(self, resource: Resource, database: Database) -> None:
        self._resource = resource
        self._database = database
        has = {name: name in resource.options.actions for name in ACTIONS}
        super().__init__(
            schema=schemas.read_schema(resource.view),
            create_schema=schemas.create_schema(resource),
            update_schema=schemas.update_schema(resource),
            prefix=resource.plural,
            tags=[resource.slug],
            get_all_route=has["list"],
            get_one_route=has["read"],
            create_route=has["create"],
            update_route=has["update"],
            delete_one_route=has["delete"],
            delete_all_route=False,
            route_class=PlanRoute,
        )

    def _add_api_route(
        self,
        path: str,  # noqa: ARG002 - the resource knows its own
        endpoint: Any,
        dependencies: Any,  # noqa: ARG002 - the gate and the plan do what these would
        error_responses: Any = None,  # noqa: ARG002 - described from the action
        **described: Any,
    ) -> None:
        resource, action = self._resource, endpoint.plan.action.name
        status = _STATUS.get(action, 200)
        self.prefix = ""  # The generator's is lower-cased.
        methods = described["methods"]
        if action == "update":
            methods = dict.fromkeys((resource.options.update_method.upper(), "PATCH"))
        for method in methods:
            self.add_api_route(
                _template(resource, action),
                endpoint,
                methods=[method],
                status_code=status,
                response_model=_response_model(action, self.schema),
                summary=f"{action.capitalize()} {resource.slug}",
                operation_id=f"{method.lower()}_{endpoint.__name__}",
                responses=problem_responses(action),
                openapi_extra=operation_extras(resource, action, status),
                name=endpoint.__name__,
            )

    def _operation(self, action: str, body: type[BaseModel] | None = None) -> Operation:
        resource = self._resource
        parameters = self._path_parameters(_template(resource, action))
        if body is not None:
            parameters.append(
                Parameter("body", Parameter.KEYWORD_ONLY, annotation=body, default=Body())
            )
        plan = Plan(ACTIONS[action](resource), resource.hooks[action], self._database)
        return Operation(plan, resource.access(action), Signature(parameters))

    def _path_parameters(self, template: str) -> list[Parameter]:
        return [
            Parameter(
                name,
                Parameter.KEYWORD_ONLY,
                annotation=Annotated[Any, WithJsonSchema(field.codec.schema)],
                default=Path(),
            )
            for name, field in self._resource.path_fields
            if f"{{{name}}}" in template
        ]

    def _get_all(self, *_: Any, **__: Any) -> Callable[..., Any]:
        return self._operation("list")

    def _get_one(self, *_: Any, **__: Any) -> Callable[..., Any]:
        return self._operation("read")

    def _create(self, *_: Any, **__: Any) -> Callable[..., Any]:
        return self._operation("create", self.create_schema)

    def _update(self, *_: Any, **__: Any) -> Callable[..., Any]:
        return self._operation("update", self.update_schema)

    def _delete_one(self, *_: Any, **__: Any) -> Callable[..., Any]:
        return self._operation("delete")

    def _delete_all(self, *_: Any, **__: Any) -> Callable[..., Any]:
        raise NotImplementedError  # Switched off above.


def _template(resource: Resource, action: str) -> str:
    return resource.plural if action in ("create", "list") else resource.singular


def _response_model(action: str, schema: type[BaseModel]) -> Any:
    match action:
        case "list":
            return list[schema]  # type: ignore[valid-type] # made at run time
        case "delete":
            return dict[str, Any]
        case _:
            return schema
