"""The doctor: each problem is reported in one line, without secrets."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler

import pytest

from encore.doctor.check_result import failed
from tests.fixtures.gate import RunningGate
from tests.fixtures.item_service import SERVICE
from tests.fixtures.tokens import LocalIssuer, Signer


def doctor(
    gate: RunningGate, token: str | None = None, *arguments: str, **settings: str
) -> tuple[int, str]:
    """Run the doctor beside a service, with these settings; return exit status and output."""
    given = arguments or ([] if token is None else ["-"])
    completed = subprocess.run(
        [sys.executable, "-m", "encore", "doctor", SERVICE, *given],
        cwd=gate.directory,
        env=gate.environment | settings,
        input=token or "",
        capture_output=True,
        text=True,
        check=False,
    )
    assert completed.stderr == ""
    for line in completed.stdout.splitlines():
        assert line[:6] in ("ok    ", "note  ", "FAIL  ")
    assert (completed.returncode == 0) is ("FAIL" not in completed.stdout)
    for part in (token or "").removeprefix("Bearer ").split("."):
        assert len(part) < 8 or part not in completed.stdout
    return completed.returncode, completed.stdout


def test_all_checks_passed_exits_with_zero(gate: RunningGate) -> None:
    status, output = doctor(gate, f"Bearer {gate.token()}\n")
    assert status == 0
    assert "ok    DATABASE_URL" in output
    assert "is taken by a running service" in output
    assert "with 1 usable key(s)" in output
    assert "ok    clock" in output
    assert "ok    token: it is accepted, and holds SCOPE" in output


def test_invalid_setting_is_named_and_ends_the_checks(gate: RunningGate) -> None:
    status, output = doctor(gate, CLOCK_SKEW_SECONDS="many")
    assert status == 1
    assert output == "FAIL  CLOCK_SKEW_SECONDS: must be an integer from 0 to 120\n"


def test_missing_database_and_taken_port_are_reported(gate: RunningGate) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        _, output = doctor(gate, DATABASE_URL="sqlite:///none.sqlite", SERVER_PORT=port)
    assert "FAIL  DATABASE_URL: there is no database yet; run" in output
    assert f"FAIL  SERVER_PORT: port {port}" in output


@pytest.fixture
def issuer() -> Iterator[LocalIssuer]:
    issuer = LocalIssuer()
    yield issuer
    issuer.close()


def test_unreachable_issuer_is_reported(gate: RunningGate) -> None:
    _, output = doctor(gate, ISSUER="http://localhost:9/oauth2/default")
    assert "FAIL  issuer http://localhost:9/oauth2/default: it does not respond" in output


def test_issuer_without_documents_is_reported(gate: RunningGate, issuer: LocalIssuer) -> None:
    _, output = doctor(gate, ISSUER=issuer.issuer)
    assert "there are neither discovery nor keys" in output


def test_discovery_of_another_issuer_is_reported_with_its_name(gate: RunningGate) -> None:
    _, output = doctor(gate, gate.token(), ISSUER=gate.issuer.issuer + "/")
    assert f"its discovery document names the issuer '{gate.issuer.issuer}'" in output
    assert "ISSUER differs in the final slash" in output


def test_ignored_key_is_reported_with_reason(gate: RunningGate, issuer: LocalIssuer) -> None:
    issuer.discovery()
    weak = Signer("weak", bits=1024).jwk
    issuer.keys(weak, gate.signer.jwk | {"kid": "enc", "use": "enc"}, {"kty": "RSA"}, 7)
    _, output = doctor(gate, ISSUER=issuer.issuer)
    assert "key 'weak' is ignored: its size is not 2048 to 8192 bits" in output
    assert "key 'enc' is ignored: its use is not \"sig\"" in output
    assert "its n is missing" in output
    assert "it is not a JSON object" in output
    assert "it has no usable key" in output


@pytest.mark.parametrize(
    ("offset", "message"), [(3600, "3600 s behind"), (-3600, "3600 s ahead of")]
)
def test_clock_difference_is_reported(
    gate: RunningGate, issuer: LocalIssuer, offset: int, message: str
) -> None:
    issuer.discovery()

    def respond(handler: BaseHTTPRequestHandler) -> None:
        body = json.dumps({"keys": [gate.signer.jwk]}).encode()
        handler.send_response_only(200)
        handler.send_header("Date", handler.date_time_string(time.time() + offset))
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    issuer.responses["/oauth2/default/v1/keys"] = respond
    _, output = doctor(gate, ISSUER=issuer.issuer)
    # A second may pass between the two clocks.
    accepted = {message, message.replace("3600", "3599"), message.replace("3600", "3601")}
    assert any(f"FAIL  clock: this machine's is {text}" in output for text in accepted)


def test_line_with_control_characters_stays_one_line() -> None:
    line = failed("issuer", "key 'a\n\x1b[31mok    all is well' is passed over").line()
    assert line.isprintable()


@pytest.mark.processes
@pytest.mark.parametrize(
    "arguments", [["doctor", "--x"], ["doctor", "a", "b"], ["doctor", "token", "a", "b"], ["sing"]]
)
def test_unknown_argument_is_a_usage_error(arguments: list[str]) -> None:
    completed = subprocess.run(
        [sys.executable, "-m", "api", *arguments], capture_output=True, text=True, check=False
    )
    assert completed.returncode == 2
    assert completed.stderr.startswith("usage: ")


def test_introspection_is_checked_with_an_invented_token(gate: RunningGate) -> None:
    _, output = doctor(
        gate,
        INTROSPECTION_URL="http://127.0.0.1:9/introspect",
        INTROSPECTION_CLIENT_ID="us",
        INTROSPECTION_CLIENT_SECRET="hidden-value",
    )
    assert "FAIL  INTROSPECTION_URL: it cannot be reached (ConnectError)" in output
    assert "hidden-value" not in output
