"""Introspection of opaque tokens: validation, caching, rate limit, failures, HTTP client."""

import asyncio
import json
from base64 import b64decode
from collections.abc import Mapping
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
from encore.errors import ApiError, ServiceUnavailable, Unauthorized
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
    ({"aud": ...}, "introspection-aud"),
    ({"aud": []}, "introspection-aud"),
    ({"aud": "api://other"}, "introspection-aud"),
    ({"aud": [AUDIENCE, 1]}, "introspection-aud"),
    ({"token_type": "DPoP"}, "introspection-token-type"),
    ({"token_type": "refresh_token"}, "introspection-token-type"),
    ({"exp": "tomorrow"}, "introspection-ill-typed"),
    ({"exp": True}, "introspection-ill-typed"),
    ({"exp": float("nan")}, "introspection-ill-typed"),
    ({"nbf": None}, "introspection-ill-typed"),
    ({"jti": 7}, "introspection-ill-typed"),
    ({"client_id": ["client-1"]}, "introspection-ill-typed"),
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
        return validate_introspection(ACTIVE, TRUSTED)


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
    access_token = validate_introspection(introspection_response(aud=["x", AUDIENCE]), TRUSTED)
    assert access_token.scopes == frozenset({"items", "other"})
    assert access_token.client_id == "client-1"
    assert access_token.valid_until == NOW + 3600


@pytest.mark.parametrize(("changes", "reason"), INVALID)
def test_invalid_response_is_unauthorized(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(Unauthorized) as raised:
        validate_introspection(introspection_response(**changes), TRUSTED)
    assert raised.value.reason == reason


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
    wall_clock.now += 10
    assert await error_reason(verifier, b"token") == "token-expired"


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
            (b"{", 200, "not-json"),
            (b"[]", 200, "not-an-object"),
            (b"[" * 60_000, 200, "not-json"),
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
