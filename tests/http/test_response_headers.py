"""Headers that every response has, and those that keep private responses out of caches."""

import asyncio
from collections.abc import Iterator
from typing import Any, ClassVar

import httpx
import pytest
import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from encore.http.access import AUTHENTICATED, PUBLIC, Access, authenticated, public
from encore.http.application import Application
from encore.http.content_disposition import attachment
from encore.http.cors import CORSMiddleware
from encore.http.request_state import RequestState
from encore.http.security_headers import security_headers

ORIGIN = "https://app.example"


class FakeAuthMiddleware:
    """Sets claims without a token."""

    authenticates: ClassVar[bool] = True

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        RequestState.from_scope(scope).claims = {"sub": "me"}
        await self._app(scope, receive, send)


def application(**access: Any) -> Application:
    app = Application(
        access={f"/{path}": value for path, value in access.items()},
        log_requests=False,
        headers=security_headers(""),
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
    )
    app.add_middleware(FakeAuthMiddleware)
    return app


def request(app: Application, path: str, method: str = "GET", **headers: str) -> httpx.Response:
    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://t") as client:
            return await client.request(method, path, headers=headers)

    return asyncio.run(send())


def respond(app: Application, declare: Any, **headers: str) -> None:
    """Add ``/own``, which sets these headers; underscores stand for hyphens."""

    async def own(_: Request) -> Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return PlainTextResponse("own", headers=named)

    app.add_api_route("/own", declare(own), methods=["GET"])


@pytest.fixture
def logged() -> Iterator[list[Any]]:
    with structlog.testing.capture_logs() as lines:
        yield lines


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("path", ["/own", "/nowhere", "/failing", "/empty"])
def test_private_route_is_not_stored(path: str, method: str) -> None:
    app = application()
    respond(app, authenticated)

    @app.get("/failing")
    @authenticated
    async def failing() -> None:
        raise ValueError

    @app.get("/empty", status_code=204)
    @authenticated
    async def empty() -> None:
        return None

    response = request(app, path, method)
    assert response.headers.get_list("cache-control") == ["no-store"]
    assert response.headers.get_list("vary") == ["Authorization"]


@pytest.mark.parametrize(
    "control",
    ["no-store", "private, no-cache", "No-Cache, PRIVATE, must-revalidate", "no-store, private"],
)
def test_strict_cache_control_of_a_private_route_is_kept(control: str) -> None:
    app = application()
    respond(app, authenticated, Cache_Control=control, ETag='"1"')
    response = request(app, "/own")
    assert response.headers.get_list("cache-control") == [control]
    assert response.headers.get_list("vary") == ["Authorization"]


@pytest.mark.parametrize(
    "control", ["public, max-age=60", "no-cache", "private", 'private="set-cookie", no-cache', "x"]
)
def test_lax_cache_control_of_a_private_route_is_replaced_and_logged_once(
    control: str, logged: list[Any]
) -> None:
    app = application()
    respond(app, authenticated, Cache_Control=control)
    for _ in range(2):
        response = request(app, "/own")
        assert response.headers.get_list("cache-control") == ["no-store"]
    lines = [line for line in logged if line["event"] == "cache-control replaced"]
    assert [line["route"] for line in lines] in (["/own"], [])  # Once in a process.


@pytest.mark.parametrize("control", [None, "public, max-age=60"])
def test_public_route_keeps_its_caching_headers(control: str | None) -> None:
    app = application()
    respond(app, public, **({} if control is None else {"Cache_Control": control}))
    response = request(app, "/own")
    assert response.headers.get("cache-control") == control
    assert "vary" not in response.headers


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        (None, "Authorization"),
        ("Accept", "Accept, Authorization"),
        ("accept , Authorization,accept", "accept, Authorization"),
        ("*", "*"),
        ("", "Authorization"),
    ],
)
def test_vary_names_authorization_once(own: str | None, expected: str) -> None:
    app = application()
    respond(app, authenticated, **({} if own is None else {"Vary": own}))
    assert request(app, "/own").headers.get_list("vary") == [expected]


def test_vary_of_operation_and_cors_is_one_line() -> None:
    app = application()
    respond(app, authenticated, Vary="Accept, Accept-Encoding", Cache_Control="no-store")
    app.add_middleware(CORSMiddleware, origins=(ORIGIN,))
    response = request(app, "/own", Origin=ORIGIN)
    assert response.headers.get_list("vary") == ["Accept, Accept-Encoding, Origin, Authorization"]
    assert response.headers.get_list("cache-control") == ["no-store"]
    assert response.headers["access-control-allow-origin"] == ORIGIN


@pytest.mark.parametrize("declare", [public, authenticated])
def test_header_of_an_operation_overrides_the_common_one(declare: Any) -> None:
    app = application()
    respond(app, declare, X_Frame_Options="SAMEORIGIN", Cross_Origin_Resource_Policy="cross-origin")
    response = request(app, "/own")
    assert response.headers.get_list("x-frame-options") == ["SAMEORIGIN"]
    assert response.headers.get_list("cross-origin-resource-policy") == ["cross-origin"]
    assert response.headers.get_list("x-content-type-options") == ["nosniff"]


@pytest.mark.parametrize("access", [PUBLIC, AUTHENTICATED])
def test_mounted_application_follows_the_access_of_its_mount(access: Access) -> None:
    app = application(inner=access)
    app.mount("/inner", JSONResponse({}, headers={"Cache-Control": "public, max-age=60"}))
    response = request(app, "/inner/x")
    expected = "public, max-age=60" if access.public else "no-store"
    assert response.headers.get_list("cache-control") == [expected]
    assert response.headers.get_list("vary") == ([] if access.public else ["Authorization"])


@pytest.mark.parametrize("access", [PUBLIC, AUTHENTICATED])
def test_private_route_of_a_mounted_service_is_not_stored(access: Any) -> None:
    app, inner = application(inner=access), application()
    respond(inner, authenticated, Vary="Accept")
    app.mount("/inner", inner)
    response = request(app, "/inner/own")
    assert response.text == "own"
    assert response.headers.get_list("cache-control") == ["no-store"]
    assert response.headers.get_list("vary") == ["Accept, Authorization"]
    assert response.headers.get_list("x-frame-options") == ["DENY"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("parts.csv", 'attachment; filename="parts.csv"'),
        ('a"b\\c\r\nX: y;d.csv', 'attachment; filename="a_b_c__X__y_d.csv"'),
        ("../../etc/passwd", 'attachment; filename="__.._etc_passwd"'),
        (
            "čaj/1.csv",
            "attachment; filename=\"_aj_1.csv\"; filename*=UTF-8''%C4%8Daj_1.csv",
        ),
    ],
)
def test_attachment_sanitizes_the_name(name: str, expected: str) -> None:
    assert attachment(name) == (b"content-disposition", expected.encode())
