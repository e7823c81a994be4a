"""Opaque tokens: what counts of an answer, how often is asked, and what happens without one."""

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
from encore.errors import ApiError, ServiceUnavailable, Unauthorized
from tests.fixtures.tokens import LocalIssuer, ManualClock

pytestmark = pytest.mark.anyio

NOW = 1_700_000_000
AUDIENCE = "api://default"
GOOD = {
    "active": True,
    "iss": "https://issuer.example",
    "aud": AUDIENCE,
    "client_id": "client-1",
    "scope": "items other",
    "token_type": "Bearer",
    "jti": "AT.1",
    "exp": NOW + 3600,
}
CHANGES: list[tuple[dict[str, Any], str]] = [
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


def answer(**changes: Any) -> dict[str, Any]:
    return {name: value for name, value in (GOOD | changes).items() if value is not ...}


class FakeEndpoint:
    """An endpoint in memory that says what it is told to, and counts who asked."""

    def __init__(self) -> None:
        self.says: Any = answer()
        self.asked: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self, token: str) -> Mapping[str, Any]:
        self.asked.append(token)
        await self.gate.wait()
        if isinstance(self.says, Exception):
            raise self.says
        says: Mapping[str, Any] = self.says
        return says


class Jwts:
    """Stands where the verifier of JWTs stands."""

    def __init__(self) -> None:
        self.validated_elsewhere: list[bytes] = []

    async def verify(self, credential: bytes) -> AccessToken:
        self.validated_elsewhere.append(credential)
        return validate_introspection(GOOD, AUDIENCE)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def oracle() -> FakeEndpoint:
    return FakeEndpoint()


@pytest.fixture
def wall() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
def steady() -> ManualClock:
    return ManualClock(0)


@pytest.fixture
def judge(oracle: FakeEndpoint, wall: ManualClock, steady: ManualClock) -> IntrospectionVerifier:
    policy = IntrospectionPolicy(unknown_per_minute=5, max_concurrent=3, cache_size=10)
    return IntrospectionVerifier(
        Jwts(), oracle, audience=AUDIENCE, policy=policy, wall_clock=wall, steady_clock=steady
    )


async def refusal(judge: IntrospectionVerifier, token: bytes) -> str:
    with pytest.raises(ApiError) as refused:
        await judge.verify(token)
    return refused.value.reason


def test_a_good_answer_grants_what_it_says() -> None:
    grant = validate_introspection(answer(aud=["x", AUDIENCE]), AUDIENCE)
    assert grant.scopes == frozenset({"items", "other"})
    assert grant.client_id == "client-1"
    assert grant.valid_until == NOW + 3600


@pytest.mark.parametrize(("changes", "reason"), CHANGES)
def test_any_other_answer_is_a_refusal(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(Unauthorized) as refused:
        validate_introspection(answer(**changes), AUDIENCE)
    assert refused.value.reason == reason


async def test_only_what_has_not_three_segments_is_asked_about(oracle: FakeEndpoint) -> None:
    jwts = Jwts()
    judge = IntrospectionVerifier(jwts, oracle, audience=AUDIENCE, wall_clock=ManualClock(NOW))
    await judge.verify(b"a.b.c")
    await judge.verify(b"opaque")
    await judge.verify(b"a.b")
    assert jwts.validated_elsewhere == [b"a.b.c"]
    assert oracle.asked == ["opaque", "a.b"]


async def test_a_yes_serves_30_seconds(
    judge: IntrospectionVerifier, oracle: FakeEndpoint, steady: ManualClock
) -> None:
    await judge.verify(b"token")
    steady.now = 29.9
    await judge.verify(b"token")
    assert len(oracle.asked) == 1
    steady.now = 30
    oracle.says = answer(active=False)
    assert await refusal(judge, b"token") == "introspection-inactive"
    assert len(oracle.asked) == 2


async def test_a_yes_never_serves_past_exp(
    judge: IntrospectionVerifier, oracle: FakeEndpoint, wall: ManualClock
) -> None:
    oracle.says = answer(exp=NOW + 10)
    await judge.verify(b"token")
    wall.now += 10
    assert await refusal(judge, b"token") == "token-expired"


async def test_a_no_serves_five_seconds(
    judge: IntrospectionVerifier, oracle: FakeEndpoint, steady: ManualClock
) -> None:
    oracle.says = answer(active=False)
    for _ in range(3):
        assert await refusal(judge, b"token") == "introspection-inactive"
    assert len(oracle.asked) == 1
    steady.now = 5
    oracle.says = answer()
    assert (await judge.verify(b"token")).client_id == "client-1"


async def test_ten_requests_with_one_token_are_one_question(
    judge: IntrospectionVerifier, oracle: FakeEndpoint
) -> None:
    oracle.gate.clear()
    requests = [asyncio.create_task(judge.verify(b"token")) for _ in range(10)]
    await asyncio.sleep(0)
    requests.pop().cancel()
    await asyncio.sleep(0)
    oracle.gate.set()
    assert {grant.client_id for grant in await asyncio.gather(*requests)} == {"client-1"}
    assert oracle.asked == ["token"]


async def test_invented_tokens_spend_a_budget_that_good_ones_do_not_need(
    judge: IntrospectionVerifier, oracle: FakeEndpoint, steady: ManualClock
) -> None:
    await judge.verify(b"good")
    oracle.says = answer(active=False)
    reasons = [await refusal(judge, f"invented-{n}".encode()) for n in range(6)]
    assert reasons == ["introspection-inactive"] * 4 + ["introspection-unavailable"] * 2
    oracle.says = answer()
    await judge.verify(b"good")
    steady.now = 31
    await judge.verify(b"good")
    assert oracle.asked.count("good") == 2
    steady.now = 60
    await judge.verify(b"another")


async def test_questions_under_way_are_bounded(
    judge: IntrospectionVerifier, oracle: FakeEndpoint
) -> None:
    oracle.gate.clear()
    waiting = [asyncio.create_task(judge.verify(f"{n}".encode())) for n in range(3)]
    await asyncio.sleep(0)
    assert await refusal(judge, b"one-more") == "introspection-unavailable"
    oracle.gate.set()
    await asyncio.gather(*waiting)


async def test_an_endpoint_that_fails_is_503_and_left_alone_for_a_second(
    judge: IntrospectionVerifier, oracle: FakeEndpoint, steady: ManualClock
) -> None:
    await judge.verify(b"token")
    steady.now = 30
    oracle.says = FetchError("ConnectError")
    with pytest.raises(ServiceUnavailable) as refused:
        await judge.verify(b"token")
    assert int(refused.value.headers["Retry-After"]) == 1
    assert "WWW-Authenticate" not in refused.value.headers
    oracle.says = answer()
    assert await refusal(judge, b"token") == "introspection-unavailable"
    assert len(oracle.asked) == 2
    steady.now = 31
    await judge.verify(b"token")


async def test_answers_are_bounded_and_hold_no_token(judge: IntrospectionVerifier) -> None:
    for number in range(5):
        await judge.verify(f"token-{number}".encode())
    assert len(judge._results) == 5
    assert "token-1" not in repr(judge._results)


async def test_a_revoked_jti_is_refused_and_an_endless_token_is_not_asked_about(
    oracle: FakeEndpoint,
) -> None:
    judge = IntrospectionVerifier(
        Jwts(), oracle, audience=AUDIENCE, revoked=lambda claims: claims.get("jti") == "AT.1",
        wall_clock=ManualClock(NOW),
    )  # fmt: skip
    assert await refusal(judge, b"token") == "token-revoked"
    assert await refusal(judge, b"x" * 5000) == "token-too-large"
    assert oracle.asked == ["token"]


class TestEndpoint:
    """The HTTP beneath, against a real server."""

    @pytest.fixture
    def server(self) -> Any:
        issuer = LocalIssuer()
        yield issuer
        issuer.close()

    @staticmethod
    def post(server: LocalIssuer, body: bytes, status: int = 200, **headers: str) -> list[Any]:
        """Let the server take a POST; gives what it was sent."""
        seen: list[Any] = []

        def do_post(handler: BaseHTTPRequestHandler) -> None:
            length = int(handler.headers["Content-Length"])
            seen.append((handler.path, dict(handler.headers), handler.rfile.read(length)))
            handler.send_response(status)
            for name, value in headers.items():
                handler.send_header(name, value)
            handler.send_header("Content-Length", str(len(body)))
            handler.end_headers()
            handler.wfile.write(body)

        server._server.RequestHandlerClass.do_POST = do_post  # type: ignore[attr-defined]
        return seen

    async def test_the_token_goes_into_the_body_and_the_secret_into_basic(
        self, server: LocalIssuer
    ) -> None:
        seen = self.post(server, json.dumps(GOOD).encode())
        endpoint = IntrospectionClient(f"{server.origin}/introspect", "a:b", "p w/ü")
        assert await endpoint("opaque&x=1") == GOOD
        await endpoint.aclose()
        ((path, headers, body),) = seen
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
    async def test_whatever_is_no_answer_is_an_error(
        self, server: LocalIssuer, body: bytes, status: int, code: str
    ) -> None:
        self.post(server, body, status, Location=f"{server.origin}/x")
        endpoint = IntrospectionClient(f"{server.origin}/introspect", "a", "b")
        with pytest.raises(FetchError, match=code):
            await endpoint("opaque")
        await endpoint.aclose()

    async def test_nobody_there_is_an_error(self) -> None:
        endpoint = IntrospectionClient("http://127.0.0.1:9/x", "a", "b")
        with pytest.raises(FetchError, match="ConnectError"):
            await endpoint("opaque")
        await endpoint.aclose()
