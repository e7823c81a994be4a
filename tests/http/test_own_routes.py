"""Custom routes: FastAPI's features work as its users expect, or are rejected at startup."""

import asyncio
import traceback
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Annotated, Any, ClassVar

import httpx
import pytest
from fastapi import APIRouter, BackgroundTasks, Depends, FastAPI, HTTPException, WebSocket
from pydantic import BaseModel
from starlette.endpoints import HTTPEndpoint
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Host, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from encore.database.errors import (
    CallerDisconnected,
    DatabaseBusy,
    DatabaseError,
    DatabaseUnavailable,
)
from encore.errors import NotFound, UndeclaredAccess, UnsupportedRoute
from encore.http.access import AUTHENTICATED, PUBLIC, public, requires
from encore.http.application import Application
from encore.http.error_handling import ResponseAborted
from encore.http.request_state import RequestState


class FakeAuthMiddleware:
    """Sets claims without a token; allows public routes and those with the scope ``shop``."""

    authenticates: ClassVar[bool] = True

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        state = RequestState.from_scope(scope)
        state.claims = {"sub": "me"}
        if not state.access.public and state.access.all_of != ("shop",):
            raise NotFound
        await self._app(scope, receive, send)


@pytest.fixture
def app() -> Application:
    app = Application(
        access={}, log_requests=False, openapi_url=None, docs_url=None, redoc_url=None
    )
    app.add_middleware(FakeAuthMiddleware)
    return app


class LifespanClient:
    """A client that runs the application's lifespan around its requests."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app

    def __call__(self, *requests: Any, method: str = "GET") -> list[httpx.Response]:
        """Send requests: paths, or tuples of method, path and options."""
        complete = [
            (method, request, {}) if isinstance(request, str) else request for request in requests
        ]
        return asyncio.run(self._send(complete))

    async def _send(self, requests: list[Any]) -> list[httpx.Response]:
        async with self._app.router.lifespan_context(self._app):
            transport = httpx.ASGITransport(self._app)
            async with httpx.AsyncClient(transport=transport, base_url="http://t") as client:
                return [await client.request(m, path, **options) for m, path, options in requests]


STATUSES = [400, 401, 402, 404, 406, 409, 410, 418, 422, 423, 428, 429, 451, 499, 501, 502, 507]


def test_http_exception_keeps_status_detail_and_headers(app: Application) -> None:
    @app.get("/fail/{status}")
    @public
    async def fail(status: int) -> None:
        raise HTTPException(status, f"reason {status}", headers={"X-Why": "because"})

    for status, response in zip(
        STATUSES, LifespanClient(app)(*(f"/fail/{s}" for s in STATUSES)), strict=True
    ):
        problem = response.json()
        assert (response.status_code, problem["status"]) == (status, status)
        assert problem["detail"] == problem["message"] == f"reason {status}"
        assert response.headers["content-type"] == "application/problem+json"
        assert response.headers["x-why"] == "because"
        assert problem["type"].startswith("urn:problem-type:")
    (head,) = LifespanClient(app)("/fail/418", method="HEAD")
    assert (head.status_code, head.content) == (418, b"")


@pytest.mark.parametrize("detail", [{"code": 7}, ["a", "b"], {"at": {1}}])
def test_http_exception_with_structured_detail_keeps_it(app: Application, detail: Any) -> None:
    @app.get("/fail")
    @public
    async def fail() -> None:
        raise HTTPException(409, detail)

    (response,) = LifespanClient(app)("/fail")
    expected = {"at": [1]} if "at" in detail else detail
    assert (response.status_code, response.json()["detail"]) == (409, expected)
    assert response.json()["message"] == "Conflict"


@pytest.mark.parametrize(("status", "headers"), [(302, {"Location": "/x"}), (304, None)])
def test_http_exception_below_400_is_a_response_without_body(
    app: Application, status: int, headers: dict[str, str] | None
) -> None:
    @app.get("/go")
    @public
    async def go() -> None:
        raise StarletteHTTPException(status, headers=headers)

    (response,) = LifespanClient(app)("/go")
    assert (response.status_code, response.content) == (status, b"")
    assert response.headers.get("location") == (headers or {}).get("Location")


def test_http_exception_with_success_status_keeps_status_and_detail(app: Application) -> None:
    @app.get("/go")
    @public
    async def go() -> None:
        raise HTTPException(202, "queued", headers={"X-Why": "because"})

    (response,) = LifespanClient(app)("/go")
    assert (response.status_code, response.json()) == (202, {"detail": "queued"})
    assert response.headers["x-why"] == "because"


@pytest.mark.parametrize("status", [99, 100, 1000, "200", None, True])
def test_invalid_status_code_is_500(app: Application, status: Any) -> None:
    @app.get("/go")
    @public
    async def go() -> Response:
        return Response(b"", status)

    (response,) = LifespanClient(app)("/go")
    assert (response.status_code, response.json()["message"]) == (500, "internal error")


@pytest.mark.parametrize("value", ["\u2603", "a\r\nSet-Cookie: b=c", "a\0"])
def test_error_response_omits_invalid_headers(app: Application, value: str) -> None:
    @app.get("/go")
    @public
    async def go() -> None:
        raise NotFound("nothing", headers={"X-Bad": value, "X-Good": "g"})

    (response,) = LifespanClient(app)("/go")
    assert (response.status_code, response.json()["detail"]) == (404, "nothing")
    assert (response.headers.get("x-bad"), response.headers["x-good"]) == (None, "g")


def test_failure_after_the_response_is_not_raised(app: Application) -> None:
    def fail() -> None:
        raise RuntimeError("a secret")

    @app.get("/go")
    @public
    async def go(tasks: BackgroundTasks) -> dict[str, int]:
        tasks.add_task(fail)
        return {"a": 1}

    (response,) = LifespanClient(app)(
        "/go"
    )  # The transport would raise an exception of the application.
    assert (response.status_code, response.json()) == (200, {"a": 1})


def test_failure_during_the_response_aborts_it_without_the_message(app: Application) -> None:
    async def parts() -> AsyncIterator[bytes]:
        yield b"a"
        raise RuntimeError("a secret")

    @app.get("/go")
    @public
    async def go() -> Response:
        return StreamingResponse(parts())

    with pytest.raises(ResponseAborted) as raised:
        LifespanClient(app)("/go")
    assert "secret" not in "".join(traceback.format_exception(raised.value))


class CustomError(Exception):
    pass


class CustomSubclassError(CustomError):
    pass


def test_exception_handlers_handle_their_exceptions(app: Application) -> None:
    @app.exception_handler(CustomError)
    async def handle_custom_error(request: Request, error: Exception) -> Response:
        return JSONResponse({"strange": type(error).__name__, "at": request.url.path}, 418)

    def not_found(_: Request, error: Any) -> Response:
        return PlainTextResponse(f"nothing: {error.detail}", 404)

    app.add_exception_handler(404, not_found)

    @app.exception_handler(HTTPException)
    async def http(_: Request, error: Any) -> Response:
        return PlainTextResponse(f"{error.status_code} {error.detail}", error.status_code)

    @app.exception_handler(KeyError)
    async def failing_handler(_: Request, __: Exception) -> Response:
        raise RuntimeError("the handler fails")

    @app.get("/strange")
    @public
    async def raise_custom_error() -> None:
        raise CustomSubclassError

    @app.get("/teapot")
    @public
    async def raise_http() -> None:
        raise HTTPException(418, "short and stout")

    @app.get("/key")
    @public
    async def raise_key() -> None:
        raise KeyError("secret")

    @app.get("/value")
    @public
    async def raise_value() -> None:
        raise ValueError("secret")

    custom, missing, teapot, key, value = LifespanClient(app)(
        "/strange", "/nowhere", "/teapot", "/key", "/value"
    )
    assert (custom.status_code, custom.json()) == (
        418,
        {"strange": "CustomSubclassError", "at": "/strange"},
    )
    assert (missing.status_code, missing.text) == (404, "nothing: Not Found")
    assert (teapot.status_code, teapot.text) == (418, "418 short and stout")
    for response in (key, value):
        assert (response.status_code, response.json()["detail"]) == (500, "internal error")
        assert "secret" not in response.text


@pytest.mark.parametrize("key", [Exception, 500])
def test_handler_of_all_exceptions_does_not_handle_api_errors(app: Application, key: Any) -> None:
    @app.exception_handler(key)
    async def handle_all(_: Request, __: Exception) -> Response:
        return PlainTextResponse("sorry", 500)

    @app.get("/value")
    @public
    async def raise_value(number: int = 0) -> None:
        raise ValueError(number)

    value, missing, invalid = LifespanClient(app)("/value", "/nowhere", "/value?number=x")
    assert (value.status_code, value.text) == (500, "sorry")
    assert (missing.status_code, missing.json()["title"]) == (404, "Not Found")
    assert (invalid.status_code, invalid.json()["errors"][0]["field"]) == (400, "number")


def test_included_router_keeps_the_access_of_each_route(app: Application) -> None:
    events: list[str] = []

    async def record_events() -> AsyncIterator[None]:
        events.append("in")
        yield
        events.append("out")

    inner, outer = APIRouter(prefix="/inner"), APIRouter(dependencies=[Depends(record_events)])

    @inner.get("/{name}")
    @requires("shop")
    async def by_name(name: str) -> str:
        return f"private {name}"

    @inner.get("/open")
    @public
    async def open_route() -> str:
        return "public"

    @inner.get("/numbers/{number:int}")
    @requires("else")
    async def by_number(number: int) -> int:
        return number

    inner.add_route("/inner/plain", public(lambda _: PlainTextResponse("plain")))
    outer.include_router(inner)
    app.include_router(outer, prefix="/v1")
    named, opened, number, plain, head, wrong = LifespanClient(app)(
        "/v1/inner/x",
        "/v1/inner/open",
        "/v1/inner/numbers/7",
        "/v1/inner/plain",
        ("HEAD", "/v1/inner/x", {}),
        ("DELETE", "/v1/inner/x", {}),
    )
    assert (named.status_code, named.json()) == (200, "private x")
    # The route whose access was checked runs, not the first that FastAPI would match.
    assert (opened.status_code, opened.json()) == (200, "public")
    assert number.status_code == 404  # FakeAuthMiddleware allows only the scope "shop".
    assert (plain.status_code, plain.text) == (200, "plain")
    assert (head.status_code, head.content) == (200, b"")
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "GET, HEAD, OPTIONS")
    assert events == ["in", "out"] * 3
    assert app.scopes() == {"shop", "else"}


def test_route_added_after_the_first_request_is_served(app: Application) -> None:
    router = APIRouter()
    app.include_router(router)
    app.add_api_route("/{word}", public(lambda word: f"word {word}"))

    async def all_of_them() -> list[Any]:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://t") as client:
            first = await client.get("/late")
            app.add_api_route("/late", public(lambda: "late"))
            second = await client.get("/late")
            router.add_api_route("/in/router", public(lambda: "included"))
            third = await client.get("/in/router")
            app.add_api_route("/undeclared/route", lambda: "secret")
            fourth = await client.get("/undeclared/route")
            fifth = await client.get("/late")
            return [request.json() for request in (first, second, third, fourth, fifth)]

    first, second, third, fourth, fifth = asyncio.run(all_of_them())
    assert (first, second, third, fifth) == ("word late", "late", "included", "late")
    assert fourth["status"] == 404


def test_mount_is_served_with_its_declared_access(app: Application) -> None:
    sub = FastAPI(telemetry={"tracing": False, "metrics": False, "logs": False})

    @sub.get("/{path:path}")
    async def echo(path: str, request: Request) -> list[str]:
        return [path, request.scope["root_path"]]

    app.mount("/open", sub)
    app.mount("/closed", sub)
    app.access = {"/open": PUBLIC, "/closed": AUTHENTICATED}
    opened, closed = LifespanClient(app)("/open/a/b", "/closed/a")
    assert (opened.status_code, opened.json()) == (200, ["a/b", "/open"])
    assert closed.status_code == 404  # FakeAuthMiddleware requires the scope "shop".
    app.middleware_stack = None
    app.mount("/undeclared", sub)
    with pytest.raises(UndeclaredAccess, match="/undeclared"):
        app.build_middleware_stack()


class Item(BaseModel):
    name: str
    price: float = 1


def test_dependencies_models_and_background_tasks_work(app: Application) -> None:
    events: list[str] = []

    async def session() -> AsyncIterator[str]:
        events.append("open")
        try:
            yield "session"
        except HTTPException:
            events.append("rolled back")
            raise
        finally:
            events.append("closed")

    def plain() -> Iterator[str]:
        yield "plain"

    @app.post("/items", response_model=Item, status_code=201)
    @public
    async def create(
        item: Item,
        tasks: BackgroundTasks,
        first: Annotated[str, Depends(session)],
        other: Annotated[str, Depends(plain)],
    ) -> Any:
        if item.name == "bad":
            raise HTTPException(410, "gone")
        tasks.add_task(events.append, f"after {first} {other}")
        return {"name": item.name, "secret": "hidden"}

    good, gone, invalid = LifespanClient(app)(
        ("POST", "/items", {"json": {"name": "pen"}}),
        ("POST", "/items", {"json": {"name": "bad"}}),
        ("POST", "/items", {"json": {"price": "x"}}),
    )
    assert (good.status_code, good.json()) == (201, {"name": "pen", "price": 1})
    assert gone.status_code == 410
    assert sorted(error["field"] for error in invalid.json()["errors"]) == ["name", "price"]
    assert events.count("open") == events.count("closed") >= 2
    assert "after session plain" in events
    assert "rolled back" in events


def test_middleware_function_sees_request_and_response(app: Application) -> None:
    @app.middleware("http")
    async def stamp(request: Request, call_next: Any) -> Response:
        if request.url.path == "/stop":
            raise HTTPException(451, "not here")
        response: Response = await call_next(request)
        response.headers["x-stamp"] = RequestState.from_scope(request.scope).route or ""
        return response

    app.add_api_route("/things/{id}", public(lambda id: id))  # noqa: A006 - the path's name
    thing, stopped = LifespanClient(app)("/things/7", "/stop")
    assert (thing.status_code, thing.headers["x-stamp"]) == (200, "/things/{id}")
    assert (stopped.status_code, stopped.json()["detail"]) == (451, "not here")


def test_lifespan_runs_and_root_path_reaches_the_routes() -> None:
    events = []

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        events.append("up")
        yield
        events.append("down")

    app = Application(
        access={},
        log_requests=False,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    app.root_path = "/api"

    @app.get("/root")
    @public
    async def root(request: Request) -> Any:
        return request.scope["root_path"]

    stripped, complete = LifespanClient(app)("/root", "/api/root")
    assert events == ["up", "down"]
    assert stripped.json() == complete.json() == "/api"


class Endpoint(HTTPEndpoint):
    access = PUBLIC

    async def get(self, _: Request) -> Response:
        return PlainTextResponse("got")


def test_starlette_routes_are_served(app: Application) -> None:
    async def file(request: Request) -> Response:
        return PlainTextResponse(request.path_params["name"])

    app.router.routes.append(Route("/class", Endpoint))
    app.router.routes.append(Route("/files/{name}.txt", public(file)))
    got, wrong, named, method = LifespanClient(app)(
        "/class", ("POST", "/class", {}), "/files/a.txt", ("PUT", "/files/a.txt", {})
    )
    assert (got.text, named.text) == ("got", "a")
    assert wrong.status_code == 405
    assert (method.status_code, method.headers["allow"]) == (405, "GET, HEAD")


async def socket(websocket: WebSocket) -> None:
    await websocket.accept()


def websocket(app: Application) -> None:
    app.add_api_websocket_route("/ws", socket)


def included_websocket(app: Application) -> None:
    router = APIRouter()
    router.add_api_websocket_route("/ws", socket)
    app.include_router(router, prefix="/v1")


def host(app: Application) -> None:
    app.router.routes.append(Host("x.example", FastAPI()))


@pytest.mark.parametrize("add", [websocket, included_websocket, host])
def test_unsupported_route_fails_at_startup(
    app: Application, add: Callable[[Application], None]
) -> None:
    add(app)
    with pytest.raises(UnsupportedRoute, match=r"/ws is a websocket|x\.example"):
        app.build_middleware_stack()


def test_frontend_is_rejected(app: Application) -> None:
    with pytest.raises(UnsupportedRoute, match="StaticFiles"):
        app.frontend("/", directory=".")


@pytest.mark.parametrize(
    ("error", "status", "slug"),
    [
        (DatabaseBusy("busy"), 503, "service-unavailable"),
        (DatabaseUnavailable("gone"), 503, "service-unavailable"),
        (CallerDisconnected("left"), 499, "client-closed-request"),
    ],
)
def test_temporary_database_error_of_a_route_is_a_temporary_http_error(
    app: Application, error: DatabaseError, status: int, slug: str
) -> None:
    @app.get("/read")
    @public
    async def read() -> None:
        raise error

    (response,) = LifespanClient(app)("/read")
    assert response.status_code == status
    assert response.json()["type"] == f"urn:problem-type:{slug}"
    assert ("retry-after" in response.headers) == (status == 503)
