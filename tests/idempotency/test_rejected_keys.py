"""Idempotency keys where they cannot be honoured are rejected, never ignored."""

import asyncio
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa

from encore import Action, Context, Crud
from encore.database.engine import with_connection
from encore.errors import ConfigurationError
from encore.http.application import Application
from tests.fixtures.item_service import ItemSettings, create_service
from tests.fixtures.library import Api
from tests.fixtures.library_models import IdempotencyKey, LibraryBase, Tag
from tests.fixtures.problems import assert_problem

KEY = {"Idempotency-Key": "k"}
UUID = {"Idempotency-Key": '"8e03978e-40d5-43e8-bc93-6894a57f9324"'}
READS = (
    "Idempotency-Key is not supported here: this operation changes nothing, so that it can be"
    " repeated without one"
)


class Count(Action):
    """Count tags: an action that reads a body and changes nothing."""

    name = "count"
    reads_body = True

    async def fetch(self, context: Context) -> None:
        context.instance = {"count": 0}


@pytest.mark.parametrize("key", ["", " ", "a b", "é", "x" * 256, '"a', '"a";b=1', '""', '"\\a"'])
def test_malformed_key_is_rejected(api: Api, key: str) -> None:
    api.crud.resource(Tag)
    headers = {"Idempotency-Key": key.encode()}
    body = assert_problem(api.post("/tags", {"label": "a"}, headers=headers), 400, "bad-request")
    assert "Idempotency-Key" in body["detail"]
    assert api.rows(Tag) == []


@pytest.mark.parametrize("second", ["k", "other"])
def test_two_keys_are_rejected(api: Api, second: str) -> None:
    api.crud.resource(Tag)
    headers = [("Idempotency-Key", "k"), ("Idempotency-Key", second)]
    response = api.post("/tags", {"label": "a"}, headers=headers)
    assert_problem(response, 400, "bad-request", "Idempotency-Key must be sent once")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("path", ["/tags", "/tags/1"])
@pytest.mark.parametrize("accept", ["application/json", "text/csv, */*"])
def test_key_of_a_request_that_reads_is_rejected(
    api: Api, method: str, path: str, accept: str
) -> None:
    api.crud.resource(Tag)
    api.create("/tags", label="a")
    response = api.request(method, path, headers={**KEY, "Accept": accept})
    assert response.status_code == 400
    if method == "GET":
        assert_problem(response, 400, "bad-request", READS)
    assert api.request("OPTIONS", path, headers=KEY).status_code == 200


def test_key_of_a_custom_action_that_reads_is_rejected(api: Api) -> None:
    tags = api.crud.resource(Tag)
    api.crud.custom_action(action=Count(tags), method="POST", path="/count", access="library")
    assert_problem(api.post("/tags/count", {}, headers=KEY), 400, "bad-request", READS)
    assert api.post("/tags/count", {}).json() == {"count": 0}


@pytest.fixture
def service_client(tmp_path: Path) -> httpx.AsyncClient:
    settings = ItemSettings.parse(
        {
            "ISSUER": "https://issuer.example/",
            "DATABASE_URL": f"sqlite:///{tmp_path / 'items.sqlite'}",
            "RESOURCE_URL": "https://items.example",
        }
    )
    service = create_service(settings)
    transport = httpx.ASGITransport(service)
    return httpx.AsyncClient(transport=transport, base_url="http://items.example")


@pytest.mark.parametrize(
    "path",
    [
        "/livez",
        "/readyz",
        "/openapi.json",
        "/docs",
        "/docs-assets/swagger-ui.css",
        "/",
        "/.well-known/oauth-protected-resource",
    ],
)
def test_key_on_a_route_of_the_library_is_rejected(
    service_client: httpx.AsyncClient, path: str
) -> None:
    response = asyncio.run(service_client.get(path, headers=KEY))
    assert_problem(response, 400, "bad-request", READS)


def test_key_on_a_route_of_the_application_is_its_own_matter(
    service_client: httpx.AsyncClient,
) -> None:
    response = asyncio.run(service_client.get("/public", headers=KEY))
    assert response.status_code == 200


def test_missing_table_is_a_503(api: Api) -> None:
    api.crud.resource(Tag)
    table = LibraryBase.metadata.tables["idempotency_keys"]

    def drop(connection: sa.Connection) -> None:
        table.drop(connection)
        connection.commit()

    def create(connection: sa.Connection) -> None:
        table.create(connection)
        connection.commit()

    with_connection(api.url, drop)
    try:
        body = assert_problem(
            api.post("/tags", {"label": "a"}, headers=KEY), 503, "service-unavailable"
        )
        assert "idempotency_keys" in body["detail"]
        assert api.post("/tags", {"label": "a"}).status_code == 201
    finally:
        with_connection(api.url, create)
    assert api.post("/tags", {"label": "b"}, headers=KEY).status_code == 201


def test_key_without_a_caller_must_be_unique(api: Api) -> None:
    app = Application(access={}, log_requests=False, openapi_url=None, docs_url=None)
    Crud(app, api.database, gate=None).resource(Tag)

    async def send(headers: dict[str, str]) -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://inprocess") as client:
            return await client.post("/tags", json={"label": "a"}, headers=headers)

    body = assert_problem(api.run(send(KEY)), 400, "bad-request")
    assert "at least 16 characters" in body["detail"]
    first, again = api.run(send(UUID)), api.run(send(UUID))
    assert (first.status_code, again.content) == (201, first.content)
    assert again.headers["idempotency-replayed"] == "true"
    assert len(api.rows(IdempotencyKey)) == 1


@pytest.mark.parametrize("hours", [0, 1.5, True, "24"])
def test_invalid_lifetime_stops_the_start(api: Api, hours: object) -> None:
    app = Application(access={}, log_requests=False, openapi_url=None, docs_url=None)
    with pytest.raises(ConfigurationError, match="idempotency_hours: must be an integer"):
        Crud(app, api.database, gate=None, idempotency_hours=hours)  # type: ignore[arg-type] # checked
