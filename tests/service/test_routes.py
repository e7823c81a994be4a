"""Every route of the app is public by name or behind the gate; none is forgotten."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from starlette.routing import Mount
from starlette.types import Message

from encore.errors import UndeclaredAccess
from encore.http.application import Application
from encore.service.service import PUBLIC_PATHS
from tests.fixtures.item_service import ItemSettings, create_service
from tests.fixtures.operations import SCOPELESS, fill_path
from tests.fixtures.problems import assert_problem
from tests.fixtures.system import System
from tests.service.operations import OPERATIONS

PUBLIC = {"/", "/livez", "/readyz", "/openapi.json", "/docs", "/docs-assets"}
GUARDED = {(path, method.upper()) for path, method in OPERATIONS}
OTHERS = {("/public", "GET"), ("/private", "GET"), ("/private-scoped", "GET")}
OPEN = PUBLIC | {"/public"}
"""Public by their place in PUBLIC_PATHS, or by saying so themselves."""


@pytest.fixture
def app(tmp_path: Path) -> Application:
    """The app as it is composed, connected to nothing."""
    return create_service(
        ItemSettings.parse(
            {
                "DATABASE_URL": f"sqlite:///{tmp_path / 'items.sqlite'}",
                "ISSUER": "https://issuer.example/oauth2/default",
            }
        )
    )


def routes_of(app: Application) -> Iterator[tuple[str, str]]:
    """Give path template and method of every route; a mount answers to GET."""
    for route in app.router.routes:
        methods = ["GET"] if isinstance(route, Mount) else getattr(route, "methods", None) or ()
        yield from ((getattr(route, "path", ""), method) for method in methods)


async def answer(app: Application, method: str, path: str) -> int:
    """Send a request without a token through the whole chain; give the status."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [],
        "http_version": "1.1",
    }
    await app(scope, receive, send)
    return int(sent[0]["status"])


def test_the_public_routes_are_these_and_no_others(app: Application) -> None:
    assert set(PUBLIC_PATHS) == PUBLIC
    assert {path for path, access in app.access.items() if access.public} == PUBLIC


def test_each_route_of_the_app_is_public_by_name_or_refuses_who_has_no_token(
    app: Application,
) -> None:
    walked = set(routes_of(app))
    assert walked >= GUARDED
    for path, method in walked - {(path, method) for path, method in walked if path in OPEN}:
        for asked in (method, "HEAD", "OPTIONS", "PROPFIND"):
            status = asyncio.run(answer(app, asked, fill_path(path)))
            assert status == 401, (asked, path)


def test_the_generated_routes_are_those_of_the_resources(app: Application) -> None:
    assert {r for r in routes_of(app) if r[0] not in PUBLIC} == GUARDED | OTHERS


@pytest.mark.parametrize("where", ["a route", "a mount"])
def test_a_route_that_does_not_say_who_may_call_it_stops_the_start(
    app: Application, where: str
) -> None:
    if where == "a route":
        app.add_api_route("/forgotten", lambda: None)
    else:
        app.router.routes.append(Mount("/forgotten", app=app))
    with pytest.raises(UndeclaredAccess, match="/forgotten"):
        app.build_middleware_stack()


def test_no_route_of_the_running_system_answers_without_a_token(items: System) -> None:
    described = httpx.get(f"{items.url}/openapi.json").json()["paths"]
    targets = {
        (fill_path(path), method.upper())
        for path, methods in described.items()
        for method in (*methods, "head", "options")
        if path not in OPEN
    }
    guarded = GUARDED | {route for route in OTHERS if route[0] not in OPEN}
    assert len(targets) == len(guarded) + 2 * len({path for path, _ in guarded})
    elsewhere = ["/", "/nowhere", "/items/1/2", "/Items", "/livez/x", "/docs/../items", "/redoc"]
    for path, method in [*targets, *((path, "GET") for path in elsewhere)]:
        response = httpx.request(method, f"{items.url}{path}")
        assert response.status_code == 401, (method, path)
        assert response.headers["www-authenticate"].startswith("Bearer")


def test_no_operation_of_the_running_system_runs_without_the_scope(items: System) -> None:
    headers = {"Authorization": f"Bearer {items.token('another_scope')}"}
    for path, method in GUARDED:
        url = f"{items.url}{fill_path(path)}"
        response = httpx.request(method, url, headers=headers)
        assert_problem(response, 403, "forbidden", SCOPELESS)


def test_whether_there_is_a_route_is_told_to_those_who_have_a_token(items: System) -> None:
    headers = {"Authorization": f"Bearer {items.token('another_scope')}"}
    response = httpx.get(f"{items.url}/nowhere", headers=headers)
    assert_problem(response, 404, "not-found")
    response = httpx.delete(f"{items.url}/items", headers=headers)
    assert_problem(response, 403, "forbidden", SCOPELESS)


@pytest.mark.parametrize("path", sorted(OPEN - {"/", "/docs-assets"}))
def test_a_public_route_answers_without_a_token(items: System, path: str) -> None:
    assert httpx.get(f"{items.url}{path}").status_code == 200
    assert httpx.head(f"{items.url}{path}").status_code == 200


@pytest.mark.parametrize(
    "path",
    ["/docs-assets/../items", "/docs-assets/%2e%2e/items", "/docs-assets/", "/docs-assets/x"],
)
def test_the_assets_lead_nowhere_else(items: System, path: str) -> None:
    response = httpx.get(f"{items.url}{path}")
    assert response.status_code in (401, 404)


def test_root_sends_browsers_to_the_docs_and_names_them_to_other_callers(app: Application) -> None:
    async def get(**headers: str) -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://root") as client:
            return await client.get("/", headers=headers)

    page = asyncio.run(get(accept="text/html,*/*;q=0.8"))
    assert (page.status_code, page.headers["location"]) == (303, "/docs")
    refused = asyncio.run(get(accept="application/json"))
    assert refused.status_code == 401
    assert refused.headers["link"].startswith('</docs>; rel="service-doc"')
    assert asyncio.run(get(authorization="Bearer x")).status_code == 404
