"""Services whose lists understand dialects."""

from collections.abc import Iterator
from typing import Any, Final

import pytest
import sqlalchemy as sa

from encore.database.engine import with_connection
from tests.fixtures.in_process import empty
from tests.fixtures.library import Api
from tests.fixtures.library_models import Kind, LibraryBase, User

EVERY: Final = ["react-admin", "refine", "json-server"]
ROWS: Final[list[dict[str, Any]]] = [
    {"id": 1, "text": "Nut", "whole": 5, "real": 0.5, "flag": True, "day": "2020-01-01"},
    {"id": 2, "text": "bolt", "whole": -3, "real": 2.5, "flag": False, "day": "2021-01-01"},
    {"id": 3, "text": "null", "whole": 5, "real": 10.0, "flag": True, "day": "2022-01-01"},
    {"id": 4, "text": "1.5 (x)", "whole": None, "real": None, "flag": None, "day": None},
]


@pytest.fixture(scope="module")
def kinds(library_url: str) -> Iterator[Api]:
    """Return a service with rows of a resource that has all dialects; tests only read them."""

    def clear(connection: sa.Connection) -> None:
        empty(connection, LibraryBase.metadata)
        connection.commit()

    with_connection(library_url, clear)
    api = with_kinds(Api(library_url), EVERY)
    yield api
    api.close()


def with_kinds(api: Api, dialects: list[str], **options: Any) -> Api:
    """Expose ``Kind`` with dialects, and create its rows."""
    api.crud.resource(Kind, dialects=dialects, **options)
    for row in ROWS:
        api.create("/kinds", **row)
    return api


@pytest.fixture
def users(api: Api) -> Api:
    """Return a service with users and their books, embedded."""
    api.crud.resource(User, include=["books"], dialects=EVERY)
    return api


def ids(api: Api, query: str, **options: Any) -> list[int]:
    """Return the ids of a list of kinds."""
    response = api.get(f"/kinds?{query}", **options)
    assert response.status_code == 200, response.text
    return [row["id"] for row in response.json()]
