"""The routes of a history, and their OpenAPI descriptions."""

from collections.abc import Iterator, Mapping
from functools import partial
from inspect import Parameter, Signature
from typing import Annotated, Any, Final

from fastapi import Path
from fastapi.routing import APIRoute
from pydantic import WithJsonSchema

from encore.database.protocol import Database
from encore.endpoints.endpoint import Operation, PipelineRoute
from encore.endpoints.openapi import problem_responses
from encore.execution.pipeline import Pipeline
from encore.execution.resource import Resource
from encore.history.read_history import BEFORE, COUNT, ReadHistory
from encore.http.access import Access
from encore.options import HISTORY_ACTION
from encore.query.page_parameters import DEFAULT_COUNT
from encore.resource.histories import ResourceHistory

_TEXT: Final = {"type": ["string", "null"]}


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
    pipeline = Pipeline(ReadHistory(resource, history), resource.hooks["read"], database)
    operation = HistoryOperation(pipeline, access, f"history_{resource.slug}")
    path = f"{resource.item_path}/history"
    describe = partial(_describe_read, resource, history, operation, path)
    yield PipelineRoute(path, operation, ["GET"], describe)


def _describe_read(
    resource: Resource, history: ResourceHistory, operation: HistoryOperation, path: str
) -> APIRoute:
    parameters = [
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
    ]
    schema = {"type": "array", "items": _entry_schema(resource, history)}
    extra = {
        "parameters": parameters,
        "responses": {
            "200": {
                "description": "The entries, the newest first",
                "content": {"application/json": {"schema": schema}},
                "headers": {
                    "Link": {
                        "description": "The older entries (RFC 8288: next)",
                        "schema": {"type": "string"},
                    }
                },
            }
        },
    }
    return _route(
        resource, operation, path, "GET", summary="History of", problems="read", extra=extra
    )


def _entry_schema(resource: Resource, history: ResourceHistory) -> Mapping[str, Any]:
    recorded = {
        name: field.codec.schema
        for name, field in resource.serializer.shown.items()
        if not field.computed and field not in history.excluded
    }
    change = {name: _change_schema(schema) for name, schema in recorded.items()}
    return {
        "type": "object",
        "properties": {
            "sequence": {"type": "integer"},
            "operation": {"type": "string"},
            "at": {"type": "string", "format": "date-time"},
            **dict.fromkeys(("issuer", "subject", "client", "requestId"), _TEXT),
            "changes": {"type": "object", "properties": change},
        },
    }


def _change_schema(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    value = {"anyOf": [schema, {"type": "null"}]}
    return {"type": "object", "properties": {"before": value, "after": value}}


def _route(
    resource: Resource,
    operation: HistoryOperation,
    path: str,
    method: str,
    *,
    summary: str,
    problems: str,
    extra: dict[str, Any],
) -> APIRoute:
    def endpoint() -> None:
        """Serve OpenAPI alone: ``PipelineRoute`` runs the operation."""

    endpoint.__doc__ = operation.pipeline.action.__doc__
    endpoint.__signature__ = Signature(  # type: ignore[attr-defined] # FastAPI reads it
        [
            Parameter(
                name,
                Parameter.KEYWORD_ONLY,
                annotation=Annotated[Any, WithJsonSchema(field.codec.schema)],
                default=Path(),
            )
            for name, field in resource.path_fields
        ]
    )
    return APIRoute(
        path,
        endpoint,
        methods=[method],
        tags=[resource.slug],
        summary=f"{summary} {resource.slug}",
        operation_id=f"{method.lower()}_{operation.name}",
        responses=problem_responses(
            problems,
            path,
            operation.pipeline.produces,
            conflicts=resource.compatibility.conflicts,
            conditional=operation.pipeline.action.conditional,
        ),
        openapi_extra=extra,
        name=operation.name,
    )
