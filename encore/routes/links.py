"""Routes that change the links of many-to-many relationships: the option ``links``."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, Final

from encore.database.protocol import Database
from encore.endpoints.endpoint import Operation, PipelineRoute
from encore.errors import ConfigurationError, NotFound
from encore.execution.actions.links import AddLink, LinkAction, RemoveLink, ReplaceLinks
from encore.execution.pipeline import Pipeline
from encore.execution.resource import Resource
from encore.openapi.components import Components
from encore.openapi.described_resource import DescribedResource
from encore.openapi.headers import LOCATION, WRITE
from encore.openapi.names import ResourceNames, operation_id
from encore.openapi.operations import json_body
from encore.openapi.problems import problem_responses
from encore.openapi.responses import json_response, no_content
from encore.openapi.schemas import component_name, object_schema, row_reference
from encore.openapi.texts import OperationText
from encore.openapi.write_descriptions import write_parameters

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
            describe = partial(_describe, action, path, method)
            yield PipelineRoute(path, operation, [method], describe)


def _describe(action: LinkAction, path: str, method: str, components: Components) -> dict[str, Any]:
    """Return the Operation Object of a route."""
    described = DescribedResource(components, action.nested)
    return described.operation(
        _text(method, described.names),
        path,
        parameters=write_parameters(),
        body=_body(components, action.nested, method),
        responses={
            **problem_responses(
                components,
                "update",
                path,
                action.produces,
                conflicts=action.resource.compatibility.conflicts,
                keyed=True,
            ),
            **_successes(described, method),
        },
    )


def _text(method: str, names: ResourceNames) -> OperationText:
    """Return the texts of an operation; ``names`` are those of the linked rows."""
    match method:
        case "PUT":
            return OperationText(
                operation_id("replace", names.plural),
                f"Replace {names.plural}",
                f"Links the {names.plural} whose keys the body has, and no others; returns them.",
            )
        case "POST":
            return OperationText(
                operation_id("add", names.singular),
                f"Add {names.a_row}",
                f"Links one {names.singular} and returns it; 200 if it was linked already.",
            )
        case _:
            return OperationText(
                operation_id("remove", names.singular),
                f"Remove {names.a_row}",
                f"Removes the link to one {names.singular}, which stays stored; the response is"
                " `{}`.",
            )


def _body(components: Components, nested: Resource, method: str) -> dict[str, Any] | None:
    """Return the description of a body: a link is an object that has the key of a row."""
    key = nested.fields.key
    members = {field.name: field.codec.accepts for field in key}
    description = "The key of a row." + (" It may be sent without an object." * (len(key) == 1))
    schema = object_schema(members, list(members), description=description)
    link = components.schema(f"{component_name(nested, components)}Link", schema)
    bodies: dict[str, Mapping[str, Any]] = {"PUT": {"type": "array", "items": link}, "POST": link}
    return json_body(bodies[method]) if method in bodies else None


def _successes(described: DescribedResource, method: str) -> dict[str, Any]:
    components, names = described.components, described.names
    row = row_reference(described.resource, components)
    match method:
        case "PUT":
            rows = {"type": "array", "items": row}
            response = json_response(components, f"The linked {names.plural}", rows, WRITE)
        case "POST":
            headers = (LOCATION, *WRITE)
            return {
                "200": json_response(
                    components, f"The {names.singular}, linked already", row, headers
                ),
                "201": json_response(components, f"The linked {names.singular}", row, headers),
                "204": no_content(components, headers),
            }
        case _:
            response = json_response(components, "An empty object", {"type": "object"}, WRITE)
    return {"200": response, "204": no_content(components)}
