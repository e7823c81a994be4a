"""What the contract's tests say again and again: make a part, count them, look at a list."""

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
    """Post a part; give it as it was answered."""
    response = client.post("/parts", json=values or {"name": None})
    assert response.status_code == 201, response.text
    row: dict[str, Any] = response.json()
    return row


def total(client: httpx.Client) -> int:
    """Count the parts."""
    return int(client.get("/parts", params={"count": 1}).headers["content-range"].split("/")[1])


def listed(client: httpx.Client, query: str = "", field: str = "name") -> list[Any]:
    """Give one field of each part that a list shows."""
    response = client.get(f"/parts?{query}")
    assert response.status_code == 200, response.text
    return [row[field] for row in response.json()]


@pytest.fixture
def parts(system: System) -> httpx.Client:
    """An authorised client of a system whose catalog is empty."""
    empty(system.client)
    return system.client


def empty(client: httpx.Client) -> None:
    """Delete every part."""
    while rows := client.get("/parts", params={"count": 1000}).json():
        for row in rows:
            client.delete(f"/parts/{row['id']}")


@pytest.fixture
def many(system: System) -> Iterator[httpx.Client]:
    """An authorised client of a system that holds one part more than a page may."""
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
