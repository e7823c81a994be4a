"""A service of a test's own, called in process, over a database with tables of the test's own."""

import asyncio
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import asyncpg
import httpx
import sqlalchemy as sa
from sqlalchemy import make_url

from encore.database.engine import with_connection
from encore.database.protocol import Database
from encore.http.application import Application

T = TypeVar("T")


class InProcess:
    """A service and a caller of it, in an event loop that stands still between requests.

    Args:
        url: The database's, for looking at it from outside.
        database: The same, as the service has it.
        layer: Stands where the token gate stands.
    """

    def __init__(self, url: str, database: Database, layer: Any) -> None:
        self.url = url
        self.database = database
        self.app = Application(
            access={}, log_requests=False, openapi_url=None, docs_url=None, redoc_url=None
        )
        self.app.add_middleware(layer)
        self._runner = asyncio.Runner()
        self.run(database.open())
        self._client: httpx.AsyncClient | None = None

    @property
    def is_sqlite(self) -> bool:
        return self.url.startswith("sqlite")

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(_to_the_end(work))

    async def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        if self._client is None:  # Not before: the first request fixes the routes.
            transport = httpx.ASGITransport(self.app)
            self._client = httpx.AsyncClient(transport=transport, base_url="http://inprocess")
        return await self._client.request(method, path, **options)

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        return self.run(self.call(method, path, **options))

    def rows(self, model: Any) -> list[Mapping[str, Any]]:
        """Give a table's rows as another connection sees them."""
        table: sa.Table = getattr(model, "__table__", model)
        found: list[Mapping[str, Any]] = []

        def look(connection: sa.Connection) -> None:
            key = list(table.primary_key.columns)
            rows = connection.execute(sa.select(table).order_by(*key))
            found.extend(dict(row) for row in rows.mappings())

        with_connection(self.url, look)
        return found

    def close(self) -> None:
        if self._client is not None:
            self.run(self._client.aclose())
        self.run(self.database.close())
        self._runner.close()


async def _to_the_end(work: Coroutine[Any, Any, T]) -> T:
    """Do the work, and what it left to be done."""
    result = await work
    await asyncio.sleep(0)
    left = asyncio.all_tasks() - {asyncio.current_task()}
    if left:
        await asyncio.wait(left, timeout=5)
    return result


def sqlite_with(metadata: sa.MetaData, directory: Path) -> str:
    """Make a SQLite file that holds these tables; give its URL."""
    url = f"sqlite:///{directory / 'inprocess.sqlite'}"
    _create(url, metadata)
    return url


@contextmanager
def postgres_with(metadata: sa.MetaData, server: str) -> Iterator[str]:
    """Make a PostgreSQL database that holds these tables, until the block ends; give its URL."""
    name = f"inprocess_{uuid4().hex}"
    asyncio.run(_execute(server, f"CREATE DATABASE {name}"))
    url = make_url(server).set(database=name).render_as_string(hide_password=False)
    _create(url, metadata)
    yield url
    asyncio.run(_execute(server, f"DROP DATABASE {name} WITH (FORCE)"))


def empty(connection: sa.Connection, metadata: sa.MetaData) -> None:
    """Empty the tables, and number their rows from 1 again."""
    tables = metadata.sorted_tables
    if connection.dialect.name == "postgresql":
        names = ", ".join(table.name for table in tables)
        connection.execute(sa.text(f"TRUNCATE {names} RESTART IDENTITY CASCADE"))
        return
    for table in reversed(tables):
        connection.execute(sa.delete(table))
    if sa.inspect(connection).has_table("sqlite_sequence"):
        connection.execute(sa.text("DELETE FROM sqlite_sequence"))


def _create(url: str, metadata: sa.MetaData) -> None:
    def create(connection: sa.Connection) -> None:
        metadata.create_all(connection)
        connection.commit()

    with_connection(url, create)


async def _execute(url: str, sql: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()
