"""CORS, security headers, and limits of request heads and bodies."""

import re
import socket

import httpx
import pytest

from encore.http.cors import EXPOSED
from encore.settings import Settings, SettingsError
from tests.fixtures.gate import RunningGate, StartGate

ORIGIN = "https://app.example.com"
PREFLIGHT = {"Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "prefer"}


@pytest.fixture(scope="module")
def cors_gate(start_gate: StartGate) -> RunningGate:
    return start_gate(CORS_ORIGINS=f"{ORIGIN}, http://localhost:5173")


@pytest.mark.parametrize("path", ["/items", "/items/1", "/public", "/nowhere"])
@pytest.mark.parametrize("origin", [ORIGIN, "http://localhost:5173"])
def test_preflight_of_an_allowed_origin_needs_no_token(
    cors_gate: RunningGate, path: str, origin: str
) -> None:
    response = httpx.options(f"{cors_gate.url}{path}", headers={"Origin": origin, **PREFLIGHT})
    assert response.status_code == 204
    assert response.headers["access-control-allow-origin"] == origin
    assert "PUT" in response.headers["access-control-allow-methods"]
    assert "Authorization" in response.headers["access-control-allow-headers"]
    assert "access-control-allow-credentials" not in response.headers


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "https://app.example.com.evil.example", "null", ""]
)
def test_other_origin_has_no_cors_headers(cors_gate: RunningGate, origin: str) -> None:
    headers = {"Origin": origin, **PREFLIGHT}
    preflight = httpx.options(f"{cors_gate.url}/items", headers=headers)
    assert preflight.status_code == 401
    read = httpx.get(f"{cors_gate.url}/items", headers={**cors_gate.bearer(), "Origin": origin})
    assert read.status_code == 200
    for response in (preflight, read):
        assert not [name for name in response.headers if name.startswith("access-control-")]
        assert "Origin" in response.headers["vary"].split(", ")


@pytest.mark.parametrize(
    ("path", "status"), [("/items", 401), ("/items?x=1", 400), ("/items/404", 404), ("/", 404)]
)
def test_errors_have_cors_headers(cors_gate: RunningGate, path: str, status: int) -> None:
    headers = {} if status == 401 else cors_gate.bearer()
    response = httpx.get(f"{cors_gate.url}{path}", headers={**headers, "Origin": ORIGIN})
    assert response.status_code == status
    assert response.headers["access-control-allow-origin"] == ORIGIN
    exposed = response.headers["access-control-expose-headers"].split(", ")
    assert exposed == list(EXPOSED)
    assert {"Content-Range", "Link", "Preference-Applied", "Location", "ETag"} <= set(exposed)


def test_options_request_without_preflight_headers_requires_a_token(
    cors_gate: RunningGate,
) -> None:
    response = httpx.options(f"{cors_gate.url}/items", headers={"Origin": ORIGIN})
    assert response.status_code == 401


def test_cors_origins_wildcard_allows_any_origin(start_gate: StartGate) -> None:
    gate = start_gate(CORS_ORIGINS="*")
    response = httpx.get(f"{gate.url}/items", headers={"Origin": "https://anyone.example"})
    assert response.headers["access-control-allow-origin"] == "*"


def test_service_without_cors_origins_sends_no_cors_headers(gate: RunningGate) -> None:
    response = httpx.options(f"{gate.url}/items", headers={"Origin": ORIGIN, **PREFLIGHT})
    assert response.status_code == 401
    assert response.headers["vary"] == "Authorization"
    assert "access-control-allow-origin" not in response.headers


@pytest.mark.parametrize(
    "origins", ["app.example.com", "https://a.example/", "https://A.example", "null", "* https://a"]
)
def test_invalid_cors_origins_are_rejected(origins: str) -> None:
    with pytest.raises(SettingsError, match="CORS_ORIGINS"):
        Settings.parse({"ISSUER": "https://x", "CORS_ORIGINS": origins})


@pytest.mark.parametrize(
    "path", ["/livez", "/items", "/nowhere", "/openapi.json", "/docs-assets/x"]
)
def test_every_response_has_security_headers_and_an_empty_server_header(
    gate: RunningGate, path: str
) -> None:
    response = httpx.get(f"{gate.url}{path}")
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["referrer-policy"] == "no-referrer"
    policy = response.headers.get_list("content-security-policy")
    assert policy == ["default-src 'none'; frame-ancestors 'none'"]
    assert response.headers["x-frame-options"] == "DENY"
    assert response.headers["cross-origin-resource-policy"] == "same-origin"
    assert response.headers["server"] == ""
    assert "strict-transport-security" not in response.headers


@pytest.mark.parametrize("path", ["/docs", "/docs/oauth2-redirect"])
def test_csp_of_docs_allows_its_files_and_its_issuer(gate: RunningGate, path: str) -> None:
    response = httpx.get(f"{gate.url}{path}")
    (policy,) = response.headers.get_list("content-security-policy")
    assert "script-src 'self';" in policy
    assert "style-src 'self';" in policy
    assert "unsafe" not in policy
    if path == "/docs":
        assert f"connect-src 'self' {gate.issuer.origin};" in policy
    page = response.text  # What the policy would block:
    assert not re.search(r"<style|<script>|\sstyle=|\son[a-z]+=", page)


def test_https_resource_url_enables_hsts(start_gate: StartGate) -> None:
    gate = start_gate(RESOURCE_URL="https://items.example.com")
    response = httpx.get(f"{gate.url}/livez")
    assert response.headers["strict-transport-security"] == "max-age=31536000"


def _first_line(gate: RunningGate, request: bytes) -> bytes:
    """Send bytes; return the status line, empty if the connection was closed."""
    with socket.create_connection(
        ("127.0.0.1", int(gate.url.rpartition(":")[2])), 10
    ) as connection:
        try:
            connection.sendall(request)
            return connection.recv(4096).partition(b"\r\n")[0]
        except ConnectionError:
            return b""


@pytest.mark.parametrize(
    "request_head",
    [
        b"GET /items HTTP/1.1\r\nHost: x\r\nX-A: " + b"a" * 200_000 + b"\r\n\r\n",
        b"GET /items HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + b"a" * 5_000_000,
        b"GET /items HTTP/1.1\r\nHost: x\r\n" + b"X-A: a\r\n" * 50_000 + b"\r\n",
        b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /items?" + b"a" * 66_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
    ids=["header", "authorization", "many headers", "path", "query"],
)
def test_oversized_request_head_is_rejected(gate: RunningGate, request_head: bytes) -> None:
    response = _first_line(gate, request_head)
    assert not response or response.split(b" ")[1] in (b"400", b"414", b"431")
    assert httpx.get(f"{gate.url}/livez").status_code == 200


def test_oversized_body_is_401_without_and_413_with_a_token(
    gate: RunningGate,
) -> None:
    body = b'{"name": "' + b"a" * 2_000_000 + b'"}'
    headers = {"Content-Type": "application/json"}
    url = f"{gate.url}/items"
    assert httpx.post(url, content=body, headers=headers).status_code == 401
    response = httpx.post(url, content=body, headers={**headers, **gate.bearer()})
    assert response.status_code == 413
    assert not gate.rows()


def test_preflight_allows_the_headers_of_cors_headers(start_gate: StartGate) -> None:
    gate = start_gate(CORS_ORIGINS=ORIGIN, CORS_HEADERS="traceparent, X-Requested-With")
    response = httpx.options(f"{gate.url}/items", headers={"Origin": ORIGIN, **PREFLIGHT})
    allowed = response.headers["access-control-allow-headers"].split(", ")
    assert {"Authorization", "Content-Type", "traceparent", "X-Requested-With"} <= set(allowed)


@pytest.mark.parametrize("names", ["trace:parent", "x y(z)", '"a"', "Ü"])
def test_invalid_cors_headers_are_rejected(names: str) -> None:
    with pytest.raises(SettingsError, match="CORS_HEADERS"):
        Settings.parse({"ISSUER": "https://x", "CORS_HEADERS": names})
