"""Introspection of opaque tokens: validation, caching, rate limit, failures, HTTP client."""

import asyncio
import json
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from encore.auth.access_token import AccessToken
from encore.auth.document_fetcher import FetchError
from encore.auth.introspection import (
    IntrospectionPolicy,
    IntrospectionVerifier,
    validate_introspection,
)
from encore.auth.introspection_client import IntrospectionClient
from encore.auth.trusted_issuer import TrustedIssuer
from encore.errors import ApiError, Forbidden, ServiceUnavailable, Unauthorized
from tests.fixtures.tokens import LocalIssuer, ManualClock

pytestmark = pytest.mark.anyio

NOW = 1_700_000_000
AUDIENCE = "api://default"
TRUSTED = TrustedIssuer("https://issuer.example", AUDIENCE)
ACTIVE = {
    "active": True,
    "iss": "https://issuer.example",
    "aud": AUDIENCE,
    "client_id": "client-1",
    "sub": "client-1",
    "scope": "items other",
    "token_type": "Bearer",
    "jti": "AT.1",
    "exp": NOW + 3600,
}
INVALID: list[tuple[dict[str, Any], str]] = [
    ({"active": False}, "introspection-inactive"),
    ({"active": ...}, "introspection-inactive"),
    ({"active": "true"}, "introspection-inactive"),
    ({"active": 1}, "introspection-inactive"),
    ({"aud": ...}, "claim-aud"),
    ({"aud": []}, "claim-aud"),
    ({"aud": None}, "claim-aud"),
    ({"aud": "api://other"}, "claim-aud"),
    ({"aud": [AUDIENCE, 1]}, "claim-aud"),
    ({"token_type": "DPoP"}, "introspection-token-type"),
    ({"token_type": "refresh_token"}, "introspection-token-type"),
    ({"token_type": None}, "introspection-token-type"),
    ({"token_type": ["Bearer"]}, "introspection-token-type"),
    ({"iss": "https://another.example"}, "claim-iss"),
    ({"iss": "https://issuer.example/"}, "claim-iss"),
    ({"iss": ["https://issuer.example"]}, "claim-iss"),
    ({"iss": None}, "claim-iss"),
    ({"exp": "tomorrow"}, "claim-exp"),
    ({"exp": True}, "claim-exp"),
    ({"exp": None}, "claim-exp"),
    ({"exp": float("nan")}, "claim-exp"),
    ({"exp": float("inf")}, "claim-exp"),
    ({"exp": (NOW + 3600) * 1000}, "claim-exp"),
    ({"exp": NOW - 5}, "token-expired"),
    ({"nbf": None}, "claim-nbf"),
    ({"nbf": NOW + 6}, "token-not-yet-valid"),
    ({"iat": str(NOW)}, "claim-iat"),
    ({"iat": NOW + 6}, "token-not-yet-valid"),
    ({"sub": 7}, "claim-sub"),
    ({"sub": None}, "claim-sub"),
    ({"jti": 7}, "claim-jti"),
    ({"client_id": ["client-1"]}, "claim-client_id"),
    ({"azp": None}, "claim-azp"),
]


def introspection_response(**changes: Any) -> dict[str, Any]:
    return {name: value for name, value in (ACTIVE | changes).items() if value is not ...}


class FakeIntrospection:
    """An introspection endpoint in memory that records the tokens it is asked for."""

    def __init__(self) -> None:
        self.response: Any = introspection_response()
        self.tokens: list[str] = []
        self.responding = asyncio.Event()
        self.responding.set()

    async def __call__(self, token: str) -> Mapping[str, Any]:
        self.tokens.append(token)
        await self.responding.wait()
        if isinstance(self.response, Exception):
            raise self.response
        response: Mapping[str, Any] = self.response
        return response


class FakeJWTVerifier:
    """Accepts every credential in place of ``JWTVerifier``."""

    def __init__(self) -> None:
        self.credentials: list[bytes] = []

    async def verify(self, credential: bytes) -> AccessToken:
        self.credentials.append(credential)
        return validate_introspection(ACTIVE, TRUSTED, NOW)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def introspection() -> FakeIntrospection:
    return FakeIntrospection()


@pytest.fixture
def wall_clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
def steady_clock() -> ManualClock:
    return ManualClock(0)


@pytest.fixture
def verifier(
    introspection: FakeIntrospection, wall_clock: ManualClock, steady_clock: ManualClock
) -> IntrospectionVerifier:
    policy = IntrospectionPolicy(unknown_per_minute=5, max_concurrent=3, cache_size=10)
    return IntrospectionVerifier(
        FakeJWTVerifier(),
        introspection,
        trusted=TRUSTED,
        policy=policy,
        wall_clock=wall_clock,
        steady_clock=steady_clock,
    )


async def error_reason(verifier: IntrospectionVerifier, token: bytes) -> str:
    with pytest.raises(ApiError) as raised:
        await verifier.verify(token)
    return raised.value.reason


def test_active_response_becomes_access_token() -> None:
    response = introspection_response(aud=["x", AUDIENCE], nbf=NOW + 5)
    access_token = validate_introspection(response, TRUSTED, NOW)
    assert access_token.scopes == frozenset({"items", "other"})
    assert access_token.client_id == "client-1"
    assert (access_token.valid_from, access_token.valid_until) == (NOW, NOW + 3605)


@pytest.mark.parametrize(("changes", "reason"), INVALID)
def test_invalid_response_is_unauthorized(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(Unauthorized) as raised:
        validate_introspection(introspection_response(**changes), TRUSTED, NOW)
    assert raised.value.reason == reason


def test_invalid_member_is_unauthorized_where_the_audience_is_optional() -> None:
    for changes, reason in INVALID:
        if changes != {"aud": ...}:
            response = introspection_response(**changes)
            with pytest.raises(Unauthorized) as raised:
                validate_introspection(response, TRUSTED, NOW, aud_optional=True)
            assert raised.value.reason == reason


def test_missing_iss_is_the_endpoints_issuer() -> None:
    access_token = validate_introspection(introspection_response(iss=...), TRUSTED, NOW)
    assert access_token.issuer == TRUSTED.issuer
    assert access_token.principal.issuer == TRUSTED.issuer
    assert access_token.claims["iss"] == TRUSTED.issuer


def test_missing_aud_is_accepted_only_where_it_is_optional() -> None:
    response = introspection_response(aud=...)
    access_token = validate_introspection(response, TRUSTED, NOW, aud_optional=True)
    assert access_token.client_id == "client-1"


def test_missing_sub_is_forbidden_without_a_clients_mark() -> None:
    with pytest.raises(Forbidden) as raised:
        validate_introspection(introspection_response(sub=...), TRUSTED, NOW)
    assert raised.value.reason == "principal-unknown"


SETTINGS: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({"max_age_seconds": 60}, {}, "claim-iat"),
    ({"max_age_seconds": 60}, {"iat": NOW - 65}, "token-expired"),
    ({"max_age_seconds": 60}, {"iat": NOW - 64}, ""),
    ({"max_age_seconds": 60}, {"iat": NOW - 65, "exp": ...}, "token-expired"),
    ({"client_ids": ("another",)}, {}, "claim-client"),
    ({"required_claims": {"token_use": "access"}}, {}, "claim-required"),
    ({"profile": "rfc9068"}, {"iat": NOW, "jti": ...}, "claim-jti"),
    ({"profile": "rfc9068"}, {"iat": NOW}, ""),
    ({"clock_skew_seconds": 0}, {"exp": NOW}, "token-expired"),
]


@pytest.mark.parametrize(("settings", "changes", "reason"), SETTINGS)
def test_settings_of_the_issuer_apply_to_responses(
    settings: dict[str, Any], changes: dict[str, Any], reason: str
) -> None:
    trusted, response = replace(TRUSTED, **settings), introspection_response(**changes)
    if not reason:
        assert validate_introspection(response, trusted, NOW).client_id == "client-1"
        return
    with pytest.raises(Unauthorized) as raised:
        validate_introspection(response, trusted, NOW)
    assert raised.value.reason == reason


def test_scopes_are_in_scope_and_in_the_issuers_claims() -> None:
    trusted = replace(TRUSTED, scope_claims=("realm_access.roles",))
    response = introspection_response(realm_access={"roles": ["reader"]}, scp=["ignored"])
    scopes = validate_introspection(response, trusted, NOW).scopes
    assert scopes == frozenset({"items", "other", "reader"})


def test_scopes_are_those_of_the_grants_only_where_the_issuer_has_no_scope_claims() -> None:
    grants = {"client-1": frozenset({"granted"})}
    trusted = replace(TRUSTED, scope_claims=(), client_grants=grants)
    response = introspection_response(sub="client-1", scp=["admin"])
    assert validate_introspection(response, trusted, NOW).scopes == frozenset({"granted"})


async def test_response_without_exp_is_not_cached(
    verifier: IntrospectionVerifier, introspection: FakeIntrospection
) -> None:
    introspection.response = introspection_response(exp=...)
    for _ in range(8):  # More than may be introspected of unknown tokens.
        await verifier.verify(b"token")
    assert len(introspection.tokens) == 8
    introspection.response = introspection_response(active=False)
    assert await error_reason(verifier, b"token") == "introspection-inactive"


async def test_expired_response_is_cached_like_an_inactive_one(
    verifier: IntrospectionVerifier, introspection: FakeIntrospection
) -> None:
    introspection.response = introspection_response(exp=NOW - 5)
    for _ in range(3):
        with pytest.raises(Unauthorized, match="Jwt is expired") as raised:
            await verifier.verify(b"token")
        assert raised.value.reason == "token-expired"
    assert len(introspection.tokens) == 1


async def test_tokens_without_three_segments_are_introspected(
    introspection: FakeIntrospection,
) -> None:
    jwt_verifier = FakeJWTVerifier()
    verifier = IntrospectionVerifier(
        jwt_verifier, introspection, trusted=TRUSTED, wall_clock=ManualClock(NOW)
    )
    await verifier.verify(b"a.b.c")
    await verifier.verify(b"opaque")
    await verifier.verify(b"a.b")
    assert jwt_verifier.credentials == [b"a.b.c"]
    assert introspection.tokens == ["opaque", "a.b"]


async def test_active_result_is_cached_for_30_seconds(
    verifier: IntrospectionVerifier, introspection: FakeIntrospection, steady_clock: ManualClock
) -> None:
    await verifier.verify(b"token")
    steady_clock.now = 29.9
    await verifier.verify(b"token")
    assert len(introspection.tokens) == 1
    steady_clock.now = 30
    introspection.response = introspection_response(active=False)
    assert await error_reason(verifier, b"token") == "introspection-inactive"
    assert len(introspection.tokens) == 2


async def test_active_result_is_not_cached_past_exp(
    verifier: IntrospectionVerifier, introspection: FakeIntrospection, wall_clock: ManualClock
) -> None:
    introspection.response = introspection_response(exp=NOW + 10)
    await verifier.verify(b"token")
    wall_clock.now += 14.9  # Within the clock skew of 5 s.
    await verifier.verify(b"token")
    wall_clock.now += 0.1
    assert await error_reason(verifier, b"token") == "token-expired"
    assert len(introspection.tokens) == 1


async def test_inactive_result_is_cached_for_five_seconds(
    verifier: IntrospectionVerifier, introspection: FakeIntrospection, steady_clock: ManualClock
) -> None:
    introspection.response = introspection_response(active=False)
    for _ in range(3):
        assert await error_reason(verifier, b"token") == "introspection-inactive"
    assert len(introspection.tokens) == 1
    steady_clock.now = 5
    introspection.response = introspection_response()
    assert (await verifier.verify(b"token")).client_id == "client-1"


async def test_concurrent_requests_with_one_token_share_one_introspection(
    verifier: IntrospectionVerifier, introspection: FakeIntrospection
) -> None:
    introspection.responding.clear()
    requests = [asyncio.create_task(verifier.verify(b"token")) for _ in range(10)]
    await asyncio.sleep(0)
    requests.pop().cancel()
    await asyncio.sleep(0)
    introspection.responding.set()
    assert {access_token.client_id for access_token in await asyncio.gather(*requests)} == {
        "client-1"
    }
    assert introspection.tokens == ["token"]


async def test_unknown_tokens_are_rate_limited_but_known_ones_are_not(
    verifier: IntrospectionVerifier, introspection: FakeIntrospection, steady_clock: ManualClock
) -> None:
    await verifier.verify(b"good")
    introspection.response = introspection_response(active=False)
    reasons = [await error_reason(verifier, f"invented-{n}".encode()) for n in range(6)]
    assert reasons == ["introspection-inactive"] * 4 + ["introspection-unavailable"] * 2
    introspection.response = introspection_response()
    await verifier.verify(b"good")
    steady_clock.now = 31
    await verifier.verify(b"good")
    assert introspection.tokens.count("good") == 2
    steady_clock.now = 60
    await verifier.verify(b"another")


async def test_concurrent_introspections_are_limited(
    verifier: IntrospectionVerifier, introspection: FakeIntrospection
) -> None:
    introspection.responding.clear()
    waiting = [asyncio.create_task(verifier.verify(f"{n}".encode())) for n in range(3)]
    await asyncio.sleep(0)
    assert await error_reason(verifier, b"one-more") == "introspection-unavailable"
    introspection.responding.set()
    await asyncio.gather(*waiting)


async def test_failing_endpoint_is_503_and_not_retried_within_a_second(
    verifier: IntrospectionVerifier, introspection: FakeIntrospection, steady_clock: ManualClock
) -> None:
    await verifier.verify(b"token")
    steady_clock.now = 30
    introspection.response = FetchError("ConnectError")
    with pytest.raises(ServiceUnavailable) as raised:
        await verifier.verify(b"token")
    assert int(raised.value.headers["Retry-After"]) == 1
    assert "WWW-Authenticate" not in raised.value.headers
    introspection.response = introspection_response()
    assert await error_reason(verifier, b"token") == "introspection-unavailable"
    assert len(introspection.tokens) == 2
    steady_clock.now = 31
    await verifier.verify(b"token")


async def test_cached_results_contain_no_token(verifier: IntrospectionVerifier) -> None:
    for number in range(5):
        await verifier.verify(f"token-{number}".encode())
    assert len(verifier._results) == 5
    assert "token-1" not in repr(verifier._results)


async def test_revoked_jti_is_rejected_and_oversized_token_not_introspected(
    introspection: FakeIntrospection,
) -> None:
    verifier = IntrospectionVerifier(
        FakeJWTVerifier(),
        introspection,
        trusted=TRUSTED,
        revoked=lambda claims: claims.get("jti") == "AT.1",
        wall_clock=ManualClock(NOW),
    )
    assert await error_reason(verifier, b"token") == "token-revoked"
    assert await error_reason(verifier, b"x" * 5000) == "token-too-large"
    assert introspection.tokens == ["token"]


class TestIntrospectionClient:
    """``IntrospectionClient`` against a real server."""

    @pytest.fixture
    def server(self) -> Any:
        issuer = LocalIssuer()
        yield issuer
        issuer.close()

    @staticmethod
    def post(server: LocalIssuer, body: bytes, status: int = 200, **headers: str) -> list[Any]:
        """Let the server accept POST requests; return the list of those received."""
        received: list[Any] = []

        def do_post(handler: BaseHTTPRequestHandler) -> None:
            length = int(handler.headers["Content-Length"])
            received.append((handler.path, dict(handler.headers), handler.rfile.read(length)))
            handler.send_response(status)
            for name, value in headers.items():
                handler.send_header(name, value)
            handler.send_header("Content-Length", str(len(body)))
            handler.end_headers()
            handler.wfile.write(body)

        server._server.RequestHandlerClass.do_POST = do_post  # type: ignore[attr-defined] # a handler without it
        return received

    async def test_request_sends_token_in_form_and_secret_by_basic_auth(
        self, server: LocalIssuer
    ) -> None:
        received = self.post(server, json.dumps(ACTIVE).encode())
        client = IntrospectionClient(f"{server.origin}/introspect", "a:b", "p w/ü")
        assert await client("opaque&x=1") == ACTIVE
        await client.aclose()
        ((path, headers, body),) = received
        assert path == "/introspect"
        assert body == b"token=opaque%26x%3D1&token_type_hint=access_token"
        basic = b64decode(headers["Authorization"].removeprefix("Basic "))
        assert basic == b"a%3Ab:p+w%2F%C3%BC"

    @pytest.mark.parametrize(
        ("body", "status", "code"),
        [
            (b"{}", 401, "status-401"),
            (b"", 302, "status-302"),
            (b"{", 200, "not-a-json-object"),
            (b"[]", 200, "not-a-json-object"),
            (b"[" * 60_000, 200, "not-a-json-object"),
            (b'{"active": false, "active": true}', 200, "not-a-json-object"),
            (b'{"active": true, "exp": 1e999}', 200, "not-a-json-object"),
            (b'{"active": true, "exp": NaN}', 200, "not-a-json-object"),
            (b" " * 70_000, 200, "too-large"),
        ],
    )
    async def test_invalid_http_response_raises_fetch_error(
        self, server: LocalIssuer, body: bytes, status: int, code: str
    ) -> None:
        self.post(server, body, status, Location=f"{server.origin}/x")
        client = IntrospectionClient(f"{server.origin}/introspect", "a", "b")
        with pytest.raises(FetchError, match=code):
            await client("opaque")
        await client.aclose()

    async def test_unreachable_endpoint_raises_fetch_error(self) -> None:
        client = IntrospectionClient("http://127.0.0.1:9/x", "a", "b")
        with pytest.raises(FetchError, match="ConnectError"):
            await client("opaque")
        await client.aclose()
