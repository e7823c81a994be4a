"""The same tokens verified by encore, PyJWT and joserfc: every difference and its reason.

PyJWT and joserfc are configured as their documentation recommends for a resource server: one
algorithm, issuer, audience, required claims, 5 s of leeway. Where they accept a token that encore
rejects, the reason is a rule that they leave to the caller; encore accepts no token that either of
them rejects.
"""

import json
import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from joserfc import jwt as jose
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from encore.auth import JWTVerifier, TrustedIssuer
from encore.errors import ApiError
from tests.fixtures.tokens import AUDIENCE, ISSUER, FakeIssuer, Signer

SKEW = 5
NEITHER: frozenset[str] = frozenset()
BOTH = frozenset({"pyjwt", "joserfc"})
PYJWT = frozenset({"pyjwt"})

MakeToken = Callable[[Signer, Signer], bytes]


def _token(header: dict[str, Any] | None = None, **claims: Any) -> MakeToken:
    """Sign these claims; a callable is evaluated when the token is made."""

    def make(signer: Signer, _: Signer) -> bytes:
        now = int(time.time())
        claims_now = {name: value() if callable(value) else value for name, value in claims.items()}
        return signer.token(header, **({"iat": now - 10, "exp": now + 3600} | claims_now))

    return make


def _payload(extra: bytes) -> MakeToken:
    """Sign a payload with these bytes before its end, which ``json.dumps`` would not write."""

    def make(signer: Signer, _: Signer) -> bytes:
        now = int(time.time())
        claims = json.dumps(signer.claims(iat=now, exp=now + 60)).encode()
        return signer.sign(signer.header(), claims[:-1] + extra + b"}")

    return make


def _forged(_: Signer, forger: Signer) -> bytes:
    now = int(time.time())
    return forger.token(iat=now, exp=now + 60)


def _stray_bits(signer: Signer, forger: Signer) -> bytes:
    """Change bits after the last whole byte, which decode to the same signature."""
    token = _token()(signer, forger)
    alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return token[:-1] + alphabet[alphabet.index(token[-1]) + 1 :][:1]


def _now(offset: int) -> int:
    return int(time.time()) + offset


Case = tuple[MakeToken, bool, frozenset[str], str]
CASES: dict[str, Case] = {
    # Token, whether encore accepts it, which libraries differ, and why.
    "Okta's": (_token(), True, NEITHER, ""),
    "no kid, and one key": (_token({"kid": ...}), True, NEITHER, ""),
    "typ at+jwt": (_token({"typ": "at+jwt"}), True, NEITHER, ""),
    "audience in a list": (_token(aud=["x", AUDIENCE]), True, NEITHER, ""),
    "expired within the skew": (_token(exp=lambda: _now(-2)), True, NEITHER, ""),
    "expired": (_token(exp=lambda: _now(-60)), False, NEITHER, ""),
    "not valid yet": (_token(nbf=lambda: _now(60)), False, NEITHER, ""),
    "issued in the future": (_token(iat=lambda: _now(60)), False, NEITHER, ""),
    "no exp": (_token(exp=...), False, NEITHER, ""),
    "exp null": (_token(exp=None), False, NEITHER, ""),
    "exp a list": (_token(exp=[]), False, NEITHER, ""),
    "another audience": (_token(aud="x"), False, NEITHER, ""),
    "no audience": (_token(aud=...), False, NEITHER, ""),
    "another issuer": (_token(iss="https://x.example"), False, NEITHER, ""),
    "alg none": (_token({"alg": "none"}), False, NEITHER, ""),
    "alg HS256": (_token({"alg": "HS256"}), False, NEITHER, ""),
    "alg RS512 over an RS256 signature": (_token({"alg": "RS512"}), False, NEITHER, ""),
    "another's signature": (_forged, False, NEITHER, ""),
    "crit": (_token({"crit": ["exp"]}), False, NEITHER, ""),
    "b64 false": (_token({"b64": False}), False, NEITHER, ""),
    "a number for kid": (_token({"kid": 7}), False, NEITHER, ""),
    "exp a boolean": (_token(exp=True), False, NEITHER, ""),
    "exp with a fraction": (_token(exp=lambda: _now(60) + 0.5), True, NEITHER, ""),
    "nbf null": (_token(nbf=None), False, NEITHER, ""),
    "iat a list": (_token(iat=[]), False, NEITHER, ""),
    "a number for jti": (_token(jti=7), False, NEITHER, ""),
    "a number for sub": (_token(sub=7), False, NEITHER, ""),
    "an audience that is not a string": (_token(aud=[AUDIENCE, 1]), False, NEITHER, ""),
    "an issuer in a list": (_token(iss=[ISSUER]), False, NEITHER, ""),
    "padding": (lambda s, f: _token()(s, f) + b"=", False, NEITHER, ""),
    "stray last bits": (_stray_bits, False, NEITHER, ""),
    "a line break": (lambda s, f: _token()(s, f) + b"\n", False, NEITHER, ""),
    "four segments": (lambda s, f: _token()(s, f) + b".", False, NEITHER, ""),
    "payload a list": (lambda s, _: s.sign(s.header(), []), False, NEITHER, ""),
    "payload nests 100,000 deep": (
        _payload(b',"n":' + b"[" * 100_000 + b"]" * 100_000), False, NEITHER, ""),
    "unknown kid": (
        _token({"kid": "other"}), False, PYJWT,
        "PyJWT has the key itself; its JWKS client would look up the kid"),
    "typ of an ID token": (
        _token({"typ": "id+jwt"}), False, BOTH,
        "RFC 8725 3.11 leaves typ to the application: encore accepts access tokens only"),
    "typ null": (
        _token({"typ": None}), False, PYJWT,
        "as for the typ of an ID token; joserfc requires a string"),
    "a key brought along": (
        _token({"jwk": {}}), False, BOTH,
        "they ignore it; encore rejects it (RFC 8725 3.10 on jku, x5u)"),
    "an address of keys": (
        _token({"jku": "https://x.example"}), False, BOTH, "as for a key brought along"),
    "a certificate": (_token({"x5c": []}), False, BOTH, "as for a key brought along"),
    "b64 true": (
        _token({"b64": True}), False, BOTH,
        "RFC 7797 6 requires crit with it, which encore rejects; they accept the default"),
    "exp a string": (
        _token(exp=lambda: str(_now(60))), False, PYJWT,
        "NumericDate is a JSON number (RFC 7519 2); PyJWT converts"),
    "nbf a string": (_token(nbf="0"), False, PYJWT, "as for exp"),
    "iat a string": (_token(iat="1"), False, PYJWT, "as for exp"),
    "exp past what a double can count": (
        _token(exp=10**30), False, BOTH, "not a date; arithmetic with it loses whole seconds"),
    "cid null": (
        _token(cid=None), False, BOTH, "Okta's claim, unknown to them; the audit line needs it"),
    "a claim twice": (
        _payload(b',"aud":"api://default"'), False, BOTH,
        "RFC 7519 4 allows the last to win; RFC 8725 2.4: two readers, two tokens"),
    "a header member twice": (
        lambda s, _: s.sign(
            b'{"alg":"none","alg":"RS256","kid":"key-1"}', s.claims(iat=_now(0), exp=_now(60))
        ), False, BOTH, "as for a claim twice"),
    "NaN": (_payload(b',"n":NaN'), False, BOTH, "Python's json reads it, JSON has it not"),
    "an overflowing number": (_payload(b',"n":1e999'), False, BOTH, "as for NaN"),
    "a lone surrogate": (
        _payload(b',"n":"\\ud800"'), False, BOTH, "it cannot be encoded as UTF-8 later"),
    "nests 17 deep": (
        _payload(b',"n":' + b"[" * 17 + b"]" * 17), False, BOTH,
        "a limit of encore: no issuer's token nests so deep, and walking it costs time"),
    "17 KB": (_token(x="y" * 17_000), False, BOTH, "a limit of encore, as of most servers"),
    "a byte order mark": (
        lambda s, _: s.sign(
            s.header(), b"\xef\xbb\xbf" + json.dumps(s.claims(iat=_now(0), exp=_now(60))).encode()
        ), False, BOTH, "RFC 8259 8.1: not added; Python's json.loads takes bytes with it"),
    "UTF-16": (
        lambda s, _: s.sign(
            s.header(), json.dumps(s.claims(iat=_now(0), exp=_now(60))).encode("utf-16")
        ), False, BOTH, "RFC 7519 7.2 wants UTF-8; Python's json.loads guesses from bytes"),
}  # fmt: skip


class Verifiers:
    """Three verifiers with the same key."""

    def __init__(self, signer: Signer) -> None:
        self.signer = signer
        self.key = jwt.PyJWK(signer.jwk, "RS256")
        self.keys = KeySet.import_key_set({"keys": [dict(signer.jwk)]})

    async def encore(self, token: bytes) -> bool:
        fake_issuer = FakeIssuer()
        fake_issuer.serve(self.signer.jwk)
        trusted = TrustedIssuer(ISSUER, AUDIENCE, clock_skew_seconds=SKEW)
        try:
            await JWTVerifier([trusted], fetch=fake_issuer).verify(token)
        except ApiError:
            return False
        return True

    def pyjwt(self, token: bytes) -> bool:
        try:
            jwt.decode(
                token,
                self.key,
                algorithms=["RS256"],
                audience=AUDIENCE,
                issuer=ISSUER,
                leeway=SKEW,
                options={"require": ["exp", "iss", "aud"]},
            )
        except jwt.PyJWTError:
            return False
        return True

    def joserfc(self, token: bytes) -> bool:
        claims = jose.JWTClaimsRegistry(
            leeway=SKEW,
            iss={"essential": True, "value": ISSUER},
            aud={"essential": True, "value": AUDIENCE},
            exp={"essential": True},
        )
        try:
            decoded = jose.decode(token.decode(), self.keys, algorithms=["RS256"])
            claims.validate(decoded.claims)
        except (JoseError, ValueError):
            return False
        return True


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def signer() -> Signer:
    return Signer("key-1")


@pytest.fixture(scope="module")
def verifiers(signer: Signer) -> Verifiers:
    return Verifiers(signer)


@pytest.mark.anyio
@pytest.mark.parametrize("name", CASES)
async def test_verifiers_differ_only_where_listed(
    verifiers: Verifiers, signer: Signer, forger: Signer, name: str
) -> None:
    make, accepted, differing, _ = CASES[name]
    token = make(signer, forger)
    assert await verifiers.encore(token) is accepted
    assert verifiers.pyjwt(token) is (accepted ^ ("pyjwt" in differing))
    assert verifiers.joserfc(token) is (accepted ^ ("joserfc" in differing))


def test_listed_differences_have_reasons_and_are_never_more_lenient() -> None:
    for name, (_, accepted, differing, reason) in CASES.items():
        assert bool(differing) is bool(reason), name
        assert not (accepted and differing), name
