"""The description of a batch in OpenAPI, with an example of the service's own resources."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from encore.batch.body import HEADERS, METHODS
from encore.endpoints.endpoint import Operation, PipelineRoute
from encore.execution.resource import Resource
from encore.openapi.components import Components
from encore.openapi.described_resource import make_operation
from encore.openapi.headers import REPLAYED
from encore.openapi.names import operation_id, path_words
from encore.openapi.operations import json_body
from encore.openapi.parameters import share_parameters
from encore.openapi.problems import problems
from encore.openapi.responses import json_response
from encore.openapi.schemas import create_schema
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
    # Applications may have several batches.
    text = OperationText(operation_id("run", path_words(path)), "Run many operations", _TEXT)
    return make_operation(
        _TAG,
        text,
        parameters=share_parameters(components, (), [IDEMPOTENCY_KEY]),
        body=_with_example(json_body(_batch_schema(options, components)), routes),
        responses={
            **problems(components, _STATUSES, keyed=True),
            "200": _response(components),
        },
    )


def _batch_schema(options: BatchOptions, components: Components) -> dict[str, Any]:
    operation = {
        "type": "object",
        "description": "One operation of a batch.",
        "properties": {
            "id": {
                "type": "string",
                "pattern": "^[A-Za-z_][A-Za-z0-9_-]{0,63}$",
                "description": "What references to its result begin with; unique in the batch",
            },
            "method": {"type": "string", "enum": list(METHODS)},
            "path": {
                "type": "string",
                "pattern": "^/",
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


def _response(components: Components) -> dict[str, Any]:
    result = {
        "type": "object",
        "properties": {
            "id": {"type": "string"},
            "status": {"type": "integer"},
            "headers": {"type": "object", "additionalProperties": {"type": "string"}},
            "body": {},
        },
        "required": ["status", "headers", "body"],
    }
    schema = {
        "type": "object",
        "properties": {
            "results": {"type": "array", "items": components.schema("BatchResult", result)}
        },
        "required": ["results"],
    }
    description = "The results, in the order of the operations"
    results = components.schema("BatchResults", schema)
    return json_response(components, description, results, (REPLAYED,))


def _with_example(body: dict[str, Any], routes: Sequence[PipelineRoute]) -> dict[str, Any]:
    example = _example(routes)
    if example is not None:
        body["content"]["application/json"]["example"] = example
    return body


def _example(routes: Sequence[PipelineRoute]) -> dict[str, Any] | None:
    """Return a batch that creates a row of the first resource that can show it, and reads it."""
    for resource in _creatable(routes):
        keys = {field.name for field in resource.fields.key}
        row = _row_of(create_schema(resource, Components()), keys)
        if row is not None and resource.item_path.count("{") == 1:
            name = resource.key[0].name
            item = f"{resource.collection_path}/{{a.{name}}}"
            return {
                "operations": [
                    {"id": "a", "method": "POST", "path": resource.collection_path, "body": row},
                    {"method": "GET", "path": item},
                ]
            }
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


def _row_of(schema: Mapping[str, Any], keys: Collection[str]) -> dict[str, Any] | None:
    """Return a row that has the required fields, or one; None if a value cannot be guessed."""
    row = {}
    properties = schema.get("properties", {})
    others = [name for name in properties if name not in keys and _value_of(properties[name])]
    for name in schema.get("required") or others[:1]:
        value = _value_of(schema["properties"][name])
        if value is None:
            return None
        row[name] = value
    return row


def _value_of(schema: Mapping[str, Any]) -> Any:
    """Return a value of a plain schema; None for others."""
    if "anyOf" in schema:
        return next(filter(None, map(_value_of, schema["anyOf"])), None)
    if {"pattern", "format", "readOnly"} & schema.keys():
        return None
    if "enum" in schema:
        return schema["enum"][0]
    type_ = schema.get("type")
    if isinstance(type_, list):
        type_ = type_[0]
    if type_ == "string":
        text = "x" * max(1, schema.get("minLength", 1))
        return text if len(text) <= schema.get("maxLength", len(text)) else None
    if type_ in ("integer", "number"):
        return max(1, schema.get("minimum", 1))
    return True if type_ == "boolean" else None
