"""A service over the library's tables whose callers have scopes, and batches sent to it."""

from collections.abc import Iterator, Sequence
from typing import Any

import httpx
import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from encore import BatchOptions
from encore.database.engine import with_connection
from encore.http.request_state import RequestState
from tests.fixtures.in_process import empty
from tests.fixtures.library import Api
from tests.fixtures.library_models import Book, LibraryBase, Tag, User

GRANTED = "Granted"
"""The header that names the caller's scopes; ``none`` is a request without a caller."""


class ScopesMiddleware:
    """Sets claims and the scopes that a header names, without a token."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        state = RequestState.from_scope(scope)
        headers = dict(scope["headers"])
        granted = headers.get(b"granted", b"library").decode().split()
        if granted != ["none"]:
            state.claims = {"sub": "tester"}
            state.granted = None if granted == ["unknown"] else frozenset(granted)
        await self._app(scope, receive, send)


class BatchApi(Api):
    """The service, and a client that sends batches."""

    def __init__(self, url: str, **options: Any) -> None:
        super().__init__(url, layer=ScopesMiddleware, **options)

    def batch(self, *operations: Any, atomic: Any = None, **options: Any) -> httpx.Response:
        body: dict[str, Any] = {"operations": list(operations)}
        if atomic is not None:
            body["atomic"] = atomic
        return self.post("/batch", body, **options)

    def results(self, *operations: Any, **options: Any) -> list[dict[str, Any]]:
        """Send a batch that succeeds; return its results."""
        response = self.batch(*operations, **options)
        assert response.status_code == 200, response.text
        results: list[dict[str, Any]] = response.json()["results"]
        return results


def operation(method: str, path: str, body: Any = None, **members: Any) -> dict[str, Any]:
    """Return an operation of a batch."""
    given = {} if body is None else {"body": body}
    return {"method": method, "path": path, **given, **members}


def statuses(results: Sequence[dict[str, Any]]) -> list[int]:
    return [result["status"] for result in results]


def empty_tables(connection: Any) -> None:
    """Delete all rows, and restart the ids."""
    empty(connection, LibraryBase.metadata)
    connection.commit()


@pytest.fixture
def bare(library_url: str) -> Iterator[BatchApi]:
    """Return a service over empty tables, without resources."""
    with_connection(library_url, empty_tables)
    api = BatchApi(library_url)
    yield api
    api.close()


@pytest.fixture
def api(bare: BatchApi) -> BatchApi:
    """Return a service of users, books and tags."""
    bare.crud.resource(User)
    bare.crud.resource(Book)
    bare.crud.resource(Tag)
    return bare


@pytest.fixture
def hasty(library_url: str) -> Iterator[BatchApi]:
    """Return a service without resources, whose batches may take a tenth of a second."""
    with_connection(library_url, empty_tables)
    api = BatchApi(library_url, batch=BatchOptions(seconds=0.1))
    yield api
    api.close()
