"""Authentication over a real server: problems, challenges and log lines of rejected tokens."""

import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.fixtures.gate import RunningGate, StartGate
from tests.fixtures.problems import assert_problem
from tests.fixtures.tokens import Signer, b64

BARE = "Bearer"
INVALID_REQUEST = 'Bearer error="invalid_request"'
HINT = "To see why, run on the server: python -m encore doctor app:service token"
INVALID_TOKEN = 'Bearer error="invalid_token"'
INSUFFICIENT = 'Bearer error="insufficient_scope", scope="items"'
METADATA = "resource_metadata="

Headers = list[tuple[str, str]]
Case = Callable[[RunningGate, Signer], Headers]


def _bearer(token: str) -> Headers:
    return [("Authorization", f"Bearer {token}")]


def _claims(**changes: Any) -> Case:
    return lambda gate, _: _bearer(gate.token(**changes))


def _header(**changes: Any) -> Case:
    return lambda gate, _: _bearer(gate.token(changes))


def _raw(value: str) -> Case:
    return lambda _gate, _forger: [("Authorization", value)]


def _deeply_nested(gate: RunningGate, _: Signer) -> Headers:
    header = b'{"alg":"RS256","kid":"key-1","x":' + b"[" * 1000 + b"]" * 1000 + b"}"
    return _bearer((b64(header) + b"." + b64(gate.signer.claims()) + b"." + b64(b"x")).decode())


def _two_headers(gate: RunningGate, _: Signer) -> Headers:
    return [*_bearer(gate.token()), *_bearer(gate.token())]


def _duplicate_claim(gate: RunningGate, _: Signer) -> Headers:
    payload = f'{{"iss":"{gate.issuer.issuer}","aud":"x","aud":"api://default","exp":9999999999}}'
    return _bearer(gate.signer.sign(gate.signer.header(), payload.encode()).decode())


def _forged(gate: RunningGate, forger: Signer) -> Headers:
    now = int(time.time())
    return _bearer(forger.token(iss=gate.issuer.issuer, iat=now, exp=now + 60).decode())


NO_HEADER = "You must send an Authorization header"
NOT_BEARER = "Expected a Bearer token"
NOT_PARSED = "Jwt cannot be parsed"
NOT_VALID = "Jwt is not valid"
EXPIRED = "Jwt is expired"
MALFORMED = "The bearer token was not sent as one well-formed Authorization header"
NO_SCOPE = "Could not verify the proper scope"

CASES: dict[str, tuple[Case, int, str, str, str]] = {
    "no header": (lambda *_: [], 401, BARE, NO_HEADER, "no-authorization-header"),
    "an empty header": (_raw(""), 401, BARE, NO_HEADER, "no-authorization-header"),
    "Basic": (_raw("Basic asdf:1234"), 401, BARE, NOT_BEARER, "other-scheme"),
    "Bearer alone": (_raw("Bearer"), 400, INVALID_REQUEST, MALFORMED, "malformed-bearer-value"),
    "two words": (_raw("Bearer a b"), 400, INVALID_REQUEST, MALFORMED, "malformed-bearer-value"),
    "two headers": (_two_headers, 400, INVALID_REQUEST, MALFORMED, "two-authorization-headers"),
    "no JWT": (_raw("Bearer asdf"), 401, INVALID_TOKEN, NOT_PARSED, "not-three-segments"),
    "a JWE": (_raw("bearer a.b.c.d.e"), 401, INVALID_TOKEN, NOT_PARSED, "not-three-segments"),
    "17 KB": (_raw("Bearer " + "x" * 17000), 401, INVALID_TOKEN, NOT_PARSED, "token-too-large"),
    "nested 1,000 deep": (_deeply_nested, 401, INVALID_TOKEN, NOT_PARSED, "not-a-jwt"),
    "a claim twice": (_duplicate_claim, 401, INVALID_TOKEN, NOT_PARSED, "not-a-jwt"),
    "padding": (
        lambda g, _: _bearer(g.token() + "="), 401, INVALID_TOKEN, NOT_PARSED, "not-a-jwt"),
    "alg none": (_header(alg="none"), 401, INVALID_TOKEN, NOT_VALID, "algorithm-not-trusted"),
    "alg HS256": (_header(alg="HS256"), 401, INVALID_TOKEN, NOT_VALID, "algorithm-not-trusted"),
    "a number for kid": (_header(kid=7), 401, INVALID_TOKEN, NOT_VALID, "header-kid"),
    "unknown kid": (_header(kid="k"), 401, INVALID_TOKEN, NOT_VALID, "key-unknown"),
    "ID token's typ": (_header(typ="id+jwt"), 401, INVALID_TOKEN, NOT_VALID, "header-typ"),
    "crit": (_header(crit=["exp"]), 401, INVALID_TOKEN, NOT_VALID, "header-member-refused"),
    "a key brought along": (
        _header(jwk={}), 401, INVALID_TOKEN, NOT_VALID, "header-member-refused"),
    "another's signature": (_forged, 401, INVALID_TOKEN, NOT_VALID, "signature"),
    "another issuer": (
        _claims(iss="https://evil.example"), 401, INVALID_TOKEN, NOT_VALID, "issuer-unknown"),
    "another audience": (_claims(aud="api://x"), 401, INVALID_TOKEN, NOT_VALID, "claim-aud"),
    "no audience": (_claims(aud=...), 401, INVALID_TOKEN, NOT_VALID, "claim-aud"),
    "no expiry": (_claims(exp=...), 401, INVALID_TOKEN, NOT_VALID, "claim-exp"),
    "a list for exp": (_claims(exp=[]), 401, INVALID_TOKEN, NOT_VALID, "claim-exp"),
    "expired": (_claims(exp=1), 401, INVALID_TOKEN, EXPIRED, "token-expired"),
    "not valid yet": (
        _claims(nbf=9_999_999_999), 401, INVALID_TOKEN, NOT_VALID, "token-not-yet-valid"),
    "a number for jti": (_claims(jti=7), 401, INVALID_TOKEN, NOT_VALID, "claim-jti"),
    "another scope": (_claims(scp=["x"]), 403, INSUFFICIENT, NO_SCOPE, "scope-missing"),
    "part of a scope": (
        _claims(scp=["item"]), 403, INSUFFICIENT, NO_SCOPE, "scope-missing"),
    "no scope": (_claims(scp=...), 403, INSUFFICIENT, NO_SCOPE, "scope-missing"),
    "a scope that is a number": (_claims(scp=7), 403, INSUFFICIENT, NO_SCOPE, "scope-ill-typed"),
    "scope in Auth0's claim": (
        _claims(scp=..., scope="items"), 403, INSUFFICIENT, NO_SCOPE, "scope-missing"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_rejected_token_has_its_problem_and_log_line_and_writes_nothing(
    gate: RunningGate, forger: Signer, name: str
) -> None:
    make, status, challenge, message, reason = CASES[name]
    before = gate.rows()
    headers = make(gate, forger)
    response = httpx.post(f"{gate.url}/items", headers=headers, json={"name": "intruder"})
    slug = {400: "invalid-request", 401: "invalid-token", 403: "forbidden"}[status]
    assert_problem(response, status, slug, message)
    assert response.headers.get_list("www-authenticate") == [challenge]
    for _, value in headers:
        assert value.rpartition(" ")[2] not in response.text or len(value) < 16
    assert reason not in response.text
    assert response.json().get("hint") == (HINT if challenge == INVALID_TOKEN else None)
    line = gate.log_line_of(response)
    assert (line["status"], line["reason"], line["route"]) == (status, reason, "/items")
    assert line["client"] == ("client-1" if status == 403 else None)
    assert gate.rows() == before
    assert httpx.get(f"{gate.url}/items", headers=gate.bearer()).status_code == 200


def test_second_token_in_the_query_is_400(gate: RunningGate) -> None:
    url = f"{gate.url}/items?access%5Ftoken=x"
    response = httpx.get(url, headers=gate.bearer())
    assert_problem(response, 400, "invalid-request")
    assert response.headers.get_list("www-authenticate") == [INVALID_REQUEST]


def test_401_precedes_403_and_403_precedes_404_and_405(gate: RunningGate) -> None:
    other = gate.bearer(scp=["x"])
    statuses = [
        httpx.get(f"{gate.url}/nowhere").status_code,
        httpx.put(f"{gate.url}/items").status_code,
        httpx.get(f"{gate.url}/items/404", headers=other).status_code,
        httpx.put(f"{gate.url}/items", headers=other).status_code,
        httpx.get(f"{gate.url}/items/404", headers=gate.bearer()).status_code,
        httpx.put(f"{gate.url}/items", headers=gate.bearer()).status_code,
    ]
    assert statuses == [401, 401, 403, 403, 404, 405]


@pytest.fixture(scope="module")
def with_hostile_issuers(
    start_gate: StartGate, module_issuer: Any, tmp_path_factory: pytest.TempPathFactory
) -> RunningGate:
    """Return a service that trusts one valid issuer and several hostile ones."""
    origin = module_issuer.origin
    keys = {"keys": [Signer("key-1").jwk]}
    module_issuer.raw("/huge/jwks", b" " * 300_000 + b"{}")
    module_issuer.raw("/redirect/jwks", b"", 302, Location=f"{origin}/oauth2/default/v1/keys")
    module_issuer.json("/lying/.well-known/openid-configuration", {"issuer": "https://x"})
    module_issuer.json("/lying/v1/keys", keys)
    module_issuer.raw("/garbage/jwks", b"[" * 100_000)
    module_issuer.json("/weak/jwks", {"keys": [Signer("key-1", bits=1024).jwk]})
    module_issuer.json("/empty/jwks", {"keys": []})
    required = f'issuer = "{origin}/%s"\naudience = "api://default"\nuser_prefix = ""\n'
    sections = ["[lying]\n" + required % "lying"]
    sections += [
        f'[{name}]\n{required % name}jwks_uri = "{origin}/{name}/jwks"\n'
        for name in ("huge", "redirect", "garbage", "weak", "empty")
    ]
    path = tmp_path_factory.mktemp("issuers") / "issuers.toml"
    path.write_text("\n".join(sections))
    return start_gate(TRUSTED_ISSUERS_FILE=str(path))


@pytest.mark.parametrize("name", ["huge", "redirect", "lying", "garbage", "weak", "empty"])
def test_issuer_without_usable_keys_is_503_for_its_tokens_only(
    with_hostile_issuers: RunningGate, name: str
) -> None:
    token = with_hostile_issuers.token(iss=f"{with_hostile_issuers.issuer.origin}/{name}")
    headers = {"Authorization": f"Bearer {token}"}
    response = httpx.post(f"{with_hostile_issuers.url}/items", headers=headers, json={}, timeout=20)
    assert_problem(response, 503, "service-unavailable")
    assert "www-authenticate" not in response.headers
    assert int(response.headers["retry-after"]) >= 1
    assert with_hostile_issuers.log_line_of(response)["reason"] == "keys-unavailable"
    assert not with_hostile_issuers.rows()
    valid = httpx.get(f"{with_hostile_issuers.url}/items", headers=with_hostile_issuers.bearer())
    assert valid.status_code == 200


def test_unknown_kids_trigger_at_most_five_fetches_and_valid_tokens_pass(
    start_gate: StartGate,
) -> None:
    gate = start_gate()
    valid = gate.bearer()
    with httpx.Client(base_url=gate.url) as client:
        assert client.get("/items", headers=valid).status_code == 200
        before = len(gate.issuer.requested)
        _, unchanged = gate.token().split(".", 1)
        for number in range(1000):
            header = b64({"alg": "RS256", "kid": f"forged-{number}"}).decode()
            forged = {"Authorization": f"Bearer {header}.{unchanged}"}
            assert client.get("/items", headers=forged).status_code == 401
        assert client.get("/items", headers=valid).status_code == 200
        assert client.get("/items", headers=gate.bearer(jti="new")).status_code == 200
    assert len(gate.issuer.requested) - before <= 5
