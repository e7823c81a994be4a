"""Opaque tokens at a running service: what its introspection endpoint may answer."""

import json
import time
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from tests.fixtures.gate import RunningGate, StartGate
from tests.fixtures.problems import assert_problem
from tests.fixtures.tokens import LocalIssuer

PARTNER = "https://partner.example/"
HOUR = 3600

# Members that differ from a valid answer (``...``: missing), the status, and the reason in the log.
CASES: dict[str, tuple[dict[str, Any], int, str | None]] = {
    "valid": ({}, 200, None),
    "no-iss": ({"iss": ...}, 200, None),
    "no-exp": ({"exp": ...}, 200, None),
    "user": ({"sub": "ada"}, 200, None),
    "inactive": ({"active": False}, 401, "introspection-inactive"),
    "another-trusted-issuer": ({"iss": PARTNER}, 401, "claim-iss"),
    "unknown-issuer": ({"iss": "https://evil.example"}, 401, "claim-iss"),
    "no-aud": ({"aud": ...}, 401, "claim-aud"),
    "another-aud": ({"aud": ["api://x"]}, 401, "claim-aud"),
    "expired": ({"exp": 1}, 401, "token-expired"),
    "milliseconds": ({"exp": int(time.time() + HOUR) * 1000}, 401, "claim-exp"),
    "text-for-exp": ({"exp": "never"}, 401, "claim-exp"),
    "future-nbf": ({"nbf": 9_999_999_999}, 401, "token-not-yet-valid"),
    "number-for-sub": ({"sub": 7}, 401, "claim-sub"),
    "number-for-jti": ({"jti": 7}, 401, "claim-jti"),
    "nobody": ({"sub": ...}, 403, "principal-unknown"),
    "no-scope": ({"scope": ...}, 403, "scope-missing"),
}


@pytest.fixture(scope="module")
def introspected() -> list[str]:
    """Return the tokens that were introspected."""
    return []


@pytest.fixture(scope="module")
def gate(
    start_gate: StartGate,
    module_issuer: LocalIssuer,
    introspected: list[str],
    tmp_path_factory: pytest.TempPathFactory,
) -> RunningGate:
    """Return a service that trusts two issuers; opaque tokens are names of cases."""

    def do_post(handler: BaseHTTPRequestHandler) -> None:
        form = parse_qs(handler.rfile.read(int(handler.headers["Content-Length"])).decode())
        (token,) = form["token"]
        introspected.append(token)
        answer = {
            "active": True,
            "iss": module_issuer.issuer,
            "aud": "api://default",
            "exp": int(time.time()) + HOUR,
            "client_id": "client-1",
            "sub": "client-1",
            "scope": "items",
        } | CASES[token][0]
        body = json.dumps({k: v for k, v in answer.items() if v is not ...}).encode()
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    module_issuer._server.RequestHandlerClass.do_POST = do_post  # type: ignore[attr-defined] # a handler without it
    issuers = tmp_path_factory.mktemp("issuers") / "issuers.toml"
    issuers.write_text(
        f'[partner]\nissuer = "{PARTNER}"\naudience = "api://default"\nuser_prefix = "partner:"\n'
    )
    return start_gate(
        TRUSTED_ISSUERS_FILE=str(issuers),
        INTROSPECTION_URL=f"{module_issuer.origin}/introspect",
        INTROSPECTION_CLIENT_ID="us",
        INTROSPECTION_CLIENT_SECRET="secret",
        INTROSPECTION_ISSUER=module_issuer.issuer,
    )


def _get(gate: RunningGate, token: str) -> httpx.Response:
    return httpx.get(f"{gate.url}/items", headers={"Authorization": f"Bearer {token}"})


@pytest.mark.parametrize("name", CASES)
def test_answer_is_judged_like_the_claims_of_a_jwt(gate: RunningGate, name: str) -> None:
    _, status, reason = CASES[name]
    response = _get(gate, name)
    assert response.status_code == status
    if reason is not None:
        assert_problem(response, status, "forbidden" if status == 403 else "invalid-token")
        assert gate.log_line_of(response)["reason"] == reason
        assert reason not in response.text


def test_answer_without_exp_is_not_cached(gate: RunningGate, introspected: list[str]) -> None:
    introspected.clear()
    for name in ("valid", "valid", "valid", "no-exp", "no-exp", "no-exp"):
        assert _get(gate, name).status_code == 200
    assert introspected.count("no-exp") == 3
    assert introspected.count("valid") <= 1
