"""A service over models that one test declares, on each database, with the ORM as the oracle."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import asyncpg
import pytest
import sqlalchemy as sa
from sqlalchemy import make_url
from sqlalchemy.orm import Session

from encore.database.engine import with_connection
from tests.crud.conftest import Api
from tests.workers import DATABASES

T = TypeVar("T")
DDL = Sequence[str | Callable[[sa.Connection], None]]
"""Statements to run once the tables are there: SQL text, or functions of a connection."""


class ModelApi(Api):
    """An ``Api`` whose database can also be used from outside, by SQL or an ORM session."""

    def orm(self, work: Callable[[Session], T]) -> T:
        """Run ORM work from outside the service, committed; return its result."""
        results: list[T] = []

        def run(connection: sa.Connection) -> None:
            with Session(bind=connection) as session:
                results.append(work(session))
                session.commit()

        with_connection(self.url, run)
        return results[0]

    def sql(self, text: str) -> list[tuple[Any, ...]]:
        """Run SQL from outside the service, committed; return its rows."""
        rows: list[tuple[Any, ...]] = []

        def run(connection: sa.Connection) -> None:
            result = connection.exec_driver_sql(text)
            if result.returns_rows:
                rows.extend(tuple(row) for row in result)
            connection.commit()

        with_connection(self.url, run)
        return rows


Serve = Callable[..., ModelApi]
"""``serve(metadata, ddl=())``: create the tables, return a service with nothing exposed yet."""


@pytest.fixture(scope="session", params=DATABASES)
def models_database(request: pytest.FixtureRequest) -> Iterator[str | None]:
    """The URL of an empty PostgreSQL database; None for SQLite, where each test has a file."""
    if request.param == "sqlite":
        yield None
        return
    server: str = request.getfixturevalue("postgres_url")
    asyncio.run(_execute(server, "CREATE DATABASE models"))
    yield make_url(server).set(database="models").render_as_string(hide_password=False)
    asyncio.run(_execute(server, "DROP DATABASE models WITH (FORCE)"))


@pytest.fixture
def serve(models_database: str | None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    """Make services over models of the test's own; their tables go with the test."""
    made: list[ModelApi] = []

    def make(metadata: sa.MetaData, ddl: DDL = ()) -> ModelApi:
        url = models_database
        if url is None:
            url = f"sqlite:///{tmp_path_factory.mktemp('models') / 'models.sqlite'}"
        with_connection(url, lambda connection: _create(connection, metadata, ddl))
        api = ModelApi(url)
        made.append(api)
        return api

    yield make
    for api in made:
        api.close()
    if models_database is not None:
        reset = "DROP SCHEMA public CASCADE; CREATE SCHEMA public"
        asyncio.run(_execute(models_database, reset))


def _create(connection: sa.Connection, metadata: sa.MetaData, ddl: DDL) -> None:
    metadata.create_all(connection)
    for statement in ddl:
        if callable(statement):
            statement(connection)
        else:
            connection.exec_driver_sql(statement)
    connection.commit()


async def _execute(url: str, sql: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()
