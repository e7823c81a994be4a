"""What browsers are told: CORS, security headers, and the limits on what a request may send."""

import socket

import httpx
import pytest

from encore.http.cors import EXPOSED
from encore.settings import Settings, SettingsError
from tests.fixtures.gate import RunningGate, StartGate

ORIGIN = "https://app.example.com"
PREFLIGHT = {"Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "prefer"}


@pytest.fixture(scope="module")
def open_gate(start_gate: StartGate) -> RunningGate:
    return start_gate(CORS_ORIGINS=f"{ORIGIN}, http://localhost:5173")


@pytest.mark.parametrize("path", ["/items", "/items/1", "/public", "/nowhere"])
@pytest.mark.parametrize("origin", [ORIGIN, "http://localhost:5173"])
def test_a_preflight_of_a_listed_origin_passes_without_a_token(
    open_gate: RunningGate, path: str, origin: str
) -> None:
    response = httpx.options(f"{open_gate.url}{path}", headers={"Origin": origin, **PREFLIGHT})
    assert response.status_code == 204
    assert response.headers["access-control-allow-origin"] == origin
    assert "PUT" in response.headers["access-control-allow-methods"]
    assert "Authorization" in response.headers["access-control-allow-headers"]
    assert "access-control-allow-credentials" not in response.headers


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "https://app.example.com.evil.example", "null", ""]
)
def test_any_other_origin_is_not_answered_as_allowed(open_gate: RunningGate, origin: str) -> None:
    headers = {"Origin": origin, **PREFLIGHT}
    preflight = httpx.options(f"{open_gate.url}/items", headers=headers)
    assert preflight.status_code == 401
    read = httpx.get(f"{open_gate.url}/items", headers={**open_gate.bearer(), "Origin": origin})
    assert read.status_code == 200
    for response in (preflight, read):
        assert not [name for name in response.headers if name.startswith("access-control-")]
        assert "Origin" in response.headers["vary"].split(", ")


@pytest.mark.parametrize(
    ("path", "status"), [("/items", 401), ("/items?x=1", 400), ("/items/404", 404), ("/", 404)]
)
def test_a_page_may_read_refusals_as_well(open_gate: RunningGate, path: str, status: int) -> None:
    headers = {} if status == 401 else open_gate.bearer()
    response = httpx.get(f"{open_gate.url}{path}", headers={**headers, "Origin": ORIGIN})
    assert response.status_code == status
    assert response.headers["access-control-allow-origin"] == ORIGIN
    exposed = response.headers["access-control-expose-headers"].split(", ")
    assert exposed == list(EXPOSED)
    assert {"Content-Range", "Link", "Preference-Applied", "Location", "ETag"} <= set(exposed)


def test_an_options_request_that_is_no_preflight_is_behind_the_gate(
    open_gate: RunningGate,
) -> None:
    response = httpx.options(f"{open_gate.url}/items", headers={"Origin": ORIGIN})
    assert response.status_code == 401


def test_any_origin_may_be_allowed(start_gate: StartGate) -> None:
    gate = start_gate(CORS_ORIGINS="*")
    response = httpx.get(f"{gate.url}/items", headers={"Origin": "https://anyone.example"})
    assert response.headers["access-control-allow-origin"] == "*"


def test_without_the_setting_there_is_no_cors(gate: RunningGate) -> None:
    response = httpx.options(f"{gate.url}/items", headers={"Origin": ORIGIN, **PREFLIGHT})
    assert response.status_code == 401
    assert not {"vary", "access-control-allow-origin"} & set(response.headers)


@pytest.mark.parametrize(
    "origins", ["app.example.com", "https://a.example/", "https://A.example", "null", "* https://a"]
)
def test_what_browsers_do_not_send_as_origin_is_refused_at_start(origins: str) -> None:
    with pytest.raises(SettingsError, match="CORS_ORIGINS"):
        Settings.parse({"ISSUER": "https://x", "CORS_ORIGINS": origins})


@pytest.mark.parametrize(
    "path", ["/livez", "/items", "/nowhere", "/openapi.json", "/docs-assets/x"]
)
def test_every_answer_has_the_security_headers_and_no_banner(gate: RunningGate, path: str) -> None:
    response = httpx.get(f"{gate.url}{path}")
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["referrer-policy"] == "no-referrer"
    policy = response.headers.get_list("content-security-policy")
    assert policy == ["default-src 'none'; frame-ancestors 'none'"]
    assert response.headers["server"] == ""
    assert "strict-transport-security" not in response.headers


def test_the_docs_page_may_run_its_own_scripts_and_ask_its_issuer_for_a_token(
    gate: RunningGate,
) -> None:
    response = httpx.get(f"{gate.url}/docs")
    (policy,) = response.headers.get_list("content-security-policy")
    assert "script-src 'self' 'sha256-" in policy
    assert f"connect-src 'self' {gate.issuer.origin};" in policy
    assert "unsafe-eval" not in policy
    assert policy.count("'unsafe-inline'") == 1  # Styles, which Swagger UI writes into elements.


def test_https_is_insisted_on_where_the_service_is_reached_by_it(start_gate: StartGate) -> None:
    gate = start_gate(RESOURCE_URL="https://items.example.com")
    response = httpx.get(f"{gate.url}/livez")
    assert response.headers["strict-transport-security"] == "max-age=31536000"


def _first_line(gate: RunningGate, request: bytes) -> bytes:
    """Send octets; give the status line, or nothing where the connection was closed."""
    with socket.create_connection(("127.0.0.1", int(gate.url.rpartition(":")[2])), 10) as wire:
        try:
            wire.sendall(request)
            return wire.recv(4096).partition(b"\r\n")[0]
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
def test_a_head_that_is_too_large_is_refused_by_the_server(
    gate: RunningGate, request_head: bytes
) -> None:
    answer = _first_line(gate, request_head)
    assert not answer or answer.split(b" ")[1] in (b"400", b"414", b"431")
    assert httpx.get(f"{gate.url}/livez").status_code == 200


def test_a_body_that_is_too_large_is_413_and_only_for_those_who_may_write(
    gate: RunningGate,
) -> None:
    body = b'{"name": "' + b"a" * 2_000_000 + b'"}'
    headers = {"Content-Type": "application/json"}
    url = f"{gate.url}/items"
    assert httpx.post(url, content=body, headers=headers).status_code == 401
    answer = httpx.post(url, content=body, headers={**headers, **gate.bearer()})
    assert answer.status_code == 413
    assert not gate.rows()


def test_preflights_allow_the_headers_that_a_setting_names(start_gate: StartGate) -> None:
    gate = start_gate(CORS_ORIGINS=ORIGIN, CORS_HEADERS="traceparent, X-Requested-With")
    answer = httpx.options(f"{gate.url}/items", headers={"Origin": ORIGIN, **PREFLIGHT})
    allowed = answer.headers["access-control-allow-headers"].split(", ")
    assert {"Authorization", "Content-Type", "traceparent", "X-Requested-With"} <= set(allowed)


@pytest.mark.parametrize("names", ["trace:parent", "x y(z)", '"a"', "Ü"])
def test_a_header_that_has_no_such_name_stops_the_start(names: str) -> None:
    with pytest.raises(SettingsError, match="CORS_HEADERS"):
        Settings.parse({"ISSUER": "https://x", "CORS_HEADERS": names})
