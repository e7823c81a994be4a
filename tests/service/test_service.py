"""``Service``: what it joins, and which contradictions it rejects."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from encore import ConfigurationError, Service, Settings, open_database, public, requires
from encore.database.tables import metadata as library_metadata
from encore.errors import SettingsError, StartupError, UnsupportedRoute
from encore.http.access import PUBLIC
from encore.http.application import Application
from encore.http.security_headers import security_headers

ISSUER = "http://localhost:9/oauth2/default"


class Caller:
    """Sends requests without a token to a service that runs in this process."""

    def __init__(self, service: Service, runner: asyncio.Runner) -> None:
        self._runner = runner
        transport = httpx.ASGITransport(service)
        self._client = httpx.AsyncClient(transport=transport, base_url="http://service")

    def get(self, path: str, **headers: str) -> httpx.Response:
        return self._runner.run(self._client.get(path, headers=headers))

    def post(self, path: str, json: Any) -> httpx.Response:
        return self._runner.run(self._client.post(path, json=json))


@contextmanager
def running(service: Service) -> Iterator[Caller]:
    """Run the service's lifespan around the requests."""
    with asyncio.Runner() as runner:
        lifespan = service.router.lifespan_context(service)
        runner.run(lifespan.__aenter__())
        try:
            yield Caller(service, runner)
        finally:
            runner.run(lifespan.__aexit__(None, None, None))


class Base(DeclarativeBase):
    pass


class Supplier(Base):
    __tablename__ = "suppliers"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


class OtherBase(DeclarativeBase):
    pass


class Invoice(OtherBase):
    __tablename__ = "invoices"

    id: Mapped[int] = mapped_column(primary_key=True)


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Return settings with a database file that does not exist yet."""
    monkeypatch.chdir(tmp_path)
    return Settings(issuer=ISSUER, database_url="sqlite:///test.sqlite")


@pytest.fixture
def service(settings: Settings) -> Service:
    return Service(settings)


@pytest.fixture
def client(service: Service) -> Iterator[Caller]:
    """Return a client without a token; the database has the tables."""
    service.resource(Supplier, scopes=["suppliers"])
    service.schema().create()
    with running(service) as client:
        yield client


def test_health_docs_and_gate_are_joined(client: Caller) -> None:
    statuses = {
        path: client.get(path).status_code
        for path in ("/livez", "/readyz", "/docs", "/openapi.json", "/suppliers", "/nowhere")
    }
    assert statuses == {
        "/livez": 200,
        "/readyz": 200,
        "/docs": 200,
        "/openapi.json": 200,
        "/suppliers": 401,
        "/nowhere": 401,
    }


def test_home_points_to_docs(client: Caller) -> None:
    response = client.get("/")
    assert response.status_code == 401
    assert "/docs" in response.json()["detail"]
    browser = client.get("/", Accept="text/html")
    assert (browser.status_code, browser.headers["location"]) == (303, "/docs")


@pytest.mark.parametrize("path", ["/shop", "/a'b"])
def test_docs_of_mounted_service_link_below_its_path(service: Service, path: str) -> None:
    outer = FastAPI()
    outer.mount(path, service)
    prefix = quote(path)

    async def get(path: str) -> httpx.Response:
        transport = httpx.ASGITransport(outer)
        async with httpx.AsyncClient(transport=transport, base_url="http://outer") as client:
            return await client.get(path, headers={"Accept": "text/html,*/*;q=0.8"})

    assert asyncio.run(get(f"{prefix}/")).headers["location"] == f"{prefix}/docs"
    page = asyncio.run(get(f"{prefix}/docs")).text
    linked = re.findall(r'(?:src|href)="(/[^"]*)"', page)
    assert len(linked) == 6
    for link in linked:
        assert link in page
        assert asyncio.run(get(link)).status_code == 200


def test_docs_of_a_service_in_a_service_keep_their_policy(service: Service) -> None:
    outer = Application(access={"/shop": PUBLIC}, headers=security_headers(""), openapi_url=None)
    outer.mount("/shop", service)

    async def get() -> httpx.Response:
        transport = httpx.ASGITransport(outer)
        async with httpx.AsyncClient(transport=transport, base_url="http://outer") as client:
            return await client.get("/shop/docs")

    (policy,) = asyncio.run(get()).headers.get_list("content-security-policy")
    assert "script-src 'self';" in policy


@pytest.mark.parametrize("access", [public, requires("suppliers")])
def test_own_route_at_the_root_replaces_the_pointer_to_docs(
    service: Service, access: Callable[[Any], Any]
) -> None:
    async def own_home() -> dict[str, str]:
        return {"home": "own"}

    service.get("/")(access(own_home))
    service.schema().create()
    with running(service) as client:
        response = client.get("/")
    expected = (200, "own") if access is public else (401, None)
    assert (response.status_code, response.json().get("home")) == expected
    assert "link" not in response.headers


def test_openapi_has_title_and_scopes(client: Caller) -> None:
    document = client.get("/openapi.json").json()
    assert document["info"]["title"] == "API"
    for operation in document["paths"]["/suppliers"].values():
        assert operation["security"] == [{"oauth2": ["suppliers"]}]


def test_settings_class_is_loaded_from_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class ShopSettings(Settings):
        currency: str = "EUR"

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ISSUER", ISSUER)
    monkeypatch.setenv("CURRENCY", "CHF")
    service = Service(ShopSettings)
    assert service.settings.currency == "CHF"  # Its type is ShopSettings: mypy accepts the name.


def test_unknown_and_invalid_settings_in_code_are_rejected() -> None:
    with pytest.raises(SettingsError) as rejected:
        Settings(isuer=ISSUER, server_port="http")
    assert set(rejected.value.problems) == {
        "SERVER_PORT: must be an integer from 0 to 65535",
        "ISUER: is not a setting; did you mean ISSUER?",
        "ISSUER: is missing; set it in the environment or in .env.local",
    }


def test_settings_of_another_type_are_rejected() -> None:
    with pytest.raises(TypeError, match="settings must be a Settings or a subclass of it"):
        Service({"issuer": ISSUER})  # type: ignore[arg-type] # what is tested


def test_scopes_are_short_for_access(service: Service) -> None:
    service.resource(Supplier, scopes=["suppliers"], access={"list": ["suppliers:read"]})
    service.resource(Invoice)
    assert service.scopes() == {"suppliers", "suppliers:read"}
    with running(service) as client:
        operations = client.get("/openapi.json").json()["paths"]["/suppliers"]
    wanted = {"get": "suppliers:read", "post": "suppliers"}
    assert {m: operations[m]["security"] for m in wanted} == {
        method: [{"oauth2": [scope]}] for method, scope in wanted.items()
    }


CONTRADICTIONS: dict[str, tuple[Any, Any, str]] = {
    "a string": ("suppliers", {}, "must be a list of scopes"),
    "access for all actions": (["suppliers"], {"all": ["x"]}, "contradicts the option access"),
    "access that is no mapping": (["suppliers"], "suppliers", "contradicts the option access"),
}


@pytest.mark.parametrize(
    ("scopes", "access", "message"), CONTRADICTIONS.values(), ids=CONTRADICTIONS
)
def test_contradicting_scopes_are_rejected(
    service: Service, scopes: Any, access: Any, message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        service.resource(Supplier, scopes=scopes, access=access)


def test_upload_limit_of_settings_applies_to_uploads(settings: Settings) -> None:
    service = Service(settings.model_copy(update={"upload_limit": 10}))
    resource = service.resource(Supplier, scopes=["suppliers"])
    assert service.crud.upload(resource, natural_key=["name"]).limit == 10
    other = service.crud.upload(resource, natural_key=["name"], path="/more", limit=20)
    assert other.limit == 20


def test_lifespan_has_an_open_database(settings: Settings) -> None:
    steps: list[object] = []

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        assert isinstance(app, Service)
        await app.database.check()
        steps.append("entered")
        yield
        await app.database.check()
        steps.append("left")

    service = Service(settings, lifespan=lifespan)
    with running(service) as client:
        assert client.get("/livez").status_code == 200
        assert steps == ["entered"]
    assert steps == ["entered", "left"]


def test_lifespan_yields_state_of_service_and_routers(settings: Settings) -> None:
    """The server passes it to every request, as ``request.state``."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[dict[str, int]]:
        yield {"answer": 42}

    @asynccontextmanager
    async def lifespan_of_router(_: FastAPI) -> AsyncIterator[dict[str, int]]:
        yield {"question": 6}

    async def state(service: Service) -> object:
        async with service.router.lifespan_context(service) as state:
            return state

    service = Service(settings, lifespan=lifespan)
    service.include_router(APIRouter(lifespan=lifespan_of_router))
    assert asyncio.run(state(service)) == {"answer": 42, "question": 6}


def test_event_handlers_stop_start(service: Service) -> None:
    """FastAPI runs them only where there is no lifespan."""
    service.include_router(APIRouter(on_startup=[lambda: None]))
    with pytest.raises(UnsupportedRoute, match="lifespan="):
        service.build_middleware_stack()


def test_metadata_includes_resources_without_a_list(service: Service) -> None:
    service.resource(Invoice, actions=["create"])
    assert service.metadata == (OtherBase.metadata,)


def test_metadata_is_that_of_all_models_without_the_library(service: Service) -> None:
    service.resource(Supplier, scopes=["suppliers"])
    service.resource(Invoice, scopes=["invoices"])
    assert service.metadata == (Base.metadata, OtherBase.metadata)
    assert service.schema().metadata == (*service.metadata, library_metadata)


def test_schema_creates_tables_in_an_empty_database_only(service: Service) -> None:
    service.resource(Supplier, scopes=["suppliers"])
    schema = service.schema()
    with pytest.raises(StartupError, match="there is no database yet"):
        schema.check()
    schema.create()
    assert schema.missing() == []
    schema.check()
    service.resource(Invoice, scopes=["invoices"])
    assert service.schema().missing() == ["table invoices"]
    with pytest.raises(StartupError, match="the database is not empty and lacks table invoices"):
        service.schema().create()


def test_migrations_are_found_in_the_current_folder(settings: Settings, tmp_path: Path) -> None:
    assert Service(settings).migrations is None
    (tmp_path / "migrations" / "versions").mkdir(parents=True)
    (tmp_path / "migrations" / "env.py").touch()
    assert Service(settings).migrations == tmp_path / "migrations"


def test_migrations_with_two_heads_say_how_to_merge(settings: Settings, tmp_path: Path) -> None:
    versions = tmp_path / "migrations" / "versions"
    versions.mkdir(parents=True)
    (tmp_path / "migrations" / "env.py").touch()
    for name, down in (("a", None), ("b", "a"), ("c", "a")):
        (versions / f"{name}.py").write_text(f'revision = "{name}"\ndown_revision = {down!r}\n')
    with pytest.raises(StartupError, match="not b, c; run alembic merge heads"):
        Service(settings)


def test_folder_of_migrations_must_exist(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(StartupError, match="migrations: there is no folder db/migrations"):
        Service(settings, migrations="db/migrations")
    (tmp_path / "db" / "migrations").mkdir(parents=True)
    assert Service(settings, migrations="db/migrations").migrations == Path("db/migrations")


@pytest.mark.parametrize("url", ["mysql://server/name", "sqlite://", "library.sqlite"])
def test_url_of_unsupported_database_is_rejected(url: str) -> None:
    with pytest.raises(ValueError, match=r"the database's URL (has the scheme|must|is not)"):
        open_database(url)
