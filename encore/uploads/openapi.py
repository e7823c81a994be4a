"""What OpenAPI says of an upload: its three formats, its parameters, its answers."""

from collections.abc import Sequence
from typing import Any, Final

from fastapi.routing import APIRoute

from encore.endpoints.openapi import problems
from encore.endpoints.schemas import create_schema, read_schema
from encore.uploads.formats import CSV, JSON, NDJSON
from encore.uploads.request import PARAMETERS
from encore.uploads.staging_table import STATUSES
from encore.uploads.upload import Upload

_SAYS: Final = {
    "mode": "atomic: one rejected row refuses all; partial: the others are written",
    "dry_run": "Tell what would become of the rows, and write nothing",
    "report": "Which rows the report lists",
}
_PROBLEMS: Final = (400, 401, 403, 406, 409, 412, 413, 415, 422, 503)
_ERROR: Final = {
    "type": "object",
    "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
    "required": ["field", "message"],
}


def described(upload: Upload, name: str) -> APIRoute:
    """Make the FastAPI route that describes an upload."""
    resource = upload.resource

    def endpoint() -> None:
        """Take rows in: one as a JSON object, or many as a JSON array, NDJSON or CSV.

        A row whose natural key is known changes the stored one, any other makes a new one.
        """

    row = _inline(create_schema(resource).model_json_schema())
    return APIRoute(
        upload.path,
        endpoint,
        methods=["POST"],
        status_code=200,
        tags=[resource.slug],
        summary=f"Upload {resource.slug}",
        operation_id=f"post_{name}",
        responses=problems(_PROBLEMS),
        openapi_extra={
            "parameters": _parameters(has_keys=upload.keys is not None),
            "requestBody": {"required": True, "content": _content(row)},
            "responses": _answers(_inline(read_schema(resource).model_json_schema())),
        },
        name=name,
    )


def _parameters(*, has_keys: bool) -> list[dict[str, Any]]:
    parameters: list[dict[str, Any]] = [
        {
            "name": name,
            "in": "query",
            "description": _SAYS[name],
            "schema": {"type": "string", "enum": list(values), "default": values[0]},
        }
        for name, values in PARAMETERS.items()
    ]
    if has_keys:
        parameters.append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "description": "The same key and request again get the same answer, for 24 hours",
                "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
            }
        )
    return parameters


def _content(row: dict[str, Any]) -> dict[str, Any]:
    text = {"type": "string"}
    return {
        JSON.media_type: {"schema": {"anyOf": [row, {"type": "array", "items": row}]}},
        NDJSON.media_type: {"schema": {**text, "description": "One JSON object a line"}},
        CSV.media_type: {"schema": {**text, "description": "A header of names, then rows"}},
    }


def _answers(row: dict[str, Any]) -> dict[str, Any]:
    stored = {**row, "properties": {**row["properties"], "message": {"type": "string"}}}
    one = {"description": "The one row, made", "content": _json(stored)}
    many = {"description": "What became of each row", "content": _json(_report(stored))}
    return {"200": many, "201": one}


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _report(stored: dict[str, Any]) -> dict[str, Any]:
    """Describe the report, or the one row where that was known already."""
    row = {
        "line": {"type": "integer"},
        "status": {"type": "string", "enum": list(STATUSES)},
        "id": {"type": "integer"},
        "errors": {"type": "array", "items": _ERROR},
    }
    report = {
        **{status: {"type": "integer"} for status in STATUSES},
        "mode": {"type": "string", "enum": list(PARAMETERS["mode"])},
        "dry_run": {"type": "boolean"},
        "rows": {"type": "array", "items": _object(row, ["line", "status"])},
    }
    return {"anyOf": [_object(report, list(report)), stored]}


def _object(properties: dict[str, Any], required: Sequence[str]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required)}


def _inline(schema: dict[str, Any]) -> dict[str, Any]:
    """Give a schema to stand where it is used, so that it needs no name of its own."""
    return {name: value for name, value in schema.items() if name != "title"}
