"""``/openapi.json`` describes the service, and the docs page needs no internet."""

import json
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import jsonschema_rs
import pytest

from tests.fixtures.item_service import SCOPE, SCOPES, ItemSettings, create_service
from tests.fixtures.operations import assert_described, described_operations
from tests.fixtures.system import System
from tests.service.operations import OPERATIONS


def docs_config(page: str) -> dict[str, Any]:
    """Return what the docs page tells its script."""
    (value,) = re.findall(r'data-config="([^"]*)"', page)
    config: dict[str, Any] = json.loads(unescape(value))
    return config


def test_document_is_openapi_3_1_with_valid_schemas(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1.")
    for schema in document["components"]["schemas"].values():
        jsonschema_rs.meta.validate(
            {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
        )
    for operation in described_operations(document).values():
        for parameter in operation.get("parameters", ()):
            jsonschema_rs.meta.validate(parameter["schema"])


def test_every_reference_is_defined(document: dict[str, Any]) -> None:
    description = str(document)
    for name in re.findall(r"#/components/schemas/(\w+)", description):
        assert name in document["components"]["schemas"]


def test_operation_ids_are_unique(document: dict[str, Any]) -> None:
    ids = [operation["operationId"] for operation in described_operations(document).values()]
    assert len(set(ids)) == len(ids)


def test_document_describes_exactly_the_operations_of_the_service(
    items_document: dict[str, Any],
) -> None:
    described = described_operations(items_document)
    assert {key for key in described if key[0].startswith("/items")} == set(OPERATIONS)
    assert_described(items_document, OPERATIONS)


def test_descriptions_do_not_name_other_paths(items_document: dict[str, Any]) -> None:
    operations = described_operations(items_document).values()
    descriptions = [operation.get("description", "") for operation in operations]
    assert not [description for description in descriptions if "/items" in description]


def test_422_response_is_that_of_idempotency_keys(items_document: dict[str, Any]) -> None:
    operations = described_operations(items_document)
    assert {key for key, operation in operations.items() if "422" in operation["responses"]} == {
        (path, method)
        for path, method in operations
        if method != "get" and (path == "/batch" or path.startswith("/items"))
    }
    assert "ValidationError" not in str(items_document)


def test_security_scheme_names_all_scopes_and_the_token_url(
    items_document: dict[str, Any], items: System
) -> None:
    (scheme,) = items_document["components"]["securitySchemes"].values()
    flow = scheme["flows"]["clientCredentials"]
    assert flow["tokenUrl"] == f"{items.issuer}/v1/token"
    assert list(flow["scopes"]) == sorted(SCOPES)


def test_docs_page_loads_only_local_assets(system: System) -> None:
    page = httpx.get(f"{system.url}/docs")
    assert page.headers["content-type"].startswith("text/html")
    paths = re.findall(r"""(?:src|href)="([^"]+)\"""", page.text)
    assert len(paths) == 6
    for path in paths:
        asset = httpx.get(f"{system.url}{path}")
        assert asset.status_code == 200, path
        assert len(asset.content) > 500, path


def test_docs_page_can_request_a_token(items: System) -> None:
    config = docs_config(httpx.get(f"{items.url}/docs").text)
    assert config["openapi"] == "/openapi.json"
    assert SCOPE in config["scopes"]
    preflight = httpx.options(
        f"{items.issuer}/v1/token",
        headers={
            "Origin": items.url,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,x-requested-with",
        },
    )
    assert preflight.headers.get("access-control-allow-origin") in ("*", items.url)


@pytest.mark.parametrize("issuer", ["https://file.example/", "https://file.example/oauth2/x"])
def test_tokens_are_requested_from_the_first_issuer_of_the_file(
    tmp_path: Path, issuer: str
) -> None:
    file = tmp_path / "issuers.toml"
    file.write_text(f'[one]\nissuer = "{issuer}"\naudience = "x"\n')
    database = f"sqlite:///{tmp_path / 'items.sqlite'}"
    settings = ItemSettings.parse({"TRUSTED_ISSUERS_FILE": str(file), "DATABASE_URL": database})
    document = create_service(settings).openapi()
    (flows,) = (s["flows"] for s in document["components"]["securitySchemes"].values())
    assert flows["clientCredentials"]["tokenUrl"].startswith(issuer)


def test_descriptions_mean_no_markup_by_accident(document: dict[str, Any]) -> None:
    """They are CommonMark: <version> would be dropped as a tag, and * begins an emphasis."""

    def texts(node: Any) -> Iterator[str]:
        if isinstance(node, dict):
            for name, value in node.items():
                if name in ("description", "summary") and isinstance(value, str):
                    yield value
                yield from texts(value)
        elif isinstance(node, list):
            for item in node:
                yield from texts(item)

    for text in texts(document):
        assert not re.search(r"<[A-Za-z]|\*", re.sub(r"(`+).*?\1", "", text)), text
