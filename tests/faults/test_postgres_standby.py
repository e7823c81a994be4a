"""The server becomes a standby and a primary again, is restarted, or loses its database."""

import asyncio
import tempfile
from collections.abc import Iterator

import asyncpg
import pytest
import sqlalchemy as sa
from sqlalchemy import make_url

from encore.database.engine import with_connection
from encore.database.errors import DatabaseUnavailable, ReadOnlyDatabase
from encore.database.postgresql import PostgresDatabase
from tests.faults.postgres import Base, ExternalConnection, Item, read, write
from tests.faults.test_start_before_database import PostgresServer
from tests.fixtures.in_process import postgres_with
from tests.fixtures.library import Api

pytestmark = pytest.mark.processes


@pytest.fixture
def url(postgres_url: str) -> Iterator[str]:
    with postgres_with(Base.metadata, postgres_url) as url:
        yield url


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """Return a separate server with the table."""
    with tempfile.TemporaryDirectory(prefix="encore-pg-") as directory:
        server = PostgresServer(directory)
        with_connection(server.url, _create)
        yield server
        server.close()


def _create(connection: sa.Connection) -> None:
    Base.metadata.create_all(connection)
    connection.commit()


@pytest.fixture
def api(server: PostgresServer) -> Iterator[Api]:
    api = Api(server.url)
    api.crud.resource(Item)
    yield api
    api.close()


def test_requests_after_a_server_restart_are_served(api: Api, server: PostgresServer) -> None:
    assert api.post("/items", {"id": 1, "name": "x"}).status_code == 201
    server.stop()
    api.run(asyncio.sleep(0.1))  # The event loop does not run between requests.
    assert api.post("/items", {"id": 2, "name": "x"}).status_code == 503
    with pytest.raises(DatabaseUnavailable):
        api.run(api.database.check())
    server.start()
    assert api.post("/items", {"id": 3, "name": "x"}).status_code == 201
    api.run(api.database.check())
    assert [row["id"] for row in api.read("/items")] == [1, 3]


def test_standby_rejects_writes_until_promoted(api: Api, server: PostgresServer) -> None:
    assert api.post("/items", {"id": 11, "name": "x"}).status_code == 201
    server.stop()
    (server._data / "standby.signal").touch()
    server.start()
    api.run(asyncio.sleep(0.1))
    for id_ in range(5):
        response = api.post("/items", {"id": 20 + id_, "name": "x"})
        assert response.status_code == 503, response.text
        assert response.headers["retry-after"]
    assert response.json()["detail"] == "The database is read-only"
    assert api.read("/items")[-1]["id"] == 11
    with pytest.raises(ReadOnlyDatabase):
        api.run(api.database.check())
    server.promote()
    assert api.post("/items", {"id": 12, "name": "x"}).status_code == 201
    api.run(api.database.check())
    assert [row["id"] for row in api.read("/items")][-2:] == [11, 12]


def test_read_only_connections_are_replaced(url: str) -> None:
    async def run() -> None:
        database = PostgresDatabase(url)
        await database.open()
        name = make_url(url).database
        async with ExternalConnection(url) as external:
            await external.run(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
            await external.terminate_backends()
            for _ in range(100):
                if not await external.backends():
                    break
                await asyncio.sleep(0.01)
            await asyncio.gather(*(read(database, 0) for _ in range(5)))
            with pytest.raises(ReadOnlyDatabase):
                await database.check()
            await external.run("SET default_transaction_read_only = off")
            await external.run(f"ALTER DATABASE {name} RESET default_transaction_read_only")
            await database.check()
            with pytest.raises(ReadOnlyDatabase):  # Sessions keep their initial setting.
                await write(database, 1)
            for id_ in range(2, 7):
                await write(database, id_)
            assert await external.keys() == set(range(2, 7))
        await database.close()

    asyncio.run(run())


def test_renamed_database_rejects_writes_until_renamed_back(url: str, postgres_url: str) -> None:
    name = make_url(url).database

    async def execute(*statements: str) -> None:
        connection = await asyncpg.connect(postgres_url)
        for statement in statements:
            await connection.execute(statement)
        await connection.close()

    async def run() -> None:
        database = PostgresDatabase(url)
        await database.open()
        await write(database, 1)
        await execute(
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'",
            f"ALTER DATABASE {name} RENAME TO {name}_away",
        )
        for _ in range(3):
            with pytest.raises(DatabaseUnavailable):
                await write(database, 2)
        with pytest.raises(DatabaseUnavailable) as raised:
            await database.check()
        assert raised.value.code == "3D000"
        await execute(f"ALTER DATABASE {name}_away RENAME TO {name}")
        await database.check()
        await write(database, 3)
        async with ExternalConnection(url) as external:
            assert await external.keys() == {1, 3}
        await database.close()

    asyncio.run(run())


def test_open_without_a_host_of_target_session_attrs_is_rejected(url: str) -> None:
    standby_url = make_url(url).update_query_dict({"target_session_attrs": "standby"})
    database = PostgresDatabase(standby_url.render_as_string(hide_password=False))
    with pytest.raises(DatabaseUnavailable):
        asyncio.run(database.open())
