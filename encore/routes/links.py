"""Routes for the links of many-to-many relationships: the option ``links``."""

from collections.abc import Iterator, Mapping
from functools import partial
from inspect import Parameter, Signature
from typing import Annotated, Any, Final

from fastapi import Path
from fastapi.routing import APIRoute
from pydantic import WithJsonSchema

from encore.database.protocol import Database
from encore.endpoints.endpoint import Operation, PipelineRoute
from encore.endpoints.openapi import json_body, problem_responses
from encore.endpoints.schemas import read_schema
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
    """What one of the endpoints of links does."""

    def __init__(
        self, pipeline: Pipeline, resource: Resource, action: LinkAction, method: str
    ) -> None:
        super().__init__(pipeline, resource.access("update"))
        self._action = action
        self.name = f"{_SUMMARIES[method].lower()}_{action.nested.slug}"

    def could_find(self, parameters: Mapping[str, str]) -> bool:
        """Return whether the path's parameters may be those of two rows."""
        nested = self._action.nested
        read = nested.parse_key if isinstance(self._action, RemoveLink) else nested.parse_parent_key
        try:
            read({"path_params": parameters})
        except NotFound:
            return False
        return True


def linked_relations(resource: Resource) -> list[str]:
    """Return the relations whose links can be changed.

    Raises:
        ConfigurationError: The option names one whose links cannot be, or there is none.
    """
    given = resource.options.links
    children = resource.serializer.children
    if given is False:
        return []
    many = [n for n, one in children.items() if one.relation.mapped.secondary is not None]
    names = many if given is True else list(given)
    if not names:
        text = "there is no embedded many-to-many relation"
        raise ConfigurationError(resource.name, "links", text)
    for name in names:
        if name not in many:
            known = ", ".join(many) or "none"
            text = f"{name!r} is none of the embedded many-to-many relations {known}"
            raise ConfigurationError(resource.name, "links", text)
        relation = children[name].relation
        if relation.mapped.viewonly:
            raise ConfigurationError(resource.name, "links", f"{name!r} is viewonly")
        if relation.mapped.cascade.delete_orphan:
            text = f"the rows of {name!r} are deleted when their link is"
            raise ConfigurationError(resource.name, "links", text)
        if not (relation.writable and relation.is_equijoin):
            text = f"the rows of {name!r} are found by more than a link table's equal keys"
            raise ConfigurationError(resource.name, "links", text)
    return names


def link_routes(
    resource: Resource, nested: Mapping[str, Resource], database: Database
) -> Iterator[PipelineRoute]:
    """Make the routes.

    Args:
        resource: The parents.
        nested: The nested resources, by the lower-case names of their relations.
        database: Where the links are.
    """
    for name in linked_relations(resource):
        for method, kind in _ACTIONS.items():
            action = kind(resource, nested[name.lower()], name)
            pipeline = Pipeline(action, resource.hooks["update"], database)
            operation = LinkOperation(pipeline, resource, action, method)
            path = action.nested.item_path if kind is RemoveLink else action.nested.collection_path
            describe = partial(_describe, operation, action, path, method)
            yield PipelineRoute(path, operation, [method], describe)


def _describe(operation: LinkOperation, action: LinkAction, path: str, method: str) -> APIRoute:
    """Make the FastAPI route that describes an operation in OpenAPI."""
    nested = action.nested

    def endpoint() -> None:
        """Describe only: ``PipelineRoute`` runs the operation."""

    endpoint.__doc__ = action.__doc__
    endpoint.__signature__ = Signature(  # type: ignore[attr-defined]
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
        "PUT": list[row],  # type: ignore[valid-type] # made at run time
        "POST": row,
        "DELETE": dict[str, Any],
    }
    key = nested.fields.key
    named = {
        "type": "object",
        "properties": {field.name: field.codec.body_schema for field in key},
        "required": [field.name for field in key],
    }
    one = {"anyOf": [key[0].codec.body_schema, named]} if len(key) == 1 else named
    bodies = {"PUT": {"type": "array", "items": one}, "POST": one}
    extra = {"requestBody": json_body(bodies[method])} if method in bodies else {}
    conflicts = action.resource.compatibility.conflicts
    responses = problem_responses("update", path, action.produces, conflicts=conflicts)
    if method == "POST":
        responses[200] = {"description": "It was linked already", "model": row}
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
