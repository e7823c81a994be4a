"""The routes of a history, and their OpenAPI descriptions."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, Final

from encore.database.protocol import Database
from encore.endpoints.endpoint import Operation, PipelineRoute
from encore.errors import ConfigurationError
from encore.execution.actions import Update
from encore.execution.hooks import ActionHooks
from encore.execution.pipeline import Pipeline
from encore.execution.resource import Resource
from encore.history.read_history import BEFORE, COUNT, ReadHistory
from encore.history.revert import Revert
from encore.http.access import Access
from encore.openapi.components import Components
from encore.openapi.described_resource import DescribedResource
from encore.openapi.headers import HISTORY_LINKS, WRITE
from encore.openapi.names import operation_id
from encore.openapi.operations import json_body
from encore.openapi.problems import problem_responses
from encore.openapi.responses import json_response, no_content
from encore.openapi.schemas import component_name, object_schema, row_reference
from encore.openapi.texts import OperationText
from encore.openapi.value_schemas import nullable
from encore.openapi.write_descriptions import write_parameters
from encore.options import HISTORY_ACTION
from encore.query.as_of import AS_OF
from encore.query.page_parameters import DEFAULT_COUNT
from encore.resource.histories import ResourceHistory

_TEXT: Final = {"type": ["string", "null"]}
_PARAMETERS: Final = (
    {
        "name": COUNT,
        "in": "query",
        "description": "How many entries",
        "schema": {"type": "integer", "default": DEFAULT_COUNT},
    },
    {
        "name": BEFORE,
        "in": "query",
        "description": "The sequence of an entry: older ones are returned",
        "schema": {"type": "integer", "minimum": 0},
    },
)


class HistoryOperation(Operation):
    """The operation of a route of a history."""

    def __init__(self, pipeline: Pipeline, access: Access, name: str) -> None:
        super().__init__(pipeline, access)
        self.name = name


def history_routes(resource: Resource, database: Database) -> Iterator[PipelineRoute]:
    """Yield the routes of a resource's history; none without one."""
    history = resource.history
    if history is None:
        return
    named = HISTORY_ACTION in resource.options.access
    access = resource.access(HISTORY_ACTION if named else "read")
    reads = Pipeline(ReadHistory(resource, history), resource.hooks["read"], database)
    operation = HistoryOperation(reads, access, f"history_{resource.slug}")
    path = f"{resource.item_path}/history"
    describe = partial(_describe_read, resource, history, operation, path)
    yield PipelineRoute(path, operation, ["GET"], describe)
    if "update" in resource.options.actions:
        yield _revert_route(resource, history, database, reads, access)


def _revert_route(
    resource: Resource,
    history: ResourceHistory,
    database: Database,
    reads: Pipeline,
    access: Access,
) -> PipelineRoute:
    """Return the route that reverts a row; it demands what update and the history do."""
    updates = Pipeline(Update(resource), resource.hooks["update"], database)
    action = Revert(resource, history, update=updates, read_history=reads)
    pipeline = Pipeline(action, ActionHooks(), database)
    path = f"{resource.item_path}/revert"
    needed = _both(resource.name, resource.access("update"), access)
    operation = HistoryOperation(pipeline, needed, f"revert_{resource.slug}")
    describe = partial(_describe_revert, resource, operation, path)
    return PipelineRoute(path, operation, ["POST"], describe)


def _both(name: str, one: Access, other: Access) -> Access:
    """Return what demands both.

    Raises:
        ConfigurationError: Both demand one of several scopes.
    """
    if one.public:
        return other
    if one.any_of and other.any_of and {*one.any_of} != {*other.any_of}:
        message = "history and update both name any_of: reverting a row needs both"
        raise ConfigurationError(name, "access", message)
    all_of = tuple(dict.fromkeys((*one.all_of, *other.all_of)))
    return Access(all_of, one.any_of or other.any_of)


def _describe_read(
    resource: Resource,
    history: ResourceHistory,
    operation: HistoryOperation,
    path: str,
    components: Components,
) -> dict[str, Any]:
    """Return the Operation Object of the route that reads a history."""
    described = DescribedResource(components, resource)
    names = described.names
    text = OperationText(
        operation_id("get", f"{names.singular} history"),
        f"Get the history of {names.a_row}",
        f"Returns the versions of one {names.singular}, the newest first; also those of a deleted"
        f" {names.singular}.",
    )
    name = f"{component_name(resource, components)}HistoryEntry"
    entry = components.schema(name, _entry_schema(resource, history))
    schema = {"type": "array", "items": entry}
    entries = json_response(components, "The entries, the newest first", schema, (HISTORY_LINKS,))
    return described.operation(
        text,
        path,
        parameters=_PARAMETERS,
        responses={**_problems(components, resource, operation, path, "read"), "200": entries},
    )


def _describe_revert(
    resource: Resource, operation: HistoryOperation, path: str, components: Components
) -> dict[str, Any]:
    """Return the Operation Object of the route that reverts a row."""
    described = DescribedResource(components, resource)
    names = described.names
    text = OperationText(
        operation_id("revert", names.singular),
        f"Revert {names.a_row} to an older version",
        f"Writes the values of an older version of the {names.singular}, and returns it. The"
        " version is named by the `sequence` of its entry in the history, or by a time"
        f" (`{AS_OF}`). Fields that callers may not write keep their present values.",
    )
    schema = {
        "type": "object",
        "properties": {
            "sequence": {"type": "integer", "minimum": 0},
            AS_OF: {"type": "string", "format": "date-time"},
        },
        "minProperties": 1,
        "maxProperties": 1,
        "additionalProperties": False,
    }
    row = row_reference(resource, components)
    reverted = json_response(components, f"The {names.singular} as it is now", row, WRITE)
    return described.operation(
        text,
        path,
        parameters=write_parameters(),
        body=json_body(schema),
        responses={
            **_problems(components, resource, operation, path, "update"),
            "200": reverted,
            "204": no_content(components),
        },
    )


def _problems(
    components: Components,
    resource: Resource,
    operation: HistoryOperation,
    path: str,
    action: str,
) -> dict[str, Any]:
    return problem_responses(
        components,
        action,
        path,
        operation.pipeline.produces,
        conflicts=resource.compatibility.conflicts,
        conditional=operation.pipeline.action.conditional,
        keyed=operation.accepts_idempotency_keys,
    )


def _entry_schema(resource: Resource, history: ResourceHistory) -> Mapping[str, Any]:
    recorded = {
        name: nullable(field.codec.schema)
        for name, field in resource.serializer.shown.items()
        if not field.computed and field not in history.excluded
    }
    changes = {
        name: {"type": "object", "properties": {"before": value, "after": value}}
        for name, value in recorded.items()
    }
    members = {
        "sequence": {"type": "integer", "format": "int64"},
        "operation": {"type": "string"},
        "at": {"type": "string", "format": "date-time"},
        **dict.fromkeys(("issuer", "subject", "client", "requestId"), _TEXT),
        "changes": {"type": "object", "properties": changes},
    }
    return object_schema(members, list(members), description="One change of a row.")
