"""The description of a batch in OpenAPI, with an example of the service's own resources."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from encore.batch.body import HEADERS, METHODS
from encore.endpoints.endpoint import Operation, PipelineRoute
from encore.execution.resource import Resource
from encore.openapi.components import Components
from encore.openapi.described_resource import make_operation
from encore.openapi.examples import create_example, row_example
from encore.openapi.headers import REPLAYED
from encore.openapi.names import operation_id, path_words
from encore.openapi.operations import json_body
from encore.openapi.parameters import share_parameters
from encore.openapi.problems import problems
from encore.openapi.responses import json_response
from encore.openapi.texts import OperationText
from encore.openapi.write_descriptions import IDEMPOTENCY_KEY
from encore.options import BatchOptions

_STATUSES: Final = (400, 401, 403, 404, 406, 409, 412, 413, 415, 428, 503)


_TAG: Final = "batch"
_TEXT: Final = """\
All operations run in one transaction, or each in its own.

Atomic (the default): the first failure undoes everything and is the response; the fields of its
errors begin with the operation: `operations[3].body.name`. Otherwise each result has the status and
the body of its operation, problems included. An operation may refer to the results of earlier ones:
`{a.id}` as a path segment, `{"$ref": "a.id"}` in a body."""


def describe_batch(
    path: str, options: BatchOptions, routes: Sequence[PipelineRoute], components: Components
) -> dict[str, Any]:
    """Return the Operation Object of the batch."""
    components.tag(_TAG, "Many operations in one request")
    example = _example(routes)
    # Applications may have several batches.
    text = OperationText(operation_id("run", path_words(path)), "Run many operations", _TEXT)
    return make_operation(
        _TAG,
        text,
        parameters=share_parameters(components, (), [IDEMPOTENCY_KEY]),
        body=_with_example(json_body(_batch_schema(options, components)), example),
        responses={
            **problems(components, _STATUSES, keyed=True),
            "200": _response(components, example),
        },
    )


def _batch_schema(options: BatchOptions, components: Components) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "type": "object",
        "description": "One operation of a batch.",
        "properties": {
            "id": {
                "type": "string",
                "pattern": "^[A-Za-z_][A-Za-z0-9_-]{0,63}$",
                "examples": ["a"],
                "description": "What references to its result begin with; unique in the batch",
            },
            "method": {"type": "string", "enum": list(METHODS)},
            "path": {
                "type": "string",
                "pattern": "^/",
                "examples": ["/rows/1"],
                "description": "The path and the query of an operation of this API,"
                " percent-encoded; a segment may be a reference: /parts/{a.id}",
            },
            "headers": {
                "type": "object",
                "properties": {name: {"type": "string"} for name in HEADERS.values()},
                "additionalProperties": False,
            },
            "body": {
                "description": 'The body of the operation; {"$ref": "a.id"} is a member of an'
                " earlier result, and $$ref a member that is called $ref",
            },
        },
        "required": ["method", "path"],
        "additionalProperties": False,
    }
    return {
        "type": "object",
        "properties": {
            "operations": {
                "type": "array",
                "items": components.schema("BatchOperation", operation),
                "minItems": 1,
                "maxItems": options.max_operations,
            },
            "atomic": {
                "type": "boolean",
                "default": True,
                "description": "Whether all operations are one transaction",
            },
        },
        "required": ["operations"],
        "additionalProperties": False,
    }


def _response(components: Components, example: "BatchExample | None") -> dict[str, Any]:
    result: dict[str, Any] = {
        "type": "object",
        "properties": {
            "id": {"type": "string", "examples": ["a"]},
            "status": {"type": "integer", "examples": [200]},
            "headers": {
                "type": "object",
                "additionalProperties": {"type": "string"},
                "examples": [{"Content-Type": "application/json"}],
            },
            "body": {"examples": [{}]},
        },
        "required": ["status", "headers", "body"],
    }
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {
            "results": {"type": "array", "items": components.schema("BatchResult", result)}
        },
        "required": ["results"],
    }
    description = "The results, in the order of the operations"
    results = components.schema("BatchResults", schema)
    response = json_response(components, description, results, (REPLAYED,))
    if example is not None:
        response["content"]["application/json"]["example"] = {"results": example.results}
    return response


class BatchExample(NamedTuple):
    """A batch that creates a row and reads it, and its results."""

    operations: list[dict[str, Any]]
    results: list[dict[str, Any]]


def _with_example(body: dict[str, Any], example: BatchExample | None) -> dict[str, Any]:
    if example is not None:
        body["content"]["application/json"]["example"] = {"operations": example.operations}
    return body


def _example(routes: Sequence[PipelineRoute]) -> BatchExample | None:
    """Return an example with the first resource whose rows have examples."""
    for resource in _creatable(routes):
        body = create_example(resource)
        if resource.item_path.count("{") == 1 and all(
            field.name in body for field in resource.bodies.required
        ):
            path, row = resource.collection_path, row_example(resource)
            headers = {"Content-Type": "application/json"}
            return BatchExample(
                [
                    {"id": "a", "method": "POST", "path": path, "body": body},
                    {"method": "GET", "path": f"{path}/{{a.{resource.key[0].name}}}"},
                ],
                [
                    {"id": "a", "status": 201, "headers": headers, "body": row},
                    {"status": 200, "headers": headers, "body": row},
                ],
            )
    return None


def _creatable(routes: Sequence[PipelineRoute]) -> list[Resource]:
    """Return the resources whose rows can be created and read, at paths without parameters."""
    operations = [r.operation for r in routes if isinstance(r.operation, Operation)]
    resources = dict.fromkeys(o.pipeline.action.resource for o in operations)
    return [
        resource
        for resource in resources
        if {"create", "read"} <= set(resource.options.actions)
        and "create" not in resource.options.bodies
        and "{" not in resource.collection_path
        and not any(f.required and f.column.foreign_keys for f in resource.bodies.creatable)
    ]
