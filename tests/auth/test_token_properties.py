"""Token verification under hypothesis: a valid token is accepted, any other raises ``ApiError``."""

import asyncio
import json
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from encore.auth import JWTVerifier, TrustedIssuer
from encore.auth.base64url import decode_base64url
from encore.auth.bearer_token import extract_bearer_token
from encore.auth.scopes import parse_scopes
from encore.errors import Forbidden, InvalidRequest, Unauthorized

ISSUER = "https://issuer.example/oauth2/default"

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    max_leaves=12,
)
HEADER_NAMES = st.sampled_from(["alg", "kid", "typ", "crit", "b64", "jwk", "x5c", "cty", "zip"])
CLAIM_NAMES = st.sampled_from(["iss", "aud", "exp", "nbf", "iat", "sub", "jti", "cid", "scp"])


@pytest.fixture(scope="session")
def verify(signer: Any) -> Any:
    """Return a function that verifies a token: its ``AccessToken``, or None if it is rejected."""

    async def fetch(_url: str) -> bytes:
        return json.dumps({"keys": [signer.jwk]}).encode()

    trusted = TrustedIssuer(ISSUER, "api://default", jwks_uri="https://issuer.example/keys")

    def verify_token(token: bytes) -> Any:
        verifier = JWTVerifier([trusted], fetch=fetch, wall_clock=lambda: 1_700_000_000)
        try:
            return asyncio.run(verifier.verify(token))
        except (Unauthorized, Forbidden):  # Forbidden: it identifies nobody.
            return None

    return verify_token


@settings(deadline=None)
@given(token=st.binary(max_size=200) | st.from_regex(rb"[\w.~+/-]*=*", fullmatch=True))
def test_arbitrary_bytes_are_rejected(verify: Any, token: bytes) -> None:
    assert verify(token) is None


@settings(deadline=None)
@given(header=JSON | st.dictionaries(HEADER_NAMES, JSON), payload=JSON)
def test_signed_arbitrary_json_is_rejected(
    verify: Any, signer: Any, header: Any, payload: Any
) -> None:
    assert verify(signer.sign(header, payload)) is None


@settings(deadline=None)
@given(name=HEADER_NAMES, value=JSON)
def test_any_value_of_a_signed_header_member_is_rejected_or_harmless(
    verify: Any, signer: Any, name: str, value: Any
) -> None:
    if verify(signer.token({name: value})) is not None:
        # Header members that the verifier ignores may hold any JSON value.
        assert name in {"cty", "zip"} or signer.header()[name] == value


def _names(value: Any) -> set[Any]:
    return set(value.split(" ") if isinstance(value, str) else value)


@settings(deadline=None)
@given(name=CLAIM_NAMES, value=JSON | st.integers(1_600_000_000, 1_800_000_000))
def test_any_value_of_a_signed_claim_is_rejected_or_harmless(
    verify: Any, signer: Any, name: str, value: Any
) -> None:
    access_token = verify(signer.token(**{name: value}))
    if access_token is None:
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
            assert access_token.scopes is None or access_token.scopes <= _names(value)
        case "sub":
            assert value
            assert access_token.principal.is_client == (value in ("client-1", "client-1@clients"))
        case _:
            assert isinstance(value, str)


@settings(deadline=None)
@given(data=st.data())
def test_token_with_one_byte_changed_is_rejected(
    verify: Any, signer: Any, data: st.DataObject
) -> None:
    token = signer.token()
    index = data.draw(st.integers(0, len(token) - 1))
    byte = data.draw(st.integers(0, 255))
    assume(token[index] != byte)
    assert verify(token[:index] + bytes([byte]) + token[index + 1 :]) is None


@given(data=st.binary(max_size=64))
def test_canonical_base64url_is_decoded(encode: Any, data: bytes) -> None:
    assert decode_base64url(encode(data)) == data


@given(segment=st.from_regex(rb"[A-Za-z0-9_+/= \n-]{0,12}", fullmatch=True))
def test_base64url_decoding_is_injective(encode: Any, segment: bytes) -> None:
    try:
        data = decode_base64url(segment)
    except ValueError:
        return
    assert encode(data) == segment


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
def test_any_headers_yield_a_token_or_an_api_error(
    headers: list[tuple[bytes, bytes]], query: bytes
) -> None:
    try:
        token = extract_bearer_token(headers, query)
    except (Unauthorized, InvalidRequest):
        return
    assert token.isascii()
    assert b" " not in token


@given(value=JSON)
def test_parsed_scopes_are_in_the_claim(value: Any) -> None:
    scopes = parse_scopes({"scp": value}, ("scp",))
    if scopes:
        assert scopes <= _names(value)
        assert "" not in scopes
