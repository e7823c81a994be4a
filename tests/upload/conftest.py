"""A service of the test's own over the depot's tables, on each database, called in process."""

import asyncio
import json
from collections.abc import Coroutine, Iterator, Mapping
from typing import Any, TypeVar
from uuid import uuid4

import asyncpg
import httpx
import pytest
import sqlalchemy as sa
from sqlalchemy import make_url
from starlette.types import ASGIApp, Receive, Scope, Send

from api.crud import Crud
from api.crud.upload import Merge, Upload, UploadedRow
from api.http.exchange import Exchange
from api.http.service import Service
from db.database import open_database
from db.engine import with_connection
from tests.upload.depot import Answered, Delivery, DepotBase, Movement, Sample, Site

T = TypeVar("T")
NDJSON = "application/x-ndjson"
CSV = "text/csv"
HEAVIEST = 100


class Caller:
    """Stands where the gate stands: it lets everybody in, as the client that a header names."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = Exchange.of(scope)
        given = dict(scope["headers"]).get(b"x-client", b"tester")
        exchange.client_id, exchange.claims = given.decode(), {"sub": given.decode()}
        await self._app(scope, receive, send)


class Depot:
    """The service, and a caller of it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._runner = asyncio.Runner()
        self.database = open_database(url)
        self.app = Service(
            access={}, log_requests=False, openapi_url=None, docs_url=None, redoc_url=None
        )
        self.app.add_middleware(Caller)
        self.crud = crud = Crud(self.app, self.database, scopes=("depot",))
        deliveries = crud.resource(
            Delivery,
            read_only_attributes=["status", "madeBy"],
            exclude_attributes=["secret"],
        )
        self.upload = crud.upload(
            deliveries,
            natural_key=("origin", "number"),
            only_on_create=("madeBy",),
            access="depot:upload",
            limit=8_000_000,
            keys=Answered,
        )
        samples = crud.resource(Sample)
        crud.upload(samples, natural_key=("code",))
        register(self.upload)
        self.run(self.database.open())
        self._client: httpx.AsyncClient | None = None

    @property
    def is_sqlite(self) -> bool:
        return self.url.startswith("sqlite")

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(_to_the_end(work))

    async def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        if self._client is None:  # Not before: the first request fixes the routes.
            transport = httpx.ASGITransport(self.app)
            self._client = httpx.AsyncClient(transport=transport, base_url="http://depot")
        return await self._client.request(method, path, **options)

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        return self.run(self.call(method, path, **options))

    async def uploading(
        self, content: Any, kind: str = "application/json", path: str = "/deliveries", **params: str
    ) -> httpx.Response:
        """Upload; what is no bytes or text is sent as JSON."""
        body = content if isinstance(content, bytes | str) else json.dumps(content)
        headers = {"Content-Type": kind}
        if "key" in params:
            headers["Idempotency-Key"] = params.pop("key")
        if "client" in params:
            headers["X-Client"] = params.pop("client")
        return await self.call(
            "POST", f"{path}/upload", content=body, headers=headers, params=params or None
        )

    def send(self, content: Any, kind: str = "application/json", **params: str) -> httpx.Response:
        return self.run(self.uploading(content, kind, **params))

    def reported(self, content: Any, kind: str = "application/json", **params: str) -> Any:
        """Upload a batch; give the report."""
        response = self.send(content, kind, **params)
        assert response.status_code == 200, response.text
        return response.json()

    def rows(self, model: Any) -> list[Mapping[str, Any]]:
        """Give a table's rows as another connection sees them."""
        table: sa.Table = model.__table__
        found: list[Mapping[str, Any]] = []

        def look(connection: sa.Connection) -> None:
            key = list(table.primary_key.columns)
            rows = connection.execute(sa.select(table).order_by(*key))
            found.extend(dict(row) for row in rows.mappings())

        with_connection(self.url, look)
        return found

    def execute(self, *clauses: Any) -> None:
        """Change the database by another connection."""

        def change(connection: sa.Connection) -> None:
            for clause in clauses:
                connection.execute(clause)
            connection.commit()

        with_connection(self.url, change)

    def close(self) -> None:
        if self._client is not None:
            self.run(self._client.aclose())
        self.run(self.database.close())
        self._runner.close()


def register(upload: Upload) -> None:
    """Hang hooks of every kind on the upload, as a service would."""

    @upload.row
    def complete(row: UploadedRow) -> None:
        row.attributes["made_by"] = row.context.claims["sub"]
        weight = row.attributes.get("weight")
        if weight is not None and not 0 < weight <= HEAVIEST:
            text = f"must be more than 0 and at most {HEAVIEST}, not {weight}"
            row.errors.add("weight", "Validation error", text)

    @upload.judge
    async def keep_what_is_locked(merge: Merge) -> None:
        stage = merge.stage
        locked = sa.exists().where(Delivery.id == stage.id, Delivery.locked.is_(True))
        changes = stage.status == "updated"
        text = sa.literal("delivery ", sa.Text) + sa.cast(stage.id, sa.Text) + " is locked"
        await merge.reject(changes & locked, "status", text)

    @upload.before_write
    async def remember_changes(merge: Merge) -> None:
        stage = merge.stage
        text = sa.literal("was ", sa.Text) + Delivery.goods
        rows = sa.select(stage.id, text).where(stage.status == "updated", Delivery.id == stage.id)
        await merge.execute(sa.insert(Movement).from_select(["delivery_id", "text"], rows))

    @upload.written
    async def remember_new(merge: Merge) -> None:
        stage = merge.stage
        text = sa.literal("new ", sa.Text) + Delivery.goods
        rows = sa.select(stage.id, text).where(stage.status == "created", Delivery.id == stage.id)
        await merge.execute(
            sa.insert(Movement).from_select(["delivery_id", "text"], rows.order_by(stage.line))
        )

    @upload.message
    def word(status: str, delivery: Any) -> str:
        return f"{status.capitalize()} delivery {delivery.id}"


async def _to_the_end(work: Coroutine[Any, Any, T]) -> T:
    """Do the work, and what it left to be done: the loop stands still afterwards."""
    result = await work
    await asyncio.sleep(0)
    left = asyncio.all_tasks() - {asyncio.current_task()}
    if left:
        await asyncio.wait(left, timeout=5)
    return result


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def depot_url(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """A database that holds the depot's tables, of each kind."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('depot') / 'depot.sqlite'}"
        with_connection(url, _create)
        yield url
        return
    server = make_url(request.getfixturevalue("postgres_url"))
    name = f"depot_{uuid4().hex}"
    text = server.render_as_string(hide_password=False)
    asyncio.run(_execute(text, f"CREATE DATABASE {name}"))
    url = server.set(database=name).render_as_string(hide_password=False)
    with_connection(url, _create)
    yield url
    asyncio.run(_execute(text, f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture
def depot(depot_url: str) -> Iterator[Depot]:
    """A service over empty tables but for one site, called N."""
    with_connection(depot_url, _empty)
    depot = Depot(depot_url)
    yield depot
    depot.close()


def _create(connection: sa.Connection) -> None:
    DepotBase.metadata.create_all(connection)
    connection.commit()


def _empty(connection: sa.Connection) -> None:
    tables = DepotBase.metadata.sorted_tables
    if connection.dialect.name == "postgresql":
        names = ", ".join(table.name for table in tables)
        connection.execute(sa.text(f"TRUNCATE {names} RESTART IDENTITY CASCADE"))
    else:
        for table in reversed(tables):
            connection.execute(sa.delete(table))
        connection.execute(sa.text("DELETE FROM sqlite_sequence"))
    connection.execute(sa.insert(Site).values(code="N"))
    connection.commit()


async def _execute(url: str, sql: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()


def delivery(number: int, **values: Any) -> dict[str, Any]:
    """Give a delivery that nothing is wrong with."""
    return {"goods": "tea", "weight": 2.5, "origin": "harbour", "number": f"d{number}", **values}


def ndjson(rows: list[Any]) -> str:
    """Write rows as NDJSON."""
    return "".join(json.dumps(row) + "\n" for row in rows)


def statuses(report: Any) -> list[str]:
    """Give the status of each row of a report."""
    return [row["status"] for row in report["rows"]]


def assert_refusal(response: httpx.Response, status: int, slug: str) -> Any:
    """Check what a refusal is; give its body."""
    body = response.json()
    assert response.status_code == status, body
    assert body["type"] == f"urn:problem-type:{slug}"
    return body
