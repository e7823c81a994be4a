"""JSON schemas of the reports of uploads and bulk writes, for OpenAPI."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from msgspec import UNSET

from encore.execution.resource import Resource
from encore.models.examples import example_of
from encore.models.fields import Field
from encore.openapi.components import Components
from encore.openapi.problems import field_error_reference
from encore.openapi.schemas import component_name, object_schema
from encore.uploads.parameters import ATOMIC, PARAMETERS
from encore.uploads.staging_table import CREATED, STATUSES

_NONE: Final[Mapping[str, Mapping[str, Any]]] = MappingProxyType({})
_COUNT: Final = {"type": "integer", "minimum": 0}
_DESCRIPTION: Final = "How many rows have which result, and the result of each row."
_ROW_DESCRIPTION: Final = "The result of one row; `id` is the key of the stored row."
_INTEGER_KEY: Final = {"type": "integer", "format": "int64"}


def report_reference(
    resource: Resource, components: Components, members: Mapping[str, Mapping[str, Any]] = _NONE
) -> dict[str, str]:
    """Return a reference to the schema of a report, and define it.

    Resources with integers as keys share one.

    Args:
        resource: The resource.
        components: Takes the schema.
        members: The schemas of the members that hooks add.
    """
    shared = _is_integer(resource.fields.key)
    owner = component_name(resource, components)
    rows = _row_report(resource.fields.key, components, "" if shared else owner)
    properties = {
        **dict.fromkeys(STATUSES, _COUNT),
        "mode": {"type": "string", "enum": list(PARAMETERS["mode"])},
        "dry_run": {"type": "boolean"},
        "rows": {"type": "array", "items": rows},
    }
    schema = {
        **object_schema({**properties, **members}, list(properties), description=_DESCRIPTION),
        "examples": [_report_example(resource.fields.key)],
    }
    if members:
        return components.schema(f"{owner}UploadReport", schema)
    return components.schema("Report" if shared else f"{owner}Report", schema)


def _row_report(key: tuple[Field, ...], components: Components, owner: str) -> dict[str, str]:
    properties = {
        "line": {"type": "integer", "minimum": 1},
        "status": {"type": "string", "enum": list(STATUSES)},
        "id": _id_schema(key),
        "errors": {"type": "array", "items": field_error_reference(components)},
    }
    schema = {
        **object_schema(properties, ["line", "status"], description=_ROW_DESCRIPTION),
        "examples": [_row_example(key)],
    }
    return components.schema(f"{owner}RowReport", schema)


def _report_example(key: tuple[Field, ...]) -> dict[str, Any]:
    """Return the report of one new row."""
    counts = {status: int(status == CREATED) for status in STATUSES}
    return {**counts, "mode": ATOMIC, "dry_run": False, "rows": [_row_example(key)]}


def _row_example(key: tuple[Field, ...]) -> dict[str, Any]:
    values = {field.name: example_of(field) for field in key}
    row = {"line": 1, "status": CREATED}
    if UNSET in values.values():
        return row  # A key of a type of which no usual value is known.
    return {**row, "id": next(iter(values.values())) if len(key) == 1 else values}


def _id_schema(key: tuple[Field, ...]) -> dict[str, Any]:
    if _is_integer(key):
        return _INTEGER_KEY
    if len(key) == 1:
        return key[0].codec.schema
    return object_schema({f.name: f.codec.schema for f in key}, [field.name for field in key])


def _is_integer(key: tuple[Field, ...]) -> bool:
    return len(key) == 1 and key[0].codec.schema.get("type") == "integer"
