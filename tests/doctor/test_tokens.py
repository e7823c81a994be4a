"""``doctor`` on JWTs: every reason to reject one is explained, and none is invented."""

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from encore.auth import JWTVerifier
from encore.auth.jwks import parse_key_set
from encore.doctor.check_result import CheckResult, Status
from encore.doctor.issuers import CheckedIssuer
from encore.doctor.tokens import check_jwt, parse_credential
from encore.errors import ApiError
from encore.settings import trusted_issuers
from tests.fixtures.item_service import ItemSettings
from tests.fixtures.tokens import ISSUER, NOW, Signer

SCOPELESS = "lacks the scope items (SCOPE); it holds other in scp"

TOKENS: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({}, {"aud": "api://x"}, "its audience is 'api://x', the service expects 'api://default'"),
    ({}, {"aud": [7]}, "its audience is [7], the service expects 'api://default'"),
    ({}, {"iss": "https://evil.example"}, "its issuer is 'https://evil.example', which is not"),
    ({}, {"iss": f"{ISSUER}/"}, "ISSUER differs in the final slash, which counts"),
    ({}, {"iss": ["x"] * 500}, "which is not trusted; trusted: https://issuer.example"),
    ({}, {"exp": 1}, "it expired "),
    ({}, {"exp": ...}, "claim-exp: its exp is missing"),
    ({}, {"exp": "soon"}, "found: 'soon'"),
    ({}, {"exp": 1_700_000_000_000_000_000_000}, "which looks like milliseconds"),
    ({}, {"nbf": 9_999_999_999}, "it is valid only in "),
    ({}, {"iat": NOW + 100}, "it is issued 100 s in the future"),
    ({}, {"nbf": None}, "claim-nbf: its nbf is not a number of seconds"),
    ({}, {"jti": 7}, "claim-jti: the claim jti must be a string, but is of the type int"),
    ({}, {"sub": None}, "the claim sub must be a string, but is of the type NoneType"),
    ({}, {"scp": ["other"]}, SCOPELESS),
    ({}, {"scp": ..., "scope": "items"}, "it has scope too, which SCOPE_CLAIMS does not"),
    ({}, {"scp": 7}, "its scope claim (scp) is of the wrong type"),
    ({"alg": "HS256"}, {}, "its algorithm is 'HS256'; accepted from this issuer: RS256"),
    ({"kid": "old"}, {}, "its key 'old' is not among the issuer's usable ones ('key-1')"),
    ({"kid": 7}, {}, "its header's kid is not a string"),
    ({"typ": "id+jwt"}, {}, "is it an access token, and not an ID token?"),
    ({"crit": ["b64"]}, {}, "its header has crit, b64, jwk, jku, x5u or x5c"),
    ({"alg": ...}, {}, "its header has no alg"),
]


@pytest.fixture(scope="module")
def signer() -> Signer:
    return Signer("key-1")


def check(text: str, signer: Signer, *, keys: bool = True, **raw: Any) -> list[CheckResult]:
    """Check a token in process; return the results."""
    parsed = ItemSettings.parse({"ISSUER": ISSUER, **raw})
    key_set = parse_key_set({"keys": [signer.jwk]}, ("RS256",)) if keys else None
    (trusted,) = trusted_issuers(parsed)
    checked = CheckedIssuer(trusted, (), key_set)
    credential = parse_credential(text)
    assert credential is not None
    return list(check_jwt(credential, parsed, [checked], NOW))


def lines(text: str, signer: Signer, **options: Any) -> list[str]:
    return [result.line() for result in check(text, signer, **options)]


@pytest.mark.parametrize(("header", "claims", "text"), TOKENS)
def test_rejected_token_is_explained(
    signer: Signer, header: dict[str, Any], claims: dict[str, Any], text: str
) -> None:
    (line,) = lines(signer.token(header, **claims).decode(), signer)
    assert line.startswith("FAIL  token: ")
    assert text in line
    assert len(line) < 500


def test_all_problems_of_a_token_are_reported_at_once(signer: Signer) -> None:
    token = signer.token(aud="x", exp=1, jti=7, nbf="x", iat=NOW + 100, scp=["other"])
    found = lines(token.decode().rsplit(".", 1)[0] + ".c2ln", signer)
    words = ["signature", "jti", "audience", "nbf", "expired", "in the future", "lacks the scope"]
    assert [word for word, line in zip(words, found, strict=True) if word not in line] == []


def test_message_has_neither_the_subject_nor_the_signature(signer: Signer) -> None:
    token = signer.token(sub="ada@example.com", cid="client-77", jti="secret-jti", aud="x", exp=1)
    output = "\n".join(lines(token.decode(), signer))
    for secret in ("ada@example.com", "client-77", "secret-jti", token.decode().split(".")[2]):
        assert secret not in output


def test_token_with_authorization_prefix_is_accepted(signer: Signer) -> None:
    token = signer.token().decode()
    for text in (token, f"Bearer {token}\n", f"Authorization: Bearer {token}", f"  {token} "):
        assert lines(text, signer) == []


@pytest.mark.parametrize("text", ["two words", "", "\x1b[31m.é.c", "Bearer"])
def test_text_that_is_not_one_word_is_not_a_token(text: str) -> None:
    assert parse_credential(text) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("opaque-token", "an opaque token needs INTROSPECTION_URL"),
        ("a.b.c", "paste it whole"),
        ("x" * 20_000, "it is larger than 16 KB"),
    ],
)
def test_malformed_token_is_reported(signer: Signer, text: str, message: str) -> None:
    (line,) = lines(text, signer)
    assert message in line


def test_claims_are_checked_without_the_keys_of_the_issuer(signer: Signer) -> None:
    (first, second) = lines(signer.token(aud="x").decode(), signer, keys=False)
    assert first.startswith("note  token: its signature was not checked")
    assert "its audience is 'x'" in second


def test_revoked_token_is_explained(signer: Signer, tmp_path: Any) -> None:
    revoked = tmp_path / "revoked.txt"
    revoked.write_text("AT.1\n")
    (line,) = lines(signer.token().decode(), signer, REVOKED_TOKENS_FILE=str(revoked))
    assert "it was revoked: its jti is in REVOKED_TOKENS_FILE" in line
    assert lines(signer.token(jti="AT.2").decode(), signer, REVOKED_TOKENS_FILE=str(revoked)) == []


STRICT: dict[str, str] = {
    "TOKEN_PROFILE": "rfc9068",
    "MAX_TOKEN_AGE_SECONDS": "600",
    "AUDIENCE": "api://default",
    "EXTRA_AUDIENCES": "api://other",
    "REQUIRED_CLAIMS": "token_use=access",
    "TOKEN_CLIENT_IDS": "client-1",
}


@pytest.mark.parametrize(
    ("header", "claims", "text"),
    [
        ({"typ": "JWT"}, {}, "its typ is 'jwt', must be 'at+jwt' (TOKEN_PROFILE)"),
        ({}, {"iat": NOW - 700}, "it was issued 700 s ago, more than the 600 s of MAX_TOKEN_AGE"),
        ({}, {"iat": ...}, "it is missing and TOKEN_PROFILE or MAX_TOKEN_AGE_SECONDS requires it"),
        ({}, {"client_id": ...}, "claim-client_id: the claim client_id is missing"),
        ({}, {"sub": ""}, "claim-sub: the claim sub must not be empty"),
        ({}, {"token_use": "id"}, "its token_use is 'id', must be 'access'"),
        ({}, {"cid": "other"}, "its client is not among those of TOKEN_CLIENT_IDS"),
        ({}, {"aud": "x"}, "the service expects 'api://default' or 'api://other'"),
    ],
)
def test_token_rejected_by_a_strict_setting_is_explained(
    signer: Signer, header: dict[str, Any], claims: dict[str, Any], text: str
) -> None:
    valid = {"token_use": "access", "client_id": "client-1"}
    good = signer.token({"typ": "at+jwt"}, **valid).decode()
    assert lines(good, signer, **STRICT) == []
    token = signer.token({"typ": "at+jwt"} | header, **(valid | claims)).decode()
    (line,) = lines(token, signer, **STRICT)
    assert text in line


def test_token_that_identifies_nobody_is_explained(signer: Signer) -> None:
    (line,) = lines(signer.token(sub=...).decode(), signer)
    assert "it identifies neither a user nor a client: it has no sub" in line


VALUES = st.sampled_from(
    [..., None, True, 0, 1, -1, 1e300, 10**30, NOW, NOW + 50, "", "x", [], ["x"], {}, {"x": 1}]
)
NAMES = st.sampled_from(
    [
        "iss",
        "aud",
        "exp",
        "nbf",
        "iat",
        "sub",
        "jti",
        "cid",
        "azp",
        "scp",
        "client_id",
        "gty",
        "token_use",
    ]
)
HEADERS = st.dictionaries(st.sampled_from(["alg", "kid", "typ", "crit", "jwk"]), VALUES, max_size=2)


@settings(deadline=None)
@given(
    header=HEADERS,
    claims=st.dictionaries(NAMES, VALUES, max_size=4),
    names=st.sets(st.sampled_from(sorted(STRICT))),
)
def test_doctor_and_service_agree_on_every_token(
    signer: Signer, header: dict[str, Any], claims: dict[str, Any], names: set[str]
) -> None:
    async def fetch(_url: str) -> bytes:
        return json.dumps({"keys": [signer.jwk]}).encode()

    raw = {name: STRICT[name] for name in names}
    (parsed,) = trusted_issuers(ItemSettings.parse({"ISSUER": ISSUER, **raw}))
    trusted = replace(parsed, jwks_uri="https://issuer.example/keys")
    valid = {"token_use": "access", "client_id": "client-1"}
    token = signer.token({"typ": "at+jwt"} | header, **(valid | claims))
    try:
        verifier = JWTVerifier([trusted], fetch=fetch, wall_clock=lambda: NOW)
        accepted = asyncio.run(verifier.verify(token)).scopes is not None
    except ApiError:
        accepted = False
    results = check(token.decode(), signer, keys=True, **raw)
    failures = [r for r in results if r.status is Status.FAILED and "lacks the" not in r.message]
    assert (not failures) is accepted
    assert all("refused for the reason" not in result.message for result in results)
