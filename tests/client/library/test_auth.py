"""Tokens by client credentials, as ``httpx.Auth``: cached, renewed, requested once."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import httpx
import pytest

from encore.client.auth import BearerToken, ClientCredentials
from encore.client.errors import (
    ConfigurationError,
    InsecureError,
    IssuerError,
    UnexpectedResponseError,
    UsageError,
)
from encore.client.token_cache import MemoryTokenCache, TokenKey

TOKEN = {"access_token": "t1", "token_type": "Bearer", "expires_in": 3600}
SECRET = "the-secret-of-the-test"


def api_requests(server: Any) -> list[Any]:
    return [request for request in server.requests if request.path == "/parts"]


@pytest.fixture
def clock() -> list[float]:
    return [1000.0]


@pytest.fixture
def auth(environment: dict[str, str], clock: list[float]) -> ClientCredentials:
    """By the real development issuer."""
    return ClientCredentials(
        environment["ISSUER"],
        environment["CLIENT_ID"],
        environment["CLIENT_SECRET"],
        scope=environment["SCOPE"],
        clock=lambda: clock[0],
    )


@pytest.fixture
def http(auth: ClientCredentials, api: Any) -> Iterator[httpx.Client]:
    with httpx.Client(auth=auth, base_url=api.url) as client:
        yield client


def token_of(response: httpx.Response) -> str:
    return response.request.headers["Authorization"].removeprefix("Bearer ")


def test_token_is_cached_until_shortly_before_expiry(
    http: httpx.Client, clock: list[float]
) -> None:
    first = token_of(http.get("/parts"))
    clock[0] += 3569
    assert token_of(http.get("/parts")) == first
    clock[0] += 1
    assert token_of(http.get("/parts")) != first


def test_rejected_cached_token_is_renewed_once(http: httpx.Client, api: Any) -> None:
    http.get("/parts")
    api.respond(401, {})
    assert http.post("/parts", json={"name": "x"}).status_code == 200
    assert [r.body for r in api.requests[1:]] == [b'{"name":"x"}'] * 2
    assert api.requests[0].token == api.requests[1].token != api.requests[2].token


def test_rejected_new_token_is_not_renewed(http: httpx.Client, api: Any) -> None:
    api.respond(401, {})
    assert http.get("/parts").status_code == 401
    assert len(api.requests) == 1


def test_body_that_cannot_be_sent_twice_is_not_repeated(http: httpx.Client, api: Any) -> None:
    first = token_of(http.get("/parts"))
    api.respond(401, {})
    assert http.post("/parts", content=(b"x" for _ in range(3))).status_code == 401
    assert len(api.requests) == 2
    assert token_of(http.get("/parts")) != first


def test_tasks_share_one_token_with_threads(auth: ClientCredentials, api: Any) -> None:
    async def request_all() -> None:
        async with httpx.AsyncClient(auth=auth) as client:
            await asyncio.gather(*(client.get(f"{api.url}/parts") for _ in range(5)))

    with ThreadPoolExecutor(6) as pool, httpx.Client(auth=auth) as client:
        tasks = pool.submit(asyncio.run, request_all())
        for answer in [pool.submit(client.get, f"{api.url}/parts") for _ in range(5)]:
            assert answer.result().status_code == 200
        tasks.result()
    assert len(api.requests) == 10
    assert len({request.token for request in api.requests}) == 1


def test_task_renews_a_rejected_token(auth: ClientCredentials, api: Any) -> None:
    async def request_twice() -> int:
        async with httpx.AsyncClient(auth=auth) as client:
            await client.get(f"{api.url}/parts")
            api.respond(401, {})
            return (await client.get(f"{api.url}/parts")).status_code

    assert asyncio.run(request_twice()) == 200
    assert len({request.token for request in api.requests}) == 2


def test_clients_with_one_cache_request_one_token(
    environment: dict[str, str], api: Any, clock: list[float]
) -> None:
    cache = MemoryTokenCache()
    for scope in ("parts_manager", "parts_manager", "batch:upload"):
        auth = ClientCredentials(
            environment["ISSUER"],
            environment["CLIENT_ID"],
            environment["CLIENT_SECRET"],
            scope=scope,
            cache=cache,
            clock=lambda: clock[0],
        )
        with httpx.Client(auth=auth) as client:
            client.get(f"{api.url}/parts")
    tokens = [request.token for request in api.requests]
    assert tokens[0] == tokens[1] != tokens[2]
    key = TokenKey(environment["ISSUER"], "dev", "parts_manager", "")
    cached = cache.load(key)
    assert cached is not None
    assert (cached.renew_at, cached.expires_at) == (clock[0] + 3570, clock[0] + 3600)
    assert cached.access_token not in repr(cached)


def test_failed_token_request_releases_the_lock(fake_server: Callable[[], Any], api: Any) -> None:
    issuer = fake_server()
    issuer.respond(503, {"error": f"no {SECRET}"})
    issuer.respond(200, TOKEN)
    with httpx.Client(auth=ClientCredentials(issuer.url, "dev", SECRET)) as client:
        with pytest.raises(IssuerError, match=r"503 no \*\*\*") as refusal:
            client.get(f"{api.url}/parts")
        assert refusal.value.status == 503
        assert client.get(f"{api.url}/parts").status_code == 200


@pytest.mark.parametrize(
    ("path", "token_path", "expected"),
    [
        ("", "", ("/v1/token", "application/x-www-form-urlencoded")),
        ("/", "", ("/oauth/token", "application/json")),
        ("/realms/a", "/realms/a/token", ("/realms/a/token", "application/x-www-form-urlencoded")),
    ],
)
def test_token_request_is_okta_s_auth0_s_or_as_metadata_says(
    fake_server: Callable[[], Any],
    api: Any,
    path: str,
    token_path: str,
    expected: tuple[str, str],
) -> None:
    issuer = fake_server()
    issuer.respond(200, TOKEN)
    token_url = f"{issuer.url}{token_path}" if token_path else ""
    auth = ClientCredentials(f"{issuer.url}{path}", "dev", SECRET, token_url=token_url)
    with httpx.Client(auth=auth) as client:
        client.get(f"{api.url}/parts")
    (request,) = issuer.requests
    assert (request.path, request.headers["content-type"]) == expected
    assert api.requests[0].token == "Bearer t1"


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ({"access_token": "a b", "token_type": "Bearer"}, "without an access token"),
        ({"access_token": "a", "token_type": "mac"}, "another type"),
        ([], "without an access token"),
    ],
)
def test_token_response_without_bearer_token_is_an_error(
    fake_server: Callable[[], Any], api: Any, answer: Any, message: str
) -> None:
    issuer = fake_server()
    issuer.respond(200, answer)
    with (
        httpx.Client(auth=ClientCredentials(issuer.url, "dev", SECRET)) as client,
        pytest.raises(UnexpectedResponseError, match=message),
    ):
        client.get(f"{api.url}/parts")
    assert api.requests == []


def test_token_request_has_the_timeout_of_the_request() -> None:
    auth = ClientCredentials("http://localhost:1", "dev", SECRET)
    request = httpx.Client(timeout=7).build_request("GET", "http://localhost:2")
    with closing(auth.sync_auth_flow(request)) as flow:
        assert next(flow).extensions == {"timeout": dict.fromkeys(TIMEOUTS, 7)}


TIMEOUTS = ("connect", "read", "write", "pool")


@pytest.mark.parametrize(
    "arguments",
    [("", "dev", "x"), ("ftp://a", "dev", "x"), ("https://a", "", "x"), ("https://a", "dev", "")],
)
def test_client_credentials_with_missing_value_are_refused(arguments: tuple[str, str, str]) -> None:
    with pytest.raises(ConfigurationError):
        ClientCredentials(*arguments)


def test_secret_and_token_are_not_sent_in_clear() -> None:
    with pytest.raises(InsecureError, match="client secret"):
        ClientCredentials("http://issuer.example", "dev", SECRET)
    with (
        httpx.Client(auth=BearerToken("abc")) as client,
        pytest.raises(InsecureError, match="token"),
    ):
        client.get("http://api.example")


def test_bearer_token_is_sent(api: Any) -> None:
    with httpx.Client(auth=BearerToken("abc")) as client:
        client.get(f"{api.url}/parts")
    assert api.requests[0].token == "Bearer abc"


@pytest.mark.parametrize("token", ["", "a b", "a\n", "ä", "a\r\nX: 1"])
def test_malformed_bearer_token_is_refused(token: str) -> None:
    with pytest.raises(UsageError, match="malformed"):
        BearerToken(token)


def test_secrets_are_not_in_representations() -> None:
    assert "abc" not in repr(BearerToken("abc"))
    assert SECRET not in repr(ClientCredentials("https://a", "dev", SECRET))
