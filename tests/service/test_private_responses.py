"""Whatever the gate protects is stored by no cache: rows, streams, uploads, errors."""

from typing import Any

import httpx
import pytest

from tests.fixtures.gate import RunningGate, StartGate
from tests.fixtures.item_service import READ_SCOPE, UPLOAD_SCOPE

JSON = {"Content-Type": "application/json"}
ROWS = b'[{"source": "s", "external_id": "1", "name": "a"}]'

REQUESTS: list[tuple[str, str, dict[str, str], bytes, int, str]] = [
    # Method, path, headers, body, status, Vary.
    ("GET", "/items", {}, b"", 200, "Accept, Authorization"),
    ("GET", "/items", {"Accept": "text/csv"}, b"", 200, "Accept, Accept-Encoding, Authorization"),
    (
        "GET",
        "/items",
        {"Accept": "application/x-ndjson"},
        b"",
        200,
        "Accept, Accept-Encoding, Authorization",
    ),
    ("POST", "/items", JSON, b'{"name": "a"}', 201, "Authorization"),
    ("GET", "/items/1", {}, b"", 200, "Authorization"),
    ("PATCH", "/items/1", JSON, b'{"name": "b"}', 200, "Authorization"),
    ("POST", "/items/upload", JSON, ROWS, 200, "Authorization"),
    ("POST", "/items/upload", JSON, b'[{"nothing": 7}]', 400, "Authorization"),
    ("GET", "/private", {}, b"", 200, "Authorization"),
    ("GET", "/items/404", {}, b"", 404, "Authorization"),
    ("GET", "/items?x=1", {}, b"", 400, "Authorization"),
    ("GET", "/nowhere", {}, b"", 404, "Authorization"),
    ("PUT", "/private", {}, b"", 405, "Authorization"),
    ("OPTIONS", "/items", {}, b"", 200, "Authorization"),
    ("POST", "/items", {"Content-Type": "text/plain"}, b"x", 415, "Authorization"),
    ("DELETE", "/items/1", {}, b"", 200, "Authorization"),
]


def assert_private(response: httpx.Response, vary: str) -> None:
    assert response.headers.get_list("cache-control") == ["no-store"]
    assert response.headers.get_list("vary") == [vary]


def test_every_response_behind_the_gate_is_not_stored(gate: RunningGate) -> None:
    bearer = gate.bearer(scp=["items", UPLOAD_SCOPE, READ_SCOPE])
    with httpx.Client(base_url=gate.url) as client:
        for method, path, headers, body, status, vary in REQUESTS:
            response = client.request(method, path, headers=headers | bearer, content=body)
            assert response.status_code == status, (method, path, response.text)
            assert_private(response, vary)
            if method == "GET":
                head = client.head(path, headers=headers | bearer)
                assert (head.status_code, head.content) == (status, b"")
                assert_private(head, vary)


@pytest.mark.parametrize(
    ("status", "token"), [(401, {}), (401, {"exp": 1}), (403, {"scp": ["other"]})]
)
def test_refused_token_is_not_stored(gate: RunningGate, status: int, token: Any) -> None:
    headers = gate.bearer(**token) if token else {}
    for path in ("/items", "/items/1"):
        response = httpx.get(f"{gate.url}{path}", headers=headers)
        assert response.status_code == status
        assert_private(response, "Authorization")


def test_vary_with_cors_names_the_origin_as_well(start_gate: StartGate) -> None:
    gate = start_gate(CORS_ORIGINS="https://app.example")
    headers = {"Origin": "https://app.example", **gate.bearer()}
    page = httpx.get(f"{gate.url}/items", headers=headers)
    assert_private(page, "Accept, Origin, Authorization")
    item = httpx.get(f"{gate.url}/items/1", headers=headers)
    assert_private(item, "Origin, Authorization")


@pytest.mark.parametrize("path", ["/livez", "/public", "/docs"])
def test_public_response_does_not_vary_by_token(gate: RunningGate, path: str) -> None:
    response = httpx.get(f"{gate.url}{path}")
    assert response.status_code == 200
    assert "vary" not in response.headers
