"""``/openapi.json`` says what the service does, and the docs page needs no internet."""

import re
from typing import Any

import httpx
import jsonschema_rs
import pytest

from tests.conftest import System
from tests.contract.conftest import create
from tests.contract.operations import OPERATIONS, SCOPES

COLUMNS = ["id", "partNumber", "modelNumber", "name", "description", "createdAt", "updatedAt"]
URL = re.compile(r"""(?:https?:)?//[\w.-]+[^\s"'<>)]*""")


@pytest.fixture
def document(system: System) -> dict[str, Any]:
    """The document, as anyone may fetch it."""
    response = httpx.get(f"{system.url}/openapi.json")
    assert response.headers["content-type"] == "application/json"
    document: dict[str, Any] = response.json()
    return document


def operations(document: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    """Give every generated operation."""
    return {
        (path, method): operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if "security" in operation and not path.startswith("/api/")  # tests/gate has those
    }


def schema_of(document: dict[str, Any], name: str) -> jsonschema_rs.Validator:
    """Give the validator of one of the document's schemas."""
    schema = {**document["components"]["schemas"][name], "components": document["components"]}
    return jsonschema_rs.Draft202012Validator(schema, validate_formats=True)


def test_it_is_openapi_3_1_and_every_schema_in_it_is_one(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1.")
    for schema in document["components"]["schemas"].values():
        jsonschema_rs.meta.validate(
            {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
        )
    for operation in operations(document).values():
        for parameter in operation.get("parameters", ()):
            jsonschema_rs.meta.validate(parameter["schema"])


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    text = str(document)
    for name in re.findall(r"#/components/schemas/(\w+)", text):
        assert name in document["components"]["schemas"]


def test_operations_are_those_that_there_are_with_ids_of_their_own(
    document: dict[str, Any],
) -> None:
    assert set(operations(document)) == set(OPERATIONS)
    ids = [operation["operationId"] for operation in operations(document).values()]
    assert len(set(ids)) == len(ids)


def test_every_success_and_every_problem_is_described(document: dict[str, Any]) -> None:
    for key, operation in operations(document).items():
        _, successes, refusals = OPERATIONS[key]
        assert set(operation["responses"]) == successes | refusals, key
        for status in refusals:
            content = operation["responses"][status]["content"]
            assert content == {
                "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
            }, (key, status)


def test_no_operation_is_described_by_the_path_of_another(document: dict[str, Any]) -> None:
    texts = [one.get("description", "") for one in operations(document).values()]
    assert not [text for text in texts if "/parts" in text]


def test_fastapis_422_is_nowhere(document: dict[str, Any]) -> None:
    assert {
        path
        for path, methods in document["paths"].items()
        for operation in methods.values()
        if "422" in operation["responses"]
    } == {"/timesheets/upload"}  # Its own: an idempotency key that another request has used.
    assert "ValidationError" not in str(document)


def test_each_operation_names_its_scope_and_where_to_get_it(
    document: dict[str, Any], system: System
) -> None:
    schemes = document["components"]["securitySchemes"]
    (name,) = schemes
    flow = schemes[name]["flows"]["clientCredentials"]
    assert flow["tokenUrl"] == f"{system.issuer}/v1/token"
    assert list(flow["scopes"]) == sorted([*SCOPES, "read:messages"])
    for key, operation in operations(document).items():
        scope, _, _ = OPERATIONS[key]
        assert operation["security"] == [{name: [scope]}], key


def test_every_parameter_of_the_list_is_described(document: dict[str, Any]) -> None:
    parameters = document["paths"]["/parts"]["get"]["parameters"]
    described = [parameter["name"] for parameter in parameters]
    assert len(described) == len(set(described))
    assert {*COLUMNS, "q", "sort", "count", "offset", "page", "fields", "or", "not"} < {*described}
    assert {"id__gte", "name__startswith", "createdAt__between", "name__is_null"} < {*described}
    by_place = {p["name"]: p["in"] for p in parameters if p["name"] in ("cursor", "Prefer")}
    assert by_place == {"cursor": "query", "Prefer": "header"}
    assert {p["in"] for p in parameters if p["name"] != "Prefer"} == {"query"}
    assert all(parameter["description"] for parameter in parameters)


def test_the_parameters_and_both_formats_of_the_summary_are_described(
    document: dict[str, Any],
) -> None:
    summary = document["paths"]["/timesheets/summary"]["get"]
    described = {parameter["name"] for parameter in summary["parameters"]}
    assert {"by", "format", "user_id", "day__between", "approved", "or", "not", "q"} < described
    assert not described & {"count", "offset", "page", "sort", "fields"}
    assert set(summary["responses"]["200"]["content"]) == {"application/json", "text/csv"}


def test_headers_of_answers_are_described(document: dict[str, Any]) -> None:
    paths = document["paths"]
    assert "Content-Range" in paths["/parts"]["get"]["responses"]["200"]["headers"]
    assert "Location" in paths["/parts"]["post"]["responses"]["201"]["headers"]


def test_streams_of_lists_are_described(document: dict[str, Any]) -> None:
    content = document["paths"]["/parts"]["get"]["responses"]["200"]["content"]
    assert list(content) == ["application/json", "text/csv", "application/x-ndjson"]
    one = document["paths"]["/parts/{id}"]["get"]["responses"]["200"]["content"]
    assert list(one) == ["application/json"]


def test_a_row_is_what_its_schema_says(document: dict[str, Any], parts: httpx.Client) -> None:
    validator = schema_of(document, "Part")
    full = create(parts, name="a", partNumber=1, modelNumber=2.5, description="d")
    for row in (full, create(parts), *parts.get("/parts").json()):
        validator.validate(row)
    assert list(document["components"]["schemas"]["Part"]["properties"]) == COLUMNS


@pytest.mark.parametrize(
    ("body", "fits"),
    [
        ({}, False),
        ({"name": "a" * 255}, True),
        ({"name": "a" * 256}, False),
        ({"name": 1}, True),
        ({"name": None}, True),
        ({"name": {}}, False),
        ({"name": []}, False),
        ({"name": True}, False),
        ({"description": "a" * 256}, True),
        ({"id": "one"}, False),
        ({"unknown": 1}, False),
    ],
)
def test_the_schema_of_a_body_says_what_is_taken(
    document: dict[str, Any],
    parts: httpx.Client,
    body: dict[str, Any],
    fits: bool,  # noqa: FBT001 - a row of the table
) -> None:
    assert schema_of(document, "PartCreate").is_valid(body) is fits
    assert (parts.post("/parts", json=body).status_code == 201) is fits


def test_a_problem_is_what_its_schema_says(document: dict[str, Any], parts: httpx.Client) -> None:
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


def test_the_docs_page_and_all_that_it_loads_come_from_here(system: System) -> None:
    page = httpx.get(f"{system.url}/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert not URL.findall(page.text.replace(system.url, ""))
    loaded = re.findall(r"""(?:src|href)="([^"]+)\"""", page.text)
    assert len(loaded) == 3
    for path in loaded:
        asset = httpx.get(f"{system.url}{path}")
        assert asset.status_code == 200, path
        assert len(asset.content) > 500, path


def test_the_docs_page_can_get_a_token(system: System) -> None:
    page = httpx.get(f"{system.url}/docs").text
    assert "initOAuth" in page
    assert "parts_manager" in page
    assert "'/openapi.json'" in page
    preflight = httpx.options(
        f"{system.issuer}/v1/token",
        headers={
            "Origin": system.url,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,x-requested-with",
        },
    )
    assert preflight.headers.get("access-control-allow-origin") in ("*", system.url)
