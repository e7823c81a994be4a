"""Clients over a prepared API: URLs, errors, retries, and what must not leave the machine."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

import encore.client
from encore.client import (
    ApiServerError,
    AsyncClient,
    BearerToken,
    Client,
    ConfigurationError,
    Forbidden,
    InsecureError,
    NetworkError,
    NetworkTimeoutError,
    NotFound,
    TooManyRequests,
    UnexpectedResponseError,
    UsageError,
)

ROOT = Path(__file__).parents[3]


@pytest.fixture
def client(api: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    """A client that waits for nothing between retries."""
    monkeypatch.setattr("encore.client.retries.FIRST_WAIT_SECONDS", 0.001)
    with Client(f"{api.url}/v1/", auth=BearerToken("secret-token")) as client:
        yield client


def test_urls_are_relative_to_the_api(client: Client, api: Any) -> None:
    for url in ("parts", "/parts", "parts?a=b%20c", f"{api.url}/parts"):
        client.request("get", url)
    client.request("GET", "parts?a=1", params={"b": "x y", "c": True})
    client["parts/ä b"].list(sort=["a", "-b"], fields=["x"])
    client["parts/a%2Fb"].list()
    client.resource("parts", "a/b?", "history").list(children="x")
    assert [r.path for r in api.requests] == [
        "/v1/parts",
        "/v1/parts",
        "/v1/parts?a=b%20c",
        "/parts",
        "/v1/parts?a=1&b=x+y&c=true",
        "/v1/parts/%C3%A4%20b?sort=a%2C-b&fields=x",
        "/v1/parts/a%252Fb",
        "/v1/parts/a%2Fb%3F/history?children=x",
    ]


@pytest.mark.parametrize(
    "url",
    ["http://other.example/parts", "//other.example/x:1", "https://localhost/parts", "http://:1/"],
)
def test_token_is_sent_to_no_other_origin(client: Client, api: Any, url: str) -> None:
    if url.startswith("//"):  # A path: nothing but a whole URL names another host.
        client.request("GET", url)
        assert api.requests[0].path == "/v1/other.example/x:1"
        return
    with pytest.raises(UsageError):
        client.request("GET", url)
    assert api.requests == []


@pytest.mark.parametrize("path", ["a?b=1", "a#b", "", "/", "a//b", "a/../b", "."])
def test_resource_needs_a_plain_path(client: Client, path: str) -> None:
    with pytest.raises(UsageError):
        client.resource(path)


def test_body_is_what_was_given(client: Client, api: Any) -> None:
    client.request("POST", "x", json=None)
    client.request("POST", "x", json={"ä": [1.5, True]})
    client.request("POST", "x", content=b"a,b", headers={"content-type": "text/csv"})
    client.request("POST", "x", content=iter([b"1", b"2"]))
    assert [(r.body, r.headers.get("content-type")) for r in api.requests[:3]] == [
        (b"null", "application/json"),
        ('{"ä":[1.5,true]}'.encode(), "application/json"),
        (b"a,b", "text/csv"),
    ]
    with pytest.raises(UsageError, match="not both"):
        client.request("POST", "x", json=1, content=b"1")
    with pytest.raises(UsageError, match="no option"):
        client.request("POST", "x", data={})  # type: ignore[call-arg] # requests' name
    with pytest.raises(UsageError, match="method"):
        client.request("GET /", "x")


def test_request_that_cannot_be_written_is_refused(client: Client, api: Any) -> None:
    surrogate = "\udcff"
    calls: list[Callable[[], Any]] = [
        lambda: client.request("GET", "x" * 70_000),
        lambda: client.request("GET", f"x?{surrogate}"),
        lambda: client.request("GET", "x", headers={"X": "ä"}),
        lambda: client.request("GET", "x", timeout="x"),  # type: ignore[arg-type] # not a number
        lambda: client.parts.get(surrogate),
        lambda: client.parts.list(name=surrogate),
        lambda: client.parts.list(id__in=range(200_000)),
        lambda: client.parts.create(name=surrogate),
        lambda: client.parts.create({"name": "x"}, idempotency_key=None),  # type: ignore[call-overload] # no key
        lambda: client.parts.create({"name": "x"}, idempotency_key="ä"),
        lambda: client.parts.create([{"name": "x"}]),  # type: ignore[call-overload] # no row
    ]
    for call in calls:
        with pytest.raises(UsageError):
            call()
    assert api.requests == []


def test_error_has_the_problem_without_the_token(client: Client, api: Any) -> None:
    problem = {
        "type": "urn:problem-type:forbidden",
        "title": "Forbidden",
        "detail": "not with secret-token",
        "request_id": "abc",
        "errors": [{"field": "a", "message": "m"}, {"field": "a", "message": "n"}, "b"],
    }
    api.respond(403, problem, "application/problem+json")
    with pytest.raises(Forbidden) as refusal:
        client.request("POST", "x", json={})
    error = refusal.value
    assert (error.status, error.type, error.request_id) == (403, problem["type"], "abc")
    assert error.errors == {"a": ["m", "n"], "b": []}
    assert error.detail == error.problem["detail"] == "not with ***"
    assert "secret-token" not in str(error)


@pytest.mark.parametrize(
    ("status", "error_class"),
    [(404, NotFound), (418, encore.client.ApiRejectedError), (500, ApiServerError)],
)
def test_error_class_is_that_of_the_status(
    client: Client, api: Any, status: int, error_class: type[Exception]
) -> None:
    api.respond(status, b"oops", "text/plain")
    with pytest.raises(error_class, match="oops") as refusal:
        client.request("POST", "x")
    assert type(refusal.value) is error_class


def test_success_that_is_not_json_is_an_error(client: Client, api: Any) -> None:
    api.respond(200, b"<html>", "text/html")
    api.respond(200, b"NaN")
    api.respond(200, {})
    api.respond(200, [])
    api.respond(200, b"{}\n{", "application/x-ndjson")
    calls: list[Callable[[], Any]] = [
        lambda: client.request("GET", "x"),
        lambda: client.request("GET", "x"),
        client.parts.list,
        lambda: client.parts.get(1),
        lambda: list(client.parts.stream()),
        lambda: list(client.parts.stream()),
    ]
    for call in calls:
        with pytest.raises(UnexpectedResponseError):
            call()


def test_redirect_is_not_followed(client: Client, api: Any) -> None:
    api.respond(302, {})
    with pytest.raises(UnexpectedResponseError, match="redirect"):
        client.request("GET", "x")
    assert len(api.requests) == 1


def test_reading_is_retried_and_writing_is_not(client: Client, api: Any) -> None:
    for _ in range(2):
        api.respond(503, {})
    assert client.parts.list() == []
    assert len(api.requests) == 3
    for method in ("POST", "PATCH", "DELETE"):
        api.respond(503, {})
        with pytest.raises(encore.client.ServiceUnavailable):
            client.request(method, "x")
    assert len(api.requests) == 6
    api.respond(503, {})
    api.respond(201, {"id": 1})
    assert client.parts.create({"a": 1}, idempotency_key="k") == {"id": 1}
    assert [r.body for r in api.requests[6:]] == [b'{"a":1}'] * 2


def test_retries_end(client: Client, api: Any) -> None:
    for _ in range(3):
        api.respond(429, {})
    with pytest.raises(TooManyRequests):
        client.parts.list()
    assert len(api.requests) == 3
    api.respond(500, {})
    with pytest.raises(ApiServerError):
        client.parts.list()
    assert len(api.requests) == 4


def test_lost_connection_is_retried_unless_rows_are_gone(free_url: str) -> None:
    attempts = 0

    def fail(request: httpx.Request) -> httpx.Response:
        nonlocal attempts
        attempts += 1
        if isinstance(request.stream, httpx.SyncByteStream):
            b"".join(request.stream)
        raise httpx.ConnectError("refused", request=request)

    transport = httpx.MockTransport(fail)
    with Client(free_url, transport=transport) as client:
        calls: list[tuple[Callable[[], Any], int]] = [
            (lambda: client.parts.upload([{"a": 1}], idempotency_key="k"), 3),
            (lambda: client.parts.upload(iter([{"a": 1}]), idempotency_key="k"), 1),
            (lambda: client.parts.upload([{"a": 1}]), 1),
        ]
        for call, expected in calls:
            attempts = 0
            with pytest.raises(NetworkError):
                call()
            assert attempts == expected


@pytest.fixture
def free_url(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr("encore.client.retries.FIRST_WAIT_SECONDS", 0.001)
    return "http://localhost:1"


def test_timeout_is_an_error_of_its_own() -> None:
    def wait(request: httpx.Request) -> httpx.Response:
        assert request.extensions["timeout"]["read"] == 0.5
        raise httpx.ReadTimeout("", request=request)

    transport = httpx.MockTransport(wait)
    with (
        Client("http://localhost:1", transport=transport) as client,
        pytest.raises(NetworkTimeoutError, match="http://localhost:1 did not respond in time"),
    ):
        client.parts.list({}, timeout=0.5)


def test_pages_that_cannot_be_followed_are_an_error(client: Client) -> None:
    def page(headers: dict[str, str]) -> Client:
        respond = httpx.MockTransport(lambda _: httpx.Response(200, json=[{}], headers=headers))
        return Client(client.base_url, transport=respond)

    link = {"Link": f'<{client.base_url}/parts>; rel="next"'}
    for headers, message in (
        ({"Content-Range": "items 0-0/3"}, "links to no next page"),
        ({"Content-Range": "items 0-0/*"}, "links to no next page"),
        ({"Link": '<http://other.example/>; rel="next"'}, "not http://localhost"),
    ):
        with pytest.raises(encore.client.ClientError, match=message):
            list(page(headers).parts.all())
    with pytest.raises(UnexpectedResponseError, match="same page"):
        list(page(link).parts.all())
    assert len(list(page({}).parts.all())) == 1


@pytest.mark.parametrize("client_class", [Client, AsyncClient])
def test_settings_that_cannot_work_are_refused(client_class: type[Client]) -> None:
    for arguments in (
        {"base_url": "localhost:3000"},
        {"base_url": "http://a?b=c"},
        {"base_url": "http://u:p@a"},
        {"base_url": "http://localhost", "auth": "token"},
        {"base_url": "http://localhost", "retries": -1},
    ):
        with pytest.raises(ConfigurationError):
            client_class(**arguments)
    with pytest.raises(InsecureError):
        client_class("http://api.example", auth=BearerToken("x"))
    with pytest.raises(InsecureError):
        client_class("http://api.example", headers={"authorization": "x"})
    client_class("http://api.example", auth=BearerToken("x"), insecure=True)
    client_class("http://api.example")


def test_insecure_client_sends_its_token() -> None:
    sent = []

    def respond(request: httpx.Request) -> httpx.Response:
        sent.append(request.headers["authorization"])
        return httpx.Response(200, json=[])

    with Client(
        "http://api.example",
        auth=BearerToken("x"),
        insecure=True,
        transport=httpx.MockTransport(respond),
    ) as client:
        client.parts.list()
    assert sent == ["Bearer x"]


def test_every_public_name_exists() -> None:
    for name in encore.client.__all__:
        assert getattr(encore.client, name)


@pytest.mark.processes
def test_library_imports_httpx_and_no_framework() -> None:
    code = (
        "import sys, encore.client\n"
        "assert 'httpx' not in sys.modules\n"
        "encore.client.Client; encore.client.AsyncClient; encore.client.ClientCredentials\n"
        "assert 'httpx' in sys.modules\n"
        "heavy = {'fastapi', 'starlette', 'sqlalchemy', 'pydantic', 'msgspec', 'rich', 'click'}\n"
        "sys.exit(str(heavy & set(sys.modules)) if heavy & set(sys.modules) else 0)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=False, text=True
    )
    assert (ended.returncode, ended.stderr) == (0, "")
