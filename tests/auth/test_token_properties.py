"""Whatever is sent, the answer is a grant that is due or a refusal; nothing else gets out."""

import asyncio
import json
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from encore.auth import JWTVerifier, TrustedIssuer
from encore.auth.bearer_token import extract_bearer_token
from encore.auth.jws import _decode_segment
from encore.auth.scopes import parse_scopes
from encore.errors import InvalidRequest, Unauthorized

ISSUER = "https://issuer.example/oauth2/default"

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    max_leaves=12,
)
HEADER_NAMES = st.sampled_from(["alg", "kid", "typ", "crit", "b64", "jwk", "x5c", "cty", "zip"])
CLAIM_NAMES = st.sampled_from(["iss", "aud", "exp", "nbf", "iat", "sub", "jti", "cid", "scp"])


@pytest.fixture(scope="session")
def guard(signer: Any) -> Any:
    """Judge a token; gives the grant, or None where it was refused in the proper way."""

    async def fetch(_url: str) -> bytes:
        return json.dumps({"keys": [signer.jwk]}).encode()

    trusted = TrustedIssuer(ISSUER, "api://default", jwks_uri="https://issuer.example/keys")

    def judge(token: bytes) -> Any:
        verifier = JWTVerifier([trusted], fetch=fetch, wall_clock=lambda: 1_700_000_000)
        try:
            return asyncio.run(verifier.verify(token))
        except Unauthorized:
            return None

    return judge


@settings(deadline=None)
@given(token=st.binary(max_size=200) | st.from_regex(rb"[\w.~+/-]*=*", fullmatch=True))
def test_no_octets_are_accepted_for_a_token(guard: Any, token: bytes) -> None:
    assert guard(token) is None


@settings(deadline=None)
@given(header=JSON | st.dictionaries(HEADER_NAMES, JSON), payload=JSON)
def test_no_json_is_accepted_for_header_and_payload(
    guard: Any, signer: Any, header: Any, payload: Any
) -> None:
    assert guard(signer.sign(header, payload)) is None


@settings(deadline=None)
@given(name=HEADER_NAMES, value=JSON)
def test_a_signed_header_with_any_value_is_refused_or_harmless(
    guard: Any, signer: Any, name: str, value: Any
) -> None:
    if guard(signer.token({name: value})) is not None:
        # Members without meaning for a JWS of ours may hold anything that is JSON.
        assert name in {"cty", "zip"} or signer.header()[name] == value


def _names(value: Any) -> set[Any]:
    return set(value.split(" ") if isinstance(value, str) else value)


@settings(deadline=None)
@given(name=CLAIM_NAMES, value=JSON | st.integers(1_600_000_000, 1_800_000_000))
def test_a_signed_claim_with_any_value_is_refused_or_harmless(
    guard: Any, signer: Any, name: str, value: Any
) -> None:
    grant = guard(signer.token(**{name: value}))
    if grant is None:
        return
    now = 1_700_000_000
    match name:
        case "iss":
            assert value == ISSUER
        case "aud":
            assert "api://default" in ([value] if isinstance(value, str) else value)
        case "exp":
            assert value + 5 > now
        case "nbf" | "iat":
            assert value - 5 <= now
        case "scp":
            assert grant.scopes is None or grant.scopes <= _names(value)
        case _:
            assert isinstance(value, str)


@settings(deadline=None)
@given(data=st.data())
def test_a_token_with_any_one_octet_changed_is_refused(
    guard: Any, signer: Any, data: st.DataObject
) -> None:
    token = signer.token()
    at = data.draw(st.integers(0, len(token) - 1))
    octet = data.draw(st.integers(0, 255))
    assume(token[at] != octet)
    assert guard(token[:at] + bytes([octet]) + token[at + 1 :]) is None


@given(octets=st.binary(max_size=64))
def test_canonical_base64url_is_read_back(encode: Any, octets: bytes) -> None:
    assert _decode_segment(encode(octets)) == octets


@given(segment=st.from_regex(rb"[A-Za-z0-9_+/= \n-]{0,12}", fullmatch=True))
def test_no_two_segments_stand_for_the_same_octets(encode: Any, segment: bytes) -> None:
    try:
        octets = _decode_segment(segment)
    except ValueError:
        return
    assert encode(octets) == segment


@given(
    headers=st.lists(
        st.tuples(
            st.sampled_from([b"authorization", b"accept"]),
            st.binary(max_size=40) | st.binary(max_size=20).map(lambda b: b"Bearer " + b),
        ),
        max_size=3,
    ),
    query=st.binary(max_size=40),
)
def test_any_headers_give_a_token_or_a_proper_refusal(
    headers: list[tuple[bytes, bytes]], query: bytes
) -> None:
    try:
        token = extract_bearer_token(headers, query)
    except (Unauthorized, InvalidRequest):
        return
    assert token.isascii()
    assert b" " not in token


@given(value=JSON)
def test_no_scope_is_read_that_is_not_there(value: Any) -> None:
    scopes = parse_scopes({"scp": value}, ("scp",))
    if scopes:
        assert scopes <= _names(value)
        assert "" not in scopes
