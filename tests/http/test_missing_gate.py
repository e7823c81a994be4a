"""Resources that require a token where no middleware verifies one: no startup, or 401."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, ClassVar

import httpx
import pytest
from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware as StarletteCORSMiddleware
from sqlalchemy import MetaData
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from starlette.applications import Starlette
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount
from starlette.types import ASGIApp, Receive, Scope, Send

from encore import Crud
from encore.auth import BearerAuthMiddleware
from encore.auth.access_token import AccessToken
from encore.database.factory import open_database
from encore.database.protocol import Database
from encore.errors import ConfigurationError, MissingAuthentication
from encore.http.access import AUTHENTICATED, PUBLIC, public, requires
from encore.http.application import Application
from encore.http.cors import CORSMiddleware
from encore.http.principal import Principal
from encore.http.request_state import RequestState
from tests.fixtures.in_process import sqlite_with


class Base(DeclarativeBase):
    metadata = MetaData()


class Shop(Base):
    __tablename__ = "shops"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)


class PassThroughMiddleware:
    """A middleware that does nothing and does not declare whether it authenticates."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)


class NotAuthenticatingMiddleware(PassThroughMiddleware):
    authenticates: ClassVar[bool] = False


class ClaimsMiddleware(PassThroughMiddleware):
    """A middleware that sets claims without a token."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            state = RequestState.of_outer_app(scope)
            if state is None:
                state = RequestState("outer")
                state.attach(scope)
            state.claims = {"sub": "me"}
        await super().__call__(scope, receive, send)


class FakeVerifier:
    """A verifier that verifies no signature: the token is the list of its scopes."""

    async def verify(self, credential: bytes) -> AccessToken:
        scopes = frozenset(credential.decode().split("."))
        principal = Principal("test", "me", "me", is_client=True)
        return AccessToken("test", {"sub": "me"}, principal, scopes, 0, 2**40)


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return open_database(sqlite_with(Base.metadata, tmp_path))


def service(**options: Any) -> Application:
    return Application(
        access={}, log_requests=False, openapi_url=None, docs_url=None, redoc_url=None, **options
    )


def fastapi_app() -> FastAPI:
    return FastAPI(telemetry={"tracing": False, "metrics": False, "logs": False})


APPS: list[Callable[[], FastAPI]] = [service, fastapi_app]


async def start(app: FastAPI) -> None:
    """Run the lifespan as a server does; raise what the application raises."""
    messages = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])
    sent: list[str] = []

    async def receive() -> Any:
        return next(messages)

    async def send(message: Any) -> None:
        sent.append(message["type"])

    try:
        scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
        await app(scope, receive, send)
    except Exception:
        # Without this message a server assumes an application without lifespan, and goes on.
        assert sent == ["lifespan.startup.failed"]
        raise
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


def send_requests(app: ASGIApp, database: Database, *requests: Any) -> list[httpx.Response]:
    """Send requests without running the lifespan, as to a mounted application."""

    async def send() -> list[httpx.Response]:
        await database.open()
        try:
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://t") as client:
                return [
                    await client.request(method, path, **options)
                    for method, path, options in requests
                ]
        finally:
            await database.close()

    return asyncio.run(send())


CREATE = ("POST", "/shops", {"json": {"name": "corner"}})
ALL_REQUESTS = [
    CREATE,
    ("GET", "/shops", {}),
    ("HEAD", "/shops", {}),
    ("GET", "/shops/1", {}),
    ("PUT", "/shops/1", {"json": {"name": "x"}}),
    ("PATCH", "/shops/1", {"json": {"name": "x"}}),
    ("DELETE", "/shops/1", {}),
    ("POST", "/shops/upload", {"json": [{"name": "x"}]}),
]


@pytest.mark.parametrize("make", APPS)
@pytest.mark.parametrize("scopes", [("shop",), ()])
@pytest.mark.parametrize(
    "layers",
    [
        (),
        (CORSMiddleware,),
        (StarletteCORSMiddleware, GZipMiddleware),
        (NotAuthenticatingMiddleware,),
    ],
)
def test_crud_without_authentication_fails_at_startup_and_is_401(
    database: Database, make: Callable[[], FastAPI], scopes: tuple[str, ...], layers: Any
) -> None:
    app = make()
    crud = Crud(app, database, scopes=scopes)
    crud.upload(crud.resource(Shop), natural_key=["name"])
    for layer in layers:
        if layer is CORSMiddleware:
            app.add_middleware(layer, origins=())
        else:
            app.add_middleware(layer)
    if not (make is fastapi_app and layers == (CORSMiddleware,)):  # Needs an Application.
        responses = send_requests(app, database, *ALL_REQUESTS)
        assert [response.status_code for response in responses] == [401] * len(ALL_REQUESTS)
        assert responses[0].headers["www-authenticate"] == "Bearer"
        assert responses[0].headers["content-type"] == "application/problem+json"
    app.middleware_stack = None
    reason = r"Shop.*(shop|a token).*no middleware|must be a Service"
    with pytest.raises(ConfigurationError, match=reason):
        asyncio.run(start(app))


@pytest.mark.parametrize("make", APPS)
def test_unknown_middleware_starts_and_requests_without_claims_are_401(
    database: Database, make: Callable[[], FastAPI]
) -> None:
    app = make()
    Crud(app, database, scopes=("shop",)).resource(Shop)

    @app.middleware("http")
    async def nothing(request: Request, call_next: Any) -> Response:
        response: Response = await call_next(request)
        return response

    app.add_middleware(PassThroughMiddleware)
    asyncio.run(start(app))
    assert [
        response.status_code for response in send_requests(app, database, *ALL_REQUESTS[:7])
    ] == [401] * 7


@pytest.mark.parametrize("make", APPS)
def test_middleware_that_sets_claims_authenticates(
    database: Database, make: Callable[[], FastAPI]
) -> None:
    app = make()
    Crud(app, database, scopes=("shop",)).resource(Shop)
    app.add_middleware(ClaimsMiddleware)
    asyncio.run(start(app))
    created, missing, head, wrong = send_requests(
        app,
        database,
        CREATE,
        ("GET", "/shops/7", {}),
        ("HEAD", "/shops/1", {}),
        ("POST", "/shops", {"json": {"name": None}}),
    )
    assert (created.status_code, created.json()) == (201, {"id": 1, "name": "corner"})
    assert (missing.status_code, missing.json()["title"]) == (404, "Not Found")
    assert (head.status_code, head.content) == (200, b"")
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (400, "name")
    for response in (created, missing, head, wrong):  # In plain applications too.
        assert response.headers.get_list("cache-control") == ["no-store"]
        assert response.headers.get_list("vary") == ["Authorization"]


@pytest.mark.parametrize("make", APPS)
def test_gate_none_serves_without_a_token(database: Database, make: Callable[[], FastAPI]) -> None:
    app = make()
    Crud(app, database, gate=None).resource(Shop, access={"delete": PUBLIC})
    asyncio.run(start(app))
    created, missing = send_requests(app, database, CREATE, ("GET", "/nothing", {}))
    assert created.status_code == 201
    assert missing.status_code == 404


def scopes(app: FastAPI, database: Database) -> None:
    Crud(app, database, scopes=("shop",), gate=None)


def access(app: FastAPI, database: Database) -> None:
    Crud(app, database, gate=None).resource(Shop, access={"delete": "shop"})


def any_token(app: FastAPI, database: Database) -> None:
    Crud(app, database, gate=None).resource(Shop, access={"all": AUTHENTICATED})


def upload(app: FastAPI, database: Database) -> None:
    crud = Crud(app, database, gate=None)
    crud.upload(crud.resource(Shop), natural_key=["name"], access="shop")


@pytest.mark.parametrize("make", APPS)
@pytest.mark.parametrize("name", [scopes, access, any_token, upload])
def test_gate_none_with_scopes_is_rejected(
    database: Database, make: Callable[[], FastAPI], name: Callable[[FastAPI, Database], None]
) -> None:
    with pytest.raises(ConfigurationError, match="gate=None says that no token is verified"):
        name(make(), database)


def test_gate_none_with_authentication_fails_at_startup(database: Database) -> None:
    app = service()
    Crud(app, database, gate=None).resource(Shop)
    app.add_middleware(BearerAuthMiddleware, verifier=FakeVerifier())
    with pytest.raises(ConfigurationError, match="gate"):
        asyncio.run(start(app))


@pytest.mark.parametrize("gate", ["none", False, 0])
def test_gate_other_than_none_is_rejected(database: Database, gate: Any) -> None:
    with pytest.raises(ConfigurationError, match="gate"):
        Crud(service(), database, gate=gate)


@pytest.mark.parametrize("app", [Starlette(), object()])
def test_application_other_than_fastapi_is_rejected(database: Database, app: Any) -> None:
    with pytest.raises(ConfigurationError, match="Service or a FastAPI"):
        Crud(app, database)


@pytest.mark.parametrize("inner", APPS)
@pytest.mark.parametrize("parent", ["starlette", "fastapi"])
def test_application_mounted_without_authentication_is_401(
    database: Database, inner: Callable[[], FastAPI], parent: str
) -> None:
    app = inner()
    Crud(app, database, scopes=("shop",)).resource(Shop)
    outer: ASGIApp
    if parent == "starlette":
        outer = Starlette(routes=[Mount("/v1", app)])
    else:
        outer = fastapi_app()
        outer.mount("/v1", app)
    requests = [(method, "/v1" + path, options) for method, path, options in ALL_REQUESTS[:7]]
    assert [response.status_code for response in send_requests(outer, database, *requests)] == [
        401
    ] * 7


@pytest.mark.parametrize("inner", APPS)
def test_application_mounted_behind_authentication_checks_its_scopes(
    database: Database, inner: Callable[[], FastAPI]
) -> None:
    app = inner()
    Crud(app, database, scopes=("shop",)).resource(Shop)
    outer = Application(
        access={"/v1": AUTHENTICATED}, openapi_url=None, docs_url=None, redoc_url=None
    )
    outer.add_middleware(BearerAuthMiddleware, verifier=FakeVerifier())
    outer.mount("/v1", app)
    asyncio.run(start(outer))
    unauthenticated, forbidden, created, read = send_requests(
        outer,
        database,
        ("POST", "/v1/shops", {"json": {"name": "x"}}),
        ("POST", "/v1/shops", {"json": {"name": "x"}, "headers": {"Authorization": "Bearer a"}}),
        ("POST", "/v1/shops", {"json": {"name": "x"}, "headers": {"Authorization": "Bearer shop"}}),
        ("GET", "/v1/shops/1", {"headers": {"Authorization": "Bearer shop"}}),
    )
    assert [response.status_code for response in (unauthenticated, forbidden, created, read)] == [
        401,
        403,
        201,
        200,
    ]
    assert created.headers["location"] == "/v1/shops/1"
    assert len(created.headers.get_list("x-request-id")) == 1
    assert "shop" in forbidden.headers["www-authenticate"]


def test_lifespan_runs_after_the_authentication_check(database: Database) -> None:
    steps = []

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[dict[str, str]]:
        steps.append("start")
        yield {"a": "b"}
        steps.append("stop")

    app = service(lifespan=lifespan)
    Crud(app, database, scopes=("shop",)).resource(Shop)
    with pytest.raises(ConfigurationError):
        asyncio.run(start(app))
    assert steps == []
    app.middleware_stack = None
    app.add_middleware(ClaimsMiddleware)
    asyncio.run(start(app))
    assert steps == ["start", "stop"]


def test_route_with_scopes_without_authentication_fails_at_startup() -> None:
    app = service()

    @app.get("/open")
    @public
    async def open_route() -> str:
        return "open"

    asyncio.run(start(app))

    @app.get("/private")
    @requires("shop")
    async def private_route() -> str:
        return "secret"

    with pytest.raises(MissingAuthentication, match="/private requires a token"):
        asyncio.run(start(app))
    transport = httpx.ASGITransport(app)

    async def get_status() -> int:
        async with httpx.AsyncClient(transport=transport, base_url="http://t") as client:
            return (await client.get("/private")).status_code

    app.middleware_stack = None
    assert asyncio.run(get_status()) == 401


def test_two_resources_with_one_path_and_method_are_rejected(database: Database) -> None:
    app = service()
    crud = Crud(app, database, gate=None)
    crud.resource(Shop)
    with pytest.raises(ConfigurationError, match=r"Shop.*GET /shops is resource Shop already"):
        crud.resource(Shop)
    with pytest.raises(ConfigurationError, match=r"GET /shops/\{id\} is resource Shop"):
        crud.resource(Shop, endpoints=["/named", "/shops/{name}"])
    crud.resource(Shop, endpoints=["/shops-too", "/shops-too/{id}"])


@pytest.mark.parametrize("make", APPS)
def test_resource_and_route_with_one_path_are_rejected(
    database: Database, make: Callable[[], FastAPI]
) -> None:
    @public
    async def own_route() -> str:
        return "own"

    before, after = make(), make()
    before.add_api_route("/shops", own_route)
    with pytest.raises(ConfigurationError, match="GET /shops is a route of the application's own"):
        Crud(before, database, gate=None).resource(Shop)
    Crud(after, database, gate=None).resource(Shop)
    after.add_api_route("/shops", own_route, methods=["PUT"])
    asyncio.run(start(after))
    after.middleware_stack = None
    after.add_api_route("/shops", own_route)
    with pytest.raises(ConfigurationError, match="GET /shops is a route of the application's own"):
        asyncio.run(start(after))
