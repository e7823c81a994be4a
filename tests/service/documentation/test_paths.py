"""The paths that callers know: behind proxies, under a mount, with a root path."""

import asyncio
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.types import Scope

from encore import Service, Settings
from encore.errors import BadRequest
from encore.http.forwarded import TrustedProxies
from encore.service.documentation.paths import external_prefix
from tests.fixtures.gate import RunningGate, StartGate
from tests.fixtures.problems import assert_problem

PREFIX = "X-Forwarded-Prefix"
PROXY = "10.0.0.5"
PROXIES = TrustedProxies([PROXY])


@pytest.fixture(scope="module")
def behind_proxy(start_gate: StartGate) -> RunningGate:
    return start_gate(TRUSTED_PROXIES="127.0.0.1")


def scope_of(*values: bytes, peer: str = PROXY, root_path: str = "") -> Scope:
    headers = [(PREFIX.lower().encode(), value) for value in values]
    return {"client": (peer, 1), "headers": headers, "root_path": root_path}


@pytest.mark.parametrize(
    ("values", "prefix"),
    [
        ([], ""),
        ([b""], ""),
        ([b"/"], ""),
        ([b"/shop"], "/shop"),
        ([b"/shop/"], "/shop"),
        ([b"/a/b.c~d_e-f"], "/a/b.c~d_e-f"),
        ([b"/a%20b"], "/a%20b"),
        ([b"/a, /b"], "/a/b"),
        ([b"/a", b"/b/"], "/a/b"),
    ],
)
def test_prefix_is_what_the_proxies_have_removed(values: list[bytes], prefix: str) -> None:
    assert external_prefix(scope_of(*values), PROXIES) == prefix


@pytest.mark.parametrize(
    "value",
    [
        *(
            b"shop",
            b"//shop",
            b"/a//b",
            b"https://evil.example",
            b"/a/../b",
            b"/..",
            b"/.",
            b"/a/.",
        ),
        *(b"/a?b", b"/a#b", b"/a b", b'/a"b', b"/a<b", b"/a;b", b"/a%2", b"/\xc3\xa9", b"/a\\b"),
        *(b"/a, b", b"/" + b"a" * 600),
    ],
)
def test_prefix_that_is_not_a_path_is_rejected(value: bytes) -> None:
    with pytest.raises(BadRequest, match=f"{PREFIX} must be a path such as /shop"):
        external_prefix(scope_of(value), PROXIES)


def test_prefix_of_others_than_trusted_proxies_is_ignored() -> None:
    assert external_prefix(scope_of(b"/evil", peer="10.0.0.6"), PROXIES) == ""
    assert external_prefix(scope_of(b"//evil", peer="10.0.0.6"), PROXIES) == ""
    assert external_prefix(scope_of(b"/evil"), TrustedProxies()) == ""
    # RFC 7239 has no prefix: a proxy that sends Forwarded passes X-Forwarded-Prefix on as it came.
    assert external_prefix(scope_of(b"/evil"), TrustedProxies([PROXY], "forwarded")) == ""


@pytest.mark.parametrize(
    ("root_path", "value", "prefix"),
    [
        ("/shop", b"", "/shop"),
        ("/a'b", b"", "/a%27b"),
        ("/shop", b"/api", "/api/shop"),
        ("/api", b"/api", "/api"),  # root_path is what the proxy removes, as FastAPI documents it.
        ("/api/shop", b"/api", "/api/shop"),
        ("/apis", b"/api", "/api/apis"),
    ],
)
def test_root_path_follows_the_prefix(root_path: str, value: bytes, prefix: str) -> None:
    assert external_prefix(scope_of(value, root_path=root_path), PROXIES) == prefix


def test_prefix_is_in_document_page_and_redirect(behind_proxy: RunningGate) -> None:
    with httpx.Client(base_url=behind_proxy.url, headers={PREFIX: "/shop"}) as client:
        document = client.get("/openapi.json")
        assert document.json()["servers"] == [{"url": "/shop"}]
        page = client.get("/docs").text
        assert 'src="/shop/docs-assets/page.js"' in page
        assert "/shop/openapi.json" in page
        assert "/shop/docs/oauth2-redirect" in page
        home = client.get("/", headers={"Accept": "text/html"})
        assert home.headers["location"] == "/shop/docs"
        assert "</shop/docs>" in client.get("/").headers["link"]
    other = httpx.get(f"{behind_proxy.url}/openapi.json")
    assert other.json()["servers"] == [{"url": "/"}]
    assert other.headers["etag"] != document.headers["etag"]


@pytest.mark.parametrize("path", ["/openapi.json", "/docs", "/docs/oauth2-redirect", "/"])
def test_invalid_prefix_is_a_bad_request(behind_proxy: RunningGate, path: str) -> None:
    headers = {PREFIX: "//evil.example", "Accept": "*/*"}
    response = httpx.get(f"{behind_proxy.url}{path}", headers=headers)
    assert_problem(response, 400, "bad-request")
    assert response.json()["errors"][0]["field"] == PREFIX


def test_forged_prefix_changes_nothing(gate: RunningGate) -> None:
    headers = {PREFIX: "/evil"}
    assert httpx.get(f"{gate.url}/openapi.json", headers=headers).json()["servers"] == [
        {"url": "/"}
    ]
    assert "evil" not in httpx.get(f"{gate.url}/docs", headers=headers).text


@pytest.mark.parametrize("is_mounted", [True, False])
def test_document_names_the_path_of_the_service(is_mounted: bool) -> None:  # noqa: FBT001 - a parameter of pytest
    service: Any = Service(Settings(issuer="https://issuer.example/oauth2/default"))
    app: Any = FastAPI()
    if is_mounted:
        app.mount("/shop", service)
    else:
        app = service
        service.root_path = "/shop"

    async def get() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
            return await client.get("/shop/openapi.json" if is_mounted else "/openapi.json")

    assert asyncio.run(get()).json()["servers"] == [{"url": "/shop"}]


@pytest.mark.parametrize(
    ("accept", "is_browser"),
    [
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", True),
        ("text/html", True),
        ("text/*", True),
        ("text/html, application/json;q=0.9", True),
        ("text/html;q=0.8, */*;q=0.1", True),
        ("text/html;q=0.5, application/json", False),
        ("application/json, text/html", False),
        ("text/html;q=0, */*", False),
        ("application/json", False),
        ("*/*", False),
        ("image/png", False),
    ],
)
def test_home_redirects_who_prefers_html_to_json(
    gate: RunningGate,
    accept: str,
    is_browser: bool,  # noqa: FBT001 - a parameter of pytest
) -> None:
    for method in ("GET", "HEAD"):
        response = httpx.request(method, gate.url, headers={"Accept": accept})
        assert response.status_code == (303 if is_browser else 401)
        assert "Accept" in response.headers["vary"]
