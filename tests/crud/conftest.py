"""A service of the test's own over the library's tables, on each database, called in process."""

from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx
import pytest
import sqlalchemy as sa
from sqlalchemy import Dialect
from starlette.types import ASGIApp, Receive, Scope, Send

from encore import Crud
from encore.database.bulk import Bulk
from encore.database.connection import Connection
from encore.database.engine import with_connection
from encore.database.factory import open_database
from encore.database.protocol import Database
from encore.database.statement import Row, Statement, Values
from encore.http.request_state import RequestState
from tests.crud.library import LibraryBase
from tests.inprocess import InProcess, empty, postgres_with, sqlite_with

CLAIMS = {"sub": "tester", "scp": ["library"]}
T = TypeVar("T")


class Recorded:
    """A connection that keeps the SQL it is asked to run."""

    def __init__(self, entered: AbstractAsyncContextManager[Connection], sql: list[str]) -> None:
        self._entered = entered
        self._sql = sql

    async def __aenter__(self) -> Self:
        self._inner = await self._entered.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._entered.__aexit__(kind, error, trace)

    async def fetch_all(self, statement: Statement, values: Values) -> list[Row]:
        self._sql.append(statement.sql)
        return await self._inner.fetch_all(statement, values)

    async def fetch_one(self, statement: Statement, values: Values) -> Row | None:
        self._sql.append(statement.sql)
        return await self._inner.fetch_one(statement, values)

    async def fetch_count(self, statement: Statement, values: Values) -> int:
        self._sql.append(statement.sql)
        return await self._inner.fetch_count(statement, values)

    async def orm(self, work: Callable[[Any], T]) -> T:
        return await self._inner.orm(work)


class RecordingDatabase:
    """A database whose statements a test can count."""

    def __init__(self, inner: Database) -> None:
        self._inner = inner
        self.sql: list[str] = []

    @property
    def dialect(self) -> Dialect:
        return self._inner.dialect

    @dialect.setter
    def dialect(self, _: Dialect) -> None:
        raise AttributeError("the inner database has its own")

    async def open(self) -> None:
        await self._inner.open()

    async def close(self) -> None:
        await self._inner.close()

    def reading(self) -> AbstractAsyncContextManager[Connection]:
        return Recorded(self._inner.reading(), self.sql)

    def writing(self, *, single: bool = False) -> AbstractAsyncContextManager[Connection]:
        return Recorded(self._inner.writing(single=single), self.sql)

    def bulk(self) -> AbstractAsyncContextManager[Bulk]:
        return self._inner.bulk()

    async def check(self) -> None:
        await self._inner.check()

    async def revision(self) -> str | None:
        return await self._inner.revision()


class Claims:
    """Stands where the gate stands: it lets everybody in, with these claims."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        RequestState.of(scope).claims = CLAIMS
        await self._app(scope, receive, send)


class Api(InProcess):
    """A service with nothing exposed yet, and a caller of it."""

    database: RecordingDatabase

    def __init__(self, url: str, *, outdated: Collection[str] = ()) -> None:
        database = RecordingDatabase(open_database(url, outdated=outdated))
        super().__init__(url, database, Claims)
        self.crud = Crud(self.app, self.database, scopes=("library",))

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.request("GET", path, **options)

    def post(self, path: str, json: Any = None, **options: Any) -> httpx.Response:
        return self.request("POST", path, json=json, **options)

    def put(self, path: str, json: Any = None, **options: Any) -> httpx.Response:
        return self.request("PUT", path, json=json, **options)

    def delete(self, path: str, **options: Any) -> httpx.Response:
        return self.request("DELETE", path, **options)

    def made(self, path: str, **values: Any) -> dict[str, Any]:
        """Post a row; give it as it was answered."""
        response = self.post(path, values)
        assert response.status_code == 201, response.text
        row: dict[str, Any] = response.json()
        return row

    def read(self, path: str, **params: Any) -> Any:
        """Get what is there."""
        response = self.get(path, params=params or None)
        assert response.status_code == 200, response.text
        return response.json()


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def library_url(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """A database that holds the library's tables, of each kind."""
    metadata = LibraryBase.metadata
    if request.param == "sqlite":
        yield sqlite_with(metadata, tmp_path_factory.mktemp("library"))
        return
    with postgres_with(metadata, request.getfixturevalue("postgres_url")) as url:
        yield url


@pytest.fixture
def api(library_url: str) -> Iterator[Api]:
    """A service over empty tables."""
    with_connection(library_url, _empty)
    api = Api(library_url)
    yield api
    api.close()


def _empty(connection: sa.Connection) -> None:
    empty(connection, LibraryBase.metadata)
    connection.commit()


def fields_of(response: httpx.Response) -> list[str]:
    """Give the fields that a refusal names."""
    return [error["field"] for error in response.json()["errors"]]


def assert_refused(response: httpx.Response, status: int, *fields: str) -> None:
    """Check a refusal's status and the fields that it names."""
    assert response.status_code == status, response.text
    assert fields_of(response) == list(fields), response.text
