"""The schemas of a list's parameters and its parser say the same, for every type of column."""

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import jsonschema_rs
import pytest

from encore import SearchOptions
from encore.openapi.query_parameters import list_parameters
from tests.fixtures.library import Api
from tests.fixtures.library_models import Kind

FORMATS = {
    "date-time": ["2020-01-01T00:00:00Z", "2020-01-01T00:00:00.250+02:00"],
    "date": ["2020-02-29"],
    "time-local": ["01:02:03"],
    "uuid": ["00000000-0000-0000-0000-000000000001"],
    "decimal": ["1.5", "-2"],
    "conditions": ["whole=1|text__like=a", "day__between=2020-01-01,2020-01-02"],
}  # fmt: skip

VALID = [
    ("or", "whole=1"),
    ("or", "whole=1|text__like=a|real__lt=0.5"),
    ("or", "colour=red|flag=true|day__gte=2020-01-01|moment__lt=2020-01-01T00:00:00Z"),
    ("or", "uid=00000000-0000-0000-0000-000000000001|amount__between=1.5,2"),
    ("not", "whole__in=1,2,3|short=null"),
    ("not", "text=[]"),
    ("or", "document__is_null=true|blob__is_null=false"),
    ("or", "text__ilike=Ä%25 =="),
    ("q", "any text at all"),
    ("over", "-5"),
    ("mixed", "anything"),
    ("sort", "text,-whole"),
    ("count", "-1"),
    ("count", "5000"),
    ("page", "3"),
    ("fields", "id,text"),
    ("whole", "null"),
    ("whole__ne", "null"),
    ("whole__between", "1,2"),
    ("real", "-0.5"),
    ("flag", "false"),
    ("flag__is_null", "true"),
    ("colour__in", "red,null"),
    ("amount__gte", "-1.25"),
    ("text__like", "x" * 256),
    ("text__in", "a,b,"),
]


@pytest.fixture
def parameters(api: Api) -> dict[str, dict[str, Any]]:
    resource = api.crud.resource(
        Kind,
        search=[
            SearchOptions(),
            SearchOptions("over", ["whole"], operator="gt"),
            SearchOptions("mixed", ["whole", "text"], operator="eq"),
        ],
    )
    described = list_parameters(resource)
    return {one["name"]: one for one in described if one["in"] == "query"}


def samples(schema: dict[str, Any]) -> Iterator[Any]:
    """Yield values at the bounds of a schema."""
    if "anyOf" in schema:
        for one in schema["anyOf"]:
            yield from samples(one)
    elif "enum" in schema or "const" in schema:
        yield from schema.get("enum", [schema.get("const")])
    elif schema["type"] == "array":
        items = list(samples(schema["items"]))
        least, most = schema.get("minItems", 0), schema.get("maxItems", 3)
        yield (items * max(least, 1))[: max(least, 1)]
        yield (items * 3)[: min(most, 3)]
    else:
        yield from _of_type(schema)


def _of_type(schema: dict[str, Any]) -> Iterator[Any]:
    match schema["type"]:
        case "integer":
            yield from {0, schema.get("minimum", -1), schema.get("maximum", 10**6)}
        case "number":
            yield from (0, -1.5, 1e10)
        case "boolean":
            yield from (True, False)
        case "null":
            yield None
        case _ if "format" in schema:
            yield from FORMATS[schema["format"]]
        case _:
            yield from ("", "a", "x" * schema.get("maxLength", 300))


def written(value: Any, parameter: dict[str, Any]) -> list[str]:
    """Write a value as OpenAPI's style of its parameter says."""
    if not isinstance(value, list):
        return [value if isinstance(value, str) else json.dumps(value)]
    texts = [one if isinstance(one, str) else json.dumps(one) for one in value]
    return texts if parameter.get("explode", True) else [",".join(texts)]


def read(text: str, parameter: dict[str, Any]) -> Any:
    """Read a text as OpenAPI's style of its parameter says; all that JSON can make of it."""
    if parameter["schema"].get("type") != "array":
        return text
    return text.split(",") if not parameter.get("explode", True) else [text]


def fits(value: Any, schema: dict[str, Any]) -> bool:
    """Tell whether a value fits, each text in it taken as itself or as the JSON that it is."""
    if isinstance(value, list):
        bare = {**schema, "items": {}}
        inner = all(fits(one, schema["items"]) for one in value)
        return inner and bool(jsonschema_rs.is_valid(bare, value))
    readings: list[Any] = [value]
    with suppress(ValueError):
        readings.append(json.loads(value))
    return any(jsonschema_rs.is_valid(schema, one, validate_formats=True) for one in readings)


def test_value_allowed_by_parameter_schema_is_accepted(
    api: Api, parameters: dict[str, dict[str, Any]]
) -> None:
    for name, parameter in parameters.items():
        if name.startswith("blob") or name == "cursor":  # Only the service can write a cursor.
            continue
        for value in samples(parameter["schema"]):
            texts = written(value, parameter)
            answer = api.get("/kinds", params={name: texts})
            assert answer.status_code == 200, (name, texts, answer.text)


def test_valid_query_matches_parameter_schemas(
    api: Api, parameters: dict[str, dict[str, Any]]
) -> None:
    for name, text in VALID:
        assert api.get("/kinds", params={name: text}).status_code == 200, (name, text)
        assert fits(read(text, parameters[name]), parameters[name]["schema"]), (name, text)
