"""The docs page: what it tells and asks the issuer, by the settings."""

import asyncio
import json
import re
from collections.abc import Callable
from html import unescape
from typing import Any

import httpx
import pytest

from encore import Service, Settings
from encore.http.access import public

OKTA = "https://example.okta.com/oauth2/default"
AUTH0 = "https://example.auth0.com/"
UNKNOWN = "https://id.example/x"

Open = Callable[..., str]


@pytest.fixture
def open_page(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Open:
    """Return a function that returns the page of a service with these settings."""
    monkeypatch.chdir(tmp_path)

    def open_(title: str = "API", **settings: Any) -> str:
        service = Service(Settings(**settings), title=title)

        @service.get("/x")
        @public
        async def operation() -> None: ...

        return fetch(service, "/docs").text

    return open_


def fetch(app: Any, path: str) -> httpx.Response:
    async def get() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
            return await client.get(path)

    return asyncio.run(get())


def config_of(page: str) -> dict[str, Any]:
    (value,) = re.findall(r'data-config="([^"]*)"', page)
    config: dict[str, Any] = json.loads(unescape(value))
    return config


def test_page_with_a_client_has_a_login(open_page: Open) -> None:
    page = open_page(issuer=OKTA, docs_client_id="0oa1", scope="parts_manager")
    assert 'id="login"' in page
    config = config_of(page)
    assert config["clientId"] == "0oa1"
    assert config["issuer"] == OKTA
    assert config["authorizationUrl"] == f"{OKTA}/v1/authorize"
    assert config["tokenUrl"] == f"{OKTA}/v1/token"
    assert config["scopes"] == "parts_manager"
    assert config["parameters"] == {}


def test_page_without_a_client_tells_what_to_register(open_page: Open) -> None:
    page = open_page(issuer=OKTA)
    assert 'id="login"' not in page
    assert "data-redirect" in page
    assert OKTA in page


def test_login_at_auth0_names_the_audience(open_page: Open) -> None:
    """Otherwise Auth0 issues an opaque token for its own userinfo endpoint."""
    page = open_page(auth0_domain="example.auth0.com", auth0_audience="https://api.example")
    config = config_of(page)
    assert config["authorizationUrl"] == f"{AUTH0}authorize"
    assert config["parameters"] == {"audience": "https://api.example"}
    no_audience = open_page(issuer=AUTH0, audience="", token_client_ids="a")
    assert config_of(no_audience)["parameters"] == {}


def test_page_says_that_the_token_endpoint_is_unknown(open_page: Open) -> None:
    page = open_page(issuer=UNKNOWN, docs_client_id="a")
    assert 'id="login"' not in page
    assert "Where it issues tokens is not known here" in page
    service = Service(Settings(issuer=UNKNOWN))
    document = fetch(service, "/openapi.json").json()
    (scheme,) = document["components"]["securitySchemes"].values()
    assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")
    policy = fetch(service, "/docs").headers["content-security-policy"]
    assert "connect-src 'self';" in policy


def test_title_is_text(open_page: Open) -> None:
    page = open_page(title="<b>\"A\" & 'B' $x", issuer=OKTA)
    assert "<title>&lt;b&gt;&quot;A&quot; &amp; &#x27;B&#x27; $x</title>" in page


@pytest.mark.parametrize("query", ["url=https://evil.example/x.json", "docExpansion=full", "x"])
def test_query_of_the_page_is_rejected(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    monkeypatch.chdir(tmp_path)
    service = Service(Settings(issuer=OKTA))
    assert fetch(service, f"/docs?{query}").status_code == 400
    assert fetch(service, f"/docs/oauth2-redirect?{query}").status_code == 200


@pytest.mark.parametrize(("count", "expansion"), [(3, "list"), (30, "none")])
def test_tags_of_many_operations_are_closed(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, count: int, expansion: str
) -> None:
    monkeypatch.chdir(tmp_path)
    service = Service(Settings(issuer=OKTA))
    for number in range(count):
        service.get(f"/{number}")(public(lambda: None))
    assert config_of(fetch(service, "/docs").text)["expansion"] == expansion


def test_route_that_is_added_later_is_described(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    service = Service(Settings(issuer=OKTA))
    before = fetch(service, "/openapi.json")
    service.get("/later")(public(lambda: None))
    after = fetch(service, "/openapi.json")
    assert "/later" not in before.json()["paths"]
    assert "/later" in after.json()["paths"]
    assert before.headers["etag"] != after.headers["etag"]
    assert service.openapi() is service.openapi()
