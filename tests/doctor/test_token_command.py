"""``doctor token``: a token is explained against a running issuer, without database and port."""

import json
import os
from collections.abc import Iterator
from contextlib import chdir
from http.server import BaseHTTPRequestHandler
from io import StringIO
from typing import Any
from unittest.mock import patch

import pytest

from encore.doctor import run_checks
from encore.doctor.reasons import EXPLANATIONS
from encore.service.target import Target
from tests.doctor.test_doctor import doctor
from tests.fixtures.gate import RunningGate
from tests.fixtures.item_service import SERVICE
from tests.fixtures.tokens import LocalIssuer

OPAQUE = "opaque-token-of-a-client"


def explain(gate: RunningGate, token: str, **settings: str) -> tuple[int, str]:
    """Check a token in this process, with these settings; return exit status and output."""
    output = StringIO()
    environment = gate.environment | settings
    with chdir(gate.directory), patch.dict(os.environ, environment, clear=True):
        passed = run_checks(Target(SERVICE), token, output, only_token=True)
    text = output.getvalue()
    for part in token.removeprefix("Bearer ").split("."):
        assert len(part) < 8 or part not in text
    return (0 if passed else 1), text


def lines(output: str) -> list[str]:
    return output.splitlines()


def test_accepted_token_is_reported_with_the_operations_that_it_allows(gate: RunningGate) -> None:
    status, output = explain(gate, f"Bearer {gate.token()}\n")
    assert status == 0
    first, caller, allowed, *lacking = lines(output)
    assert first == "ok    token: it is accepted, and holds SCOPE"
    assert caller == "note  token: it identifies a client that calls for itself"
    assert allowed.startswith("note  token: its scopes allow ")
    for operation in ("GET /items", "POST /items", "DELETE /items/{id}", "GET /private"):
        assert operation in allowed
    assert "/public" not in output
    assert "note  token: without read:messages it cannot call GET /private-scoped" in lacking
    assert any("without items:upload it cannot call POST /items/upload" in n for n in lacking)


def test_token_may_be_an_argument_or_come_from_stdin(gate: RunningGate) -> None:
    token = gate.token(aud="api://x")
    results = [doctor(gate, None, "token", token), doctor(gate, token, "token")]
    assert {status for status, _ in results} == {1}
    assert len({output for _, output in results}) == 1
    assert "its audience is 'api://x', the service expects 'api://default'" in results[0][1]


def test_refused_token_does_not_hide_the_scopes_that_a_valid_one_lacks(gate: RunningGate) -> None:
    status, output = explain(gate, gate.token(scp=["read:messages"]))
    assert status == 1
    assert "FAIL  token: it lacks the scope items (SCOPE); it holds read:messages in scp" in output
    assert "its scopes allow POST /batch, GET /private, GET /private-scoped" in output


def test_token_is_explained_while_its_issuer_cannot_be_reached(gate: RunningGate) -> None:
    issuer = "http://localhost:9/oauth2/default"
    status, output = explain(gate, gate.token(iss=issuer, aud="x"), ISSUER=issuer)
    assert status == 1
    unreachable, unchecked, audience = lines(output)
    assert unreachable.startswith(f"FAIL  issuer {issuer}: it does not respond")
    assert unchecked.startswith("note  token: its signature was not checked")
    assert "its audience is 'x'" in audience


def test_database_and_other_issuers_are_not_needed(gate: RunningGate) -> None:
    settings = {"DATABASE_URL": "sqlite:////nowhere/none.sqlite"}
    status, output = explain(gate, gate.token(), **settings)
    assert (status, lines(output)[0]) == (0, "ok    token: it is accepted, and holds SCOPE")


def test_revoked_token_is_explained(gate: RunningGate) -> None:
    revoked = gate.directory / "revoked.txt"
    revoked.write_text("AT.gone\n")
    status, output = explain(gate, gate.token(jti="AT.gone"), REVOKED_TOKENS_FILE=str(revoked))
    assert status == 1
    assert "FAIL  token: it was revoked: its jti is in REVOKED_TOKENS_FILE" in output


@pytest.fixture
def introspected() -> Iterator[tuple[LocalIssuer, dict[str, Any]]]:
    """Return a server, and the introspection response that it sends."""
    server, response = LocalIssuer(), dict[str, Any]()

    def do_post(handler: BaseHTTPRequestHandler) -> None:
        handler.rfile.read(int(handler.headers["Content-Length"]))
        body = json.dumps(response).encode()
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    server._server.RequestHandlerClass.do_POST = do_post  # type: ignore[attr-defined] # a handler without it
    yield server, response
    server.close()


def introspect(
    gate: RunningGate, introspected: tuple[LocalIssuer, dict[str, Any]], **response: Any
) -> tuple[int, str]:
    server, answer = introspected
    answer.clear()
    valid = {"active": True, "aud": "api://default", "sub": "client-1", "client_id": "client-1"}
    answer.update(valid | {"iss": gate.issuer.issuer, "scope": "items"} | response)
    return explain(
        gate,
        OPAQUE,
        INTROSPECTION_URL=f"{server.origin}/introspect",
        INTROSPECTION_CLIENT_ID="us",
        INTROSPECTION_CLIENT_SECRET="hidden-value",
    )


def test_opaque_token_is_introspected(gate: RunningGate, introspected: Any) -> None:
    status, output = introspect(gate, introspected)
    assert (status, lines(output)[0]) == (0, "ok    token: it is accepted, and holds SCOPE")
    status, output = introspect(gate, introspected, aud=["api://other"])
    assert status == 1
    assert "its audience is ['api://other'], the service expects 'api://default'" in output
    status, output = introspect(gate, introspected, active=False)
    assert (status, "says that it is not active" in output) == (1, True)
    status, output = introspect(gate, introspected, token_type="refresh_token")
    assert (status, "found 'refresh_token'" in output) == (1, True)
    status, output = introspect(gate, introspected, iss="https://x/", exp=1, scope="other")
    words = ["its issuer is 'https://x/', must be ", "it expired ", "it lacks the scope items"]
    assert [word for word, line in zip(words, lines(output), strict=True) if word not in line] == []
    status, output = introspect(gate, introspected, scope="other")
    assert (status, "it lacks the scope items" in output) == (1, True)


def test_opaque_token_without_introspection_is_explained(gate: RunningGate) -> None:
    status, output = explain(gate, OPAQUE)
    assert status == 1
    assert lines(output) == [
        f"FAIL  token: {EXPLANATIONS['not-three-segments']}",
    ]


def test_introspection_that_does_not_respond_is_explained(gate: RunningGate) -> None:
    status, output = explain(
        gate,
        OPAQUE,
        INTROSPECTION_URL="http://127.0.0.1:9/introspect",
        INTROSPECTION_CLIENT_ID="us",
        INTROSPECTION_CLIENT_SECRET="hidden-value",
    )
    assert status == 1
    assert "could not be asked" in output
    assert "(ConnectError)" in output


@pytest.mark.parametrize("text", ["", "two words", "\xff\n", "\ufffd"])
def test_input_that_is_not_a_token_is_explained(gate: RunningGate, text: str) -> None:
    status, output = explain(gate, text)
    assert (status, output) == (1, "FAIL  token: it must be one word; paste the token alone\n")


def test_invalid_setting_is_reported_first(gate: RunningGate) -> None:
    status, output = explain(gate, gate.token(), CLOCK_SKEW_SECONDS="many")
    assert status == 1
    assert output == "FAIL  CLOCK_SKEW_SECONDS: must be an integer from 0 to 120\n"


def test_caller_without_a_name_is_explained(gate: RunningGate) -> None:
    status, output = explain(gate, gate.token(sub="ada"), USER_CLAIM="email")
    assert status == 1
    assert "it identifies a user without a name: The token does not identify a user" in output
    assert "its scopes allow GET /items" in output
