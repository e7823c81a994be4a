"""The OpenAPI description of parts, compared with the service's responses."""

from typing import Any

import httpx
import pytest

from tests.fixtures.openapi import schema_of
from tests.fixtures.operations import (
    WITH_BODY,
    assert_described,
    assert_guarded,
    crud_operations,
    described_operations,
)
from tests.fixtures.system import System
from tests.parts.conftest import create

COLUMNS = ["id", "partNumber", "modelNumber", "name", "description", "createdAt", "updatedAt"]


def test_parameters_of_list_are_described(document: dict[str, Any]) -> None:
    parameters = document["paths"]["/parts"]["get"]["parameters"]
    described = [parameter["name"] for parameter in parameters]
    assert len(described) == len(set(described))
    assert {*COLUMNS, "q", "sort", "count", "offset", "page", "fields", "or", "not"} < {*described}
    assert {"id__gte", "name__startswith", "createdAt__between", "name__is_null"} < {*described}
    by_place = {p["name"]: p["in"] for p in parameters if p["name"] in ("cursor", "Prefer")}
    assert by_place == {"cursor": "query", "Prefer": "header"}
    assert {p["in"] for p in parameters if p["in"] != "header"} == {"query"}
    assert all(parameter["description"] for parameter in parameters)


def test_response_headers_are_described(document: dict[str, Any]) -> None:
    paths = document["paths"]
    assert "Content-Range" in paths["/parts"]["get"]["responses"]["200"]["headers"]
    assert "Location" in paths["/parts"]["post"]["responses"]["201"]["headers"]


def test_streams_of_lists_are_described(document: dict[str, Any]) -> None:
    content = document["paths"]["/parts"]["get"]["responses"]["200"]["content"]
    assert list(content) == ["application/json", "text/csv", "application/x-ndjson"]
    item = document["paths"]["/parts/{id}"]["get"]["responses"]["200"]["content"]
    assert list(item) == ["application/json"]


def test_rows_match_their_schema(document: dict[str, Any], parts: httpx.Client) -> None:
    validator = schema_of(document, "Part")
    full = create(parts, name="a", partNumber=1, modelNumber=2.5, description="d")
    for row in (full, create(parts), *parts.get("/parts").json()):
        validator.validate(row)
    assert list(document["components"]["schemas"]["Part"]["properties"]) == COLUMNS


@pytest.mark.parametrize(
    ("body", "valid"),
    [
        ({}, False),
        ({"name": "a" * 255}, True),
        ({"name": "a" * 256}, False),
        ({"name": None}, True),
        ({"name": {}}, False),
        ({"name": []}, False),
        ({"name": True}, False),
        ({"description": "a" * 256}, True),
        ({"id": "one"}, False),
        ({"unknown": 1}, False),
    ],
)
def test_body_is_accepted_if_its_schema_is_valid(
    document: dict[str, Any],
    parts: httpx.Client,
    body: dict[str, Any],
    valid: bool,  # noqa: FBT001 - a row of the table
) -> None:
    assert schema_of(document, "PartCreate").is_valid(body) is valid
    assert (parts.post("/parts", json=body).status_code == 201) is valid


def test_number_for_a_text_is_accepted_as_the_description_says(
    document: dict[str, Any], parts: httpx.Client
) -> None:
    assert not schema_of(document, "PartCreate").is_valid({"name": 1})
    assert "number is accepted" in document["components"]["schemas"]["PartCreate"]["description"]
    assert create(parts, name=1)["name"] == "1"


def test_whole_rows_have_the_required_members_and_sparse_ones_those_named(
    document: dict[str, Any], parts: httpx.Client
) -> None:
    schema = document["components"]["schemas"]["Part"]
    assert schema["required"] == COLUMNS
    assert "`fields`" in schema["description"]
    id_ = create(parts, name="a")["id"]
    assert parts.get(f"/parts/{id_}?fields=name").json() == {"name": "a"}


def test_members_that_clients_cannot_set_are_only_in_rows(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    read_only = {n for n, s in schemas["Part"]["properties"].items() if s.get("readOnly")}
    assert read_only == {"createdAt", "updatedAt"}
    for name in ("PartCreate", "PartUpdate", "PartBulkUpdate"):
        assert not read_only & schemas[name]["properties"].keys()


def test_problems_match_their_schema(document: dict[str, Any], parts: httpx.Client) -> None:
    validator = schema_of(document, "Problem")
    for response in (
        parts.get("/parts/0?x=1"),
        parts.get("/parts/2147483647"),
        parts.get("/parts?sort=x"),
        parts.post("/parts", json={"name": {}}),
        parts.post("/parts", content=b"{"),
        httpx.get(parts.base_url.join("/parts")),
    ):
        assert response.status_code >= 400
        validator.validate(response.json())


def test_operations_of_parts_are_described_and_guarded(
    document: dict[str, Any], system: System
) -> None:
    upload = ("parts_manager", {"200", "201"}, WITH_BODY)
    operations = {**crud_operations("/parts", "parts_manager"), ("/parts/upload", "post"): upload}
    described = described_operations(document)
    assert {key for key in described if key[0].startswith("/parts")} == set(operations)
    assert_described(document, operations)
    assert_guarded(system, operations)
