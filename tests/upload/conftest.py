"""A service of the test's own over the depot's tables, on each database, called in process."""

import json
from collections.abc import Iterator
from typing import Any, TypeVar

import httpx
import pytest
import sqlalchemy as sa
from starlette.types import ASGIApp, Receive, Scope, Send

from encore import Crud
from encore.database.engine import with_connection
from encore.database.factory import open_database
from encore.http.request_state import RequestState
from encore.uploads import MergeContext, Upload, UploadedRow
from tests.inprocess import InProcess, empty, postgres_with, sqlite_with
from tests.upload.depot import Delivery, DepotBase, Movement, Sample, Site

T = TypeVar("T")
NDJSON = "application/x-ndjson"
CSV = "text/csv"
HEAVIEST = 100


class Caller:
    """Stands where the gate stands: it lets everybody in, as the client that a header names."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = RequestState.of(scope)
        given = dict(scope["headers"]).get(b"x-client", b"tester")
        exchange.client_id, exchange.claims = given.decode(), {"sub": given.decode()}
        await self._app(scope, receive, send)


class Depot(InProcess):
    """The service, and a caller of it."""

    def __init__(self, url: str) -> None:
        super().__init__(url, open_database(url), Caller)
        self.crud = crud = Crud(self.app, self.database, scopes=("depot",))
        deliveries = crud.resource(
            Delivery,
            read_only_attributes=["status", "madeBy"],
            write_only_attributes=["secret"],
        )
        self.upload = crud.upload(
            deliveries,
            natural_key=("origin", "number"),
            only_on_create=("madeBy",),
            access="depot:upload",
            limit=8_000_000,
            idempotency_keys=True,
        )
        samples = crud.resource(Sample)
        crud.upload(samples, natural_key=("code",), idempotency_keys=True)
        register(self.upload)

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

    def execute(self, *clauses: Any) -> None:
        """Change the database by another connection."""

        def change(connection: sa.Connection) -> None:
            for clause in clauses:
                connection.execute(clause)
            connection.commit()

        with_connection(self.url, change)


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
    async def keep_what_is_locked(merge: MergeContext) -> None:
        stage = merge.stage
        locked = sa.exists().where(Delivery.id == stage.id, Delivery.locked.is_(True))
        changes = stage.status == "updated"
        text = sa.literal("delivery ", sa.Text) + sa.cast(stage.id, sa.Text) + " is locked"
        await merge.reject(changes & locked, "status", text)

    @upload.before_write
    async def remember_changes(merge: MergeContext) -> None:
        stage = merge.stage
        text = sa.literal("was ", sa.Text) + Delivery.goods
        rows = sa.select(stage.id, text).where(stage.status == "updated", Delivery.id == stage.id)
        await merge.execute(sa.insert(Movement).from_select(["delivery_id", "text"], rows))

    @upload.written
    async def remember_new(merge: MergeContext) -> None:
        stage = merge.stage
        text = sa.literal("new ", sa.Text) + Delivery.goods
        rows = sa.select(stage.id, text).where(stage.status == "created", Delivery.id == stage.id)
        await merge.execute(
            sa.insert(Movement).from_select(["delivery_id", "text"], rows.order_by(stage.line))
        )

    @upload.message
    def word(status: str, delivery: Any) -> str:
        return f"{status.capitalize()} delivery {delivery.id}"


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def depot_url(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """A database that holds the depot's tables, of each kind."""
    metadata = DepotBase.metadata
    if request.param == "sqlite":
        yield sqlite_with(metadata, tmp_path_factory.mktemp("depot"))
        return
    with postgres_with(metadata, request.getfixturevalue("postgres_url")) as url:
        yield url


@pytest.fixture
def depot(depot_url: str) -> Iterator[Depot]:
    """A service over empty tables but for one site, called N."""
    with_connection(depot_url, _empty)
    depot = Depot(depot_url)
    yield depot
    depot.close()


def _empty(connection: sa.Connection) -> None:
    empty(connection, DepotBase.metadata)
    connection.execute(sa.insert(Site).values(code="N"))
    connection.commit()


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
