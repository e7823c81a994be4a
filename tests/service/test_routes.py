"""Every route is declared public or requires a token."""

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

PUBLIC = {"/livez", "/readyz", "/openapi.json", "/docs", "/docs/oauth2-redirect", "/docs-assets"}
PROTECTED = {(path, method.upper()) for path, method in OPERATIONS}
OTHER_ROUTES = {
    ("/public", "GET"),
    ("/private", "GET"),
    ("/private-scoped", "GET"),
    ("/batch", "POST"),
}
PUBLIC_ROUTES = PUBLIC | {"/public"}
"""Public by ``PUBLIC_PATHS`` or by declaration."""


@pytest.fixture
def app(tmp_path: Path) -> Application:
    """Return the application; its database is not opened."""
    return create_service(
        ItemSettings.parse(
            {
                "DATABASE_URL": f"sqlite:///{tmp_path / 'items.sqlite'}",
                "ISSUER": "https://issuer.example/oauth2/default",
            }
        )
    )


def routes_of(app: Application) -> Iterator[tuple[str, str]]:
    """Yield path template and method of every route; for a mount, GET."""
    for route in app.router.routes:
        methods = ["GET"] if isinstance(route, Mount) else getattr(route, "methods", None) or ()
        yield from ((getattr(route, "path", ""), method) for method in methods)


async def get_status(app: Application, method: str, path: str) -> int:
    """Send a request without a token through all middlewares; return the status."""
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


def test_public_paths_are_exactly_these(app: Application) -> None:
    assert set(PUBLIC_PATHS) == PUBLIC
    assert {path for path, access in app.access.items() if access.public} == PUBLIC


def test_route_not_declared_public_is_401_without_a_token(
    app: Application,
) -> None:
    all_routes = set(routes_of(app))
    assert all_routes >= PROTECTED
    for path, method in all_routes - {
        (path, method) for path, method in all_routes if path in PUBLIC_ROUTES
    }:
        for request_method in (method, "HEAD", "OPTIONS", "PROPFIND"):
            status = asyncio.run(get_status(app, request_method, fill_path(path)))
            assert status == 401, (request_method, path)


def test_routes_are_exactly_those_of_the_resources(app: Application) -> None:
    assert {r for r in routes_of(app) if r[0] not in PUBLIC} == PROTECTED | OTHER_ROUTES


@pytest.mark.parametrize("type_", ["a route", "a mount"])
def test_route_without_declared_access_fails_at_startup(app: Application, type_: str) -> None:
    if type_ == "a route":
        app.add_api_route("/forgotten", lambda: None)
    else:
        app.router.routes.append(Mount("/forgotten", app=app))
    with pytest.raises(UndeclaredAccess, match="/forgotten"):
        app.build_middleware_stack()


def test_running_system_is_401_without_a_token(items: System) -> None:
    described = httpx.get(f"{items.url}/openapi.json").json()["paths"]
    targets = {
        (fill_path(path), method.upper())
        for path, methods in described.items()
        for method in (*methods, "head", "options")
        if path not in PUBLIC_ROUTES
    }
    protected = PROTECTED | {route for route in OTHER_ROUTES if route[0] not in PUBLIC_ROUTES}
    assert len(targets) == len(protected) + 2 * len({path for path, _ in protected})
    unknown_paths = [
        "/",
        "/nowhere",
        "/items/1/2",
        "/Items",
        "/livez/x",
        "/docs/../items",
        "/redoc",
    ]
    for path, method in [*targets, *((path, "GET") for path in unknown_paths)]:
        response = httpx.request(method, f"{items.url}{path}")
        assert response.status_code == 401, (method, path)
        assert response.headers["www-authenticate"].startswith("Bearer")


def test_running_system_is_403_without_the_scope(items: System) -> None:
    headers = {"Authorization": f"Bearer {items.token('another_scope')}"}
    for path, method in PROTECTED:
        url = f"{items.url}{fill_path(path)}"
        response = httpx.request(method, url, headers=headers)
        assert_problem(response, 403, "forbidden", SCOPELESS)


def test_unknown_route_is_404_with_a_token(items: System) -> None:
    headers = {"Authorization": f"Bearer {items.token('another_scope')}"}
    response = httpx.get(f"{items.url}/nowhere", headers=headers)
    assert_problem(response, 404, "not-found")
    response = httpx.delete(f"{items.url}/items", headers=headers)
    assert_problem(response, 403, "forbidden", SCOPELESS)


@pytest.mark.parametrize("path", sorted(PUBLIC_ROUTES - {"/docs-assets"}))
def test_public_route_needs_no_token(items: System, path: str) -> None:
    assert httpx.get(f"{items.url}{path}").status_code == 200
    assert httpx.head(f"{items.url}{path}").status_code == 200


@pytest.mark.parametrize(
    "path",
    ["/docs-assets/../items", "/docs-assets/%2e%2e/items", "/docs-assets/", "/docs-assets/x"],
)
def test_assets_path_does_not_serve_other_files(items: System, path: str) -> None:
    response = httpx.get(f"{items.url}{path}")
    assert response.status_code in (401, 404)


def test_root_redirects_browsers_to_docs_and_links_them_otherwise(app: Application) -> None:
    async def get(**headers: str) -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://root") as client:
            return await client.get("/", headers=headers)

    page = asyncio.run(get(accept="text/html,*/*;q=0.8"))
    assert (page.status_code, page.headers["location"]) == (303, "/docs")
    response = asyncio.run(get(accept="application/json"))
    assert response.status_code == 401
    assert response.headers["link"].startswith('</docs>; rel="service-doc"')
    assert asyncio.run(get(authorization="Bearer x")).status_code == 404
