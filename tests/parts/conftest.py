"""Fixtures and requests of the tests of parts."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from db.models.part import Part
from encore.database.engine import with_connection
from encore.types import now
from tests.fixtures.system import System

MANY = 1_001


def create(client: httpx.Client, **values: Any) -> dict[str, Any]:
    """Post a part and return the response's row."""
    response = client.post("/parts", json=values or {"name": None})
    assert response.status_code == 201, response.text
    row: dict[str, Any] = response.json()
    return row


def total(client: httpx.Client) -> int:
    """Return how many parts there are."""
    return int(client.get("/parts", params={"count": 1}).headers["content-range"].split("/")[1])


def listed(client: httpx.Client, query: str = "", field: str = "name") -> list[Any]:
    """Return one field of each part in a list."""
    response = client.get(f"/parts?{query}")
    assert response.status_code == 200, response.text
    return [row[field] for row in response.json()]


@pytest.fixture
def parts(system: System) -> httpx.Client:
    """Return an authorised client of a service without parts."""
    empty(system.client)
    return system.client


def empty(client: httpx.Client) -> None:
    """Delete every part."""
    while rows := client.get("/parts", params={"count": 1000}).json():
        for row in rows:
            client.delete(f"/parts/{row['id']}")


@pytest.fixture
def many(system: System) -> Iterator[httpx.Client]:
    """Return an authorised client of a service with one part more than the page limit."""
    empty(system.client)

    def fill(connection: sa.Connection) -> None:
        rows = [{"name": f"part {n:04}", "created_at": now()} for n in range(MANY)]
        connection.execute(sa.insert(Part), rows)
        connection.commit()

    def clear(connection: sa.Connection) -> None:
        connection.execute(sa.delete(Part))
        connection.commit()

    with_connection(system.database_url, fill)
    yield system.client
    with_connection(system.database_url, clear)
