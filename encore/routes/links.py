"""Routes that change the links of many-to-many relationships: the option ``links``."""

from collections.abc import Iterator, Mapping
from functools import partial
from inspect import Parameter, Signature
from typing import Annotated, Any, Final

from fastapi import Path
from fastapi.routing import APIRoute
from pydantic import WithJsonSchema

from encore.database.protocol import Database
from encore.endpoints.endpoint import Operation, PipelineRoute
from encore.endpoints.openapi import LOCATION, json_body, problem_responses
from encore.endpoints.schemas import read_schema
from encore.endpoints.write_descriptions import write_parameters, write_responses
from encore.errors import ConfigurationError, NotFound
from encore.execution.actions.links import AddLink, LinkAction, RemoveLink, ReplaceLinks
from encore.execution.pipeline import Pipeline
from encore.execution.resource import Resource

_ACTIONS: Final[Mapping[str, type[LinkAction]]] = {
    "PUT": ReplaceLinks,
    "POST": AddLink,
    "DELETE": RemoveLink,
}
_SUMMARIES: Final = {"PUT": "Replace", "POST": "Add", "DELETE": "Remove"}


class LinkOperation(Operation):
    """The operation of one of the routes of links."""

    def __init__(
        self, pipeline: Pipeline, resource: Resource, action: LinkAction, method: str
    ) -> None:
        super().__init__(pipeline, resource.access("update"))
        self._action = action
        self.name = f"{_SUMMARIES[method].lower()}_{action.nested.slug}"

    def could_find(self, parameters: Mapping[str, str]) -> bool:
        """Return whether the path's parameters may be those of two rows."""
        nested = self._action.nested
        removes = isinstance(self._action, RemoveLink)
        parse = nested.parse_key if removes else nested.parse_parent_key
        try:
            parse({"path_params": parameters})
        except NotFound:
            return False
        return True


def linked_relations(resource: Resource) -> list[str]:
    """Return the relations whose links can be changed.

    Raises:
        ConfigurationError: The option names a relation whose links cannot be changed, or the
            resource embeds no many-to-many relation.
    """
    option = resource.options.links
    children = resource.serializer.children
    if option is False:
        return []
    many_to_many = [
        name for name, child in children.items() if child.relation.mapped.secondary is not None
    ]
    names = many_to_many if option is True else list(option)
    if not names:
        message = "there is no embedded many-to-many relation"
        raise ConfigurationError(resource.name, "links", message)
    for name in names:
        if name not in many_to_many:
            known = ", ".join(many_to_many) or "none"
            message = f"{name!r} is none of the embedded many-to-many relations {known}"
            raise ConfigurationError(resource.name, "links", message)
        relation = children[name].relation
        if relation.mapped.viewonly:
            raise ConfigurationError(resource.name, "links", f"{name!r} is viewonly")
        if relation.mapped.cascade.delete_orphan:
            message = f"the rows of {name!r} are deleted when their link is"
            raise ConfigurationError(resource.name, "links", message)
        if not (relation.writable and relation.is_equijoin):
            message = f"the rows of {name!r} are found by more than a link table's equal keys"
            raise ConfigurationError(resource.name, "links", message)
    return names


def link_routes(
    resource: Resource, nested: Mapping[str, Resource], database: Database
) -> Iterator[PipelineRoute]:
    """Yield the routes.

    Args:
        resource: The resource of the parents.
        nested: The nested resources, by the lower-case names of their relations.
        database: The database of the links.
    """
    for name in linked_relations(resource):
        for method, action_type in _ACTIONS.items():
            action = action_type(resource, nested[name.lower()], name)
            pipeline = Pipeline(action, resource.hooks["update"], database)
            operation = LinkOperation(pipeline, resource, action, method)
            path = (
                action.nested.item_path
                if action_type is RemoveLink
                else action.nested.collection_path
            )
            describe = partial(_describe, operation, action, path, method)
            yield PipelineRoute(path, operation, [method], describe)


def _describe(operation: LinkOperation, action: LinkAction, path: str, method: str) -> APIRoute:
    """Return the FastAPI route that describes an operation in OpenAPI."""
    nested = action.nested

    def endpoint() -> None:
        """Serve OpenAPI alone: ``PipelineRoute`` runs the operation."""

    endpoint.__doc__ = action.__doc__
    endpoint.__signature__ = Signature(  # type: ignore[attr-defined] # FastAPI reads it
        [
            Parameter(
                name,
                Parameter.KEYWORD_ONLY,
                annotation=Annotated[Any, WithJsonSchema(field.codec.schema)],
                default=Path(),
            )
            for name, field in nested.path_fields
            if f"{{{name}}}" in path
        ]
    )
    row = read_schema(nested)
    models: Mapping[str, Any] = {
        "PUT": list[row],  # type: ignore[valid-type] # created at run time
        "POST": row,
        "DELETE": dict[str, Any],
    }
    key = nested.fields.key
    key_object = {
        "type": "object",
        "properties": {field.name: field.codec.body_schema for field in key},
        "required": [field.name for field in key],
    }
    link: dict[str, Any] = key_object
    if len(key) == 1:
        link = {"anyOf": [key[0].codec.body_schema, key_object]}
    bodies = {"PUT": {"type": "array", "items": link}, "POST": link}
    extra: dict[str, Any] = {"parameters": write_parameters()}
    if method in bodies:
        extra["requestBody"] = json_body(bodies[method])
    conflicts = action.resource.compatibility.conflicts
    responses = problem_responses("update", path, action.produces, conflicts=conflicts)
    if method == "POST":
        responses[200] = {"description": "The row was linked already", "model": row}
    extra["responses"] = described = write_responses({str(action.status), "200"})
    if method == "POST":
        for response in described.values():
            response["headers"] = {**response["headers"], **LOCATION}
    return APIRoute(
        path,
        endpoint,
        methods=[method],
        status_code=action.status,
        response_model=models[method],
        tags=[nested.slug],
        summary=f"{_SUMMARIES[method]} links of {nested.slug}",
        operation_id=operation.name,
        responses=responses,
        openapi_extra=extra,
        name=operation.name,
    )
