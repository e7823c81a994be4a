"""``/openapi.json`` says what the service does, and the docs page needs no internet."""

import re
from typing import Any

import httpx
import jsonschema_rs

from tests.fixtures.system import System
from tests.service.operations import OPERATIONS, SCOPES

URL = re.compile(r"""(?:https?:)?//[\w.-]+[^\s"'<>)]*""")


def operations(document: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    """Give every generated operation."""
    return {
        (path, method): operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if "security" in operation and not path.startswith("/api/")  # test_scopes.py
    }


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
