"""The request log: one line for each request, without secrets."""

import json
import socket
import sqlite3
from contextlib import closing
from typing import Any
from uuid import uuid4

import httpx
import pytest
import structlog
from starlette.requests import ClientDisconnect

from encore.database.errors import UniqueViolation
from encore.errors import Conflict
from encore.http.access import PUBLIC, public
from encore.http.application import Application
from encore.http.caller_fields import hash_subject
from encore.secret_key import Secret
from tests.fixtures.gate import RunningGate, StartGate
from tests.fixtures.system import START_SECONDS

FIELDS = {
    "timestamp",
    "request_id",
    "issuer",
    "subject",
    "client",
    "remote_address",
    "method",
    "route",
    "status",
    "milliseconds",
    "reason",
    "cause",
    "event",
    "level",
}


def disconnect_in_the_body(gate: RunningGate, token: str, body: str) -> dict[str, Any]:
    """Disconnect after the first part of a request's body; return the log line of the request."""
    request_id = f"disconnected-{uuid4()}"
    head = (
        f"POST /items HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
        f"X-Request-Id: {request_id}\r\nContent-Length: 900\r\nExpect: 100-continue\r\n\r\n"
    )
    address = ("127.0.0.1", int(gate.url.rpartition(":")[2]))
    with socket.create_connection(address, START_SECONDS) as connection:
        connection.sendall(head.encode())
        # Otherwise the server may see the disconnect before the request.
        assert connection.recv(1024).startswith(b"HTTP/1.1 ")
        connection.sendall(body.encode())
    return gate.log_line(request_id)


def test_log_contains_no_token_query_or_body(gate: RunningGate) -> None:
    secret = "s3cret-of-the-body"
    tokens = [gate.token(), gate.token(scp=["x"]), gate.token(exp=1), gate.token({"alg": "none"})]
    tokens += [gate.token() + "=", "opaque-token-of-somebody", "a.b.c"]
    url = gate.url
    for token in tokens:
        headers = {"Authorization": f"Bearer {token}"}
        httpx.post(f"{url}/items", headers=headers, content=f'{{"name": "{secret}", "x":'.encode())
        httpx.post(f"{url}/items", headers=headers, json={"name": secret})
        httpx.get(f"{url}/items?name={secret}&sort={secret}", headers=headers)
        httpx.get(f"{url}/items?access_token={token}", headers=headers)
        httpx.get(f"{url}/nowhere/{secret}", headers=headers)
        httpx.get(f"{url}/items", headers={"Authorization": f"Basic {token}"})
        httpx.get(f"{url}/items", headers={**headers, "X-Request-Id": f"{token} {secret}"})
        disconnect_in_the_body(gate, token, secret)
    final = httpx.get(f"{url}/livez")
    gate.log_line_of(final)
    log = gate.log()
    assert secret not in log
    for token in tokens:
        for part in token.split("."):
            assert len(part) < 8 or part not in log
    assert "Traceback" not in log


def test_log_line_has_all_fields_with_client_and_route_template(gate: RunningGate) -> None:
    headers = gate.bearer(cid="client-9", sub="ada@example.com")
    response = httpx.get(f"{gate.url}/items/404?x=1", headers=headers)
    line = gate.log_line_of(response)
    assert set(line) == FIELDS
    assert line["client"] == "client-9"
    assert (line["issuer"], line["subject"]) == (gate.issuer.issuer, "ada@example.com")
    assert line["remote_address"] == "127.0.0.1"
    assert (line["method"], line["route"], line["status"]) == ("GET", "/items/{id}", 400)
    assert line["milliseconds"] > 0
    assert line["timestamp"].endswith("Z")


def test_request_without_a_verified_token_names_nobody(gate: RunningGate) -> None:
    headers = [{}, gate.bearer(exp=1, sub="ada"), gate.bearer(header={"kid": "x"}, sub="ada")]
    for sent in headers:
        line = gate.log_line_of(httpx.get(f"{gate.url}/items", headers=sent))
        assert (line["issuer"], line["subject"], line["client"]) == (None, None, None)
    line = gate.log_line_of(httpx.get(f"{gate.url}/items", headers=gate.bearer(sub="ada", scp=[])))
    assert (line["status"], line["subject"]) == (403, "ada")


def test_claims_with_line_breaks_or_of_great_length_are_one_short_line(gate: RunningGate) -> None:
    subject = '"}\r\n{"event": "request", "status": 200} \x1b[31m \u2028' + "x" * 5_000
    response = httpx.get(f"{gate.url}/items", headers=gate.bearer(sub=subject, cid="c\n" * 900))
    line = gate.log_line_of(response)
    assert line["subject"].startswith(r'"}\u000d\u000a{"event": ')
    assert line["subject"].isprintable()
    assert line["client"].startswith(r"c\u000ac\u000a")
    assert len(line["subject"]) < 512
    raw = next(text for text in gate.log().split("\n") if line["request_id"] in text)
    assert raw.isprintable()


def subject_of(service: RunningGate) -> str:
    """Return the logged subject of a request by ada."""
    headers = service.bearer(sub="ada@example.com")
    line = service.log_line_of(httpx.get(f"{service.url}/items", headers=headers))
    assert "ada@example.com" not in service.log()
    assert line["client"] == "client-1"
    subject: str = line["subject"]
    return subject


def expected_subject(service: RunningGate, secret: bytes) -> str:
    key = Secret(secret).derive("encore.log.subjects", 32)
    return hash_subject(key, service.issuer.issuer, "ada@example.com")


def test_hashed_subject_is_made_with_the_setting_or_the_secret_of_the_database(
    start_gate: StartGate,
) -> None:
    secret = "a secret of thirty-two characters or more"
    by_setting = start_gate(LOG_SUBJECTS="hashed", SECRET_KEY=secret)
    assert subject_of(by_setting) == expected_subject(by_setting, secret.encode())
    by_database = start_gate(LOG_SUBJECTS="hashed")
    found = subject_of(by_database)
    with closing(sqlite3.connect(by_database.directory / "gate.sqlite")) as connection:
        ((stored,),) = connection.execute("SELECT value FROM secrets").fetchall()
    assert found == expected_subject(by_database, stored)


@pytest.mark.parametrize("claim", ["cid", "client_id", "azp"])
def test_client_is_logged_from_the_claim_of_each_vendor(gate: RunningGate, claim: str) -> None:
    claims: dict[str, Any] = {"cid": ...} | {claim: f"by-{claim}"}
    headers = gate.bearer(**claims)
    response = httpx.get(f"{gate.url}/items", headers=headers)
    assert gate.log_line_of(response)["client"] == f"by-{claim}"


def test_valid_request_id_is_kept_and_an_invalid_one_is_replaced(
    gate: RunningGate,
) -> None:
    accepted = httpx.get(f"{gate.url}/livez", headers={"X-Request-Id": "from-the-proxy.1"})
    assert accepted.headers["x-request-id"] == "from-the-proxy.1"
    for invalid in ("a b", "a\tb", "x" * 65, '"'):
        response = httpx.get(f"{gate.url}/livez", headers={"X-Request-Id": invalid})
        assert invalid not in response.headers["x-request-id"]


def test_request_with_a_disconnect_in_the_body_is_logged(gate: RunningGate) -> None:
    rows = gate.rows()
    line = disconnect_in_the_body(gate, gate.token(), "{")
    assert (line["route"], line["method"], line["client"]) == ("/items", "POST", "client-1")
    assert line["reason"] is not None
    assert gate.rows() == rows


@pytest.fixture
def failing_app() -> Application:
    app = Application(access={"/openapi.json": PUBLIC}, docs_url=None, redoc_url=None)

    @app.get("/fails")
    @public
    async def fails() -> None:
        raise LookupError("secret detail")

    @app.get("/leaves")
    @public
    async def leaves() -> None:
        raise ClientDisconnect

    @app.get("/conflicts")
    @public
    async def conflicts() -> None:
        raise Conflict from UniqueViolation("secret detail", code="23505")

    return app


@pytest.mark.anyio
async def test_log_line_of_a_database_error_has_only_its_code(failing_app: Application) -> None:
    transport = httpx.ASGITransport(app=failing_app)
    with structlog.testing.capture_logs() as logs:
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
            await client.get("/conflicts")
    assert [(line["status"], line["reason"], line["cause"]) for line in logs] == [
        (409, "conflict", "23505")
    ]
    assert "secret detail" not in json.dumps(logs)


@pytest.mark.anyio
async def test_unexpected_exception_is_500_and_logged_without_its_message(
    failing_app: Application,
) -> None:
    transport = httpx.ASGITransport(app=failing_app, raise_app_exceptions=False)
    with structlog.testing.capture_logs() as logs:
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
            response = await client.get("/fails")
    assert response.status_code == 500
    (error_line, line) = logs
    assert error_line["error"] == "LookupError"
    assert error_line["trace"]
    assert error_line["request_id"] == line["request_id"] == response.headers["x-request-id"]
    assert (line["status"], line["reason"], line["route"]) == (500, "internal-error", "/fails")
    assert "secret detail" not in json.dumps(logs) + response.text


@pytest.mark.anyio
async def test_request_whose_response_cannot_be_sent_is_logged(failing_app: Application) -> None:
    async def disconnected_send(_: Any) -> None:
        raise OSError("nobody is there any more")

    async def receive() -> Any:
        return {"type": "http.disconnect"}

    scope = {"type": "http", "method": "GET", "path": "/fails", "headers": [], "query_string": b""}
    with structlog.testing.capture_logs() as logs, pytest.raises(OSError, match="nobody"):
        await failing_app(scope, receive, disconnected_send)
    line = logs[-1]
    assert (line["event"], line["route"]) == ("request", "/fails")
    assert line["reason"] is not None


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
