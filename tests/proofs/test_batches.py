"""Batches that fail at each of their operations leave nothing behind.

Sizes up to 6 on each database in the suite; up to 24 by ``make proofs``.
"""

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from tests.proofs.full import amount
from tests.proofs.http_connection import HTTPConnection
from tests.proofs.servers import ServerPair

pytestmark = pytest.mark.processes

LARGEST = amount(6, 24)

Operation = dict[str, Any]
Fail = Callable[[Operation], tuple[Operation, int]]
"""Return a failing operation, and its status; the argument is an existing note."""


def invalid_value(_: Operation) -> tuple[Operation, int]:
    return {"method": "POST", "path": "/notes", "body": {"value": "x", "rank": "high"}}, 400


def duplicate(note: Operation) -> tuple[Operation, int]:
    return {"method": "POST", "path": "/notes", "body": {"value": note["value"]}}, 409


def missing_row(_: Operation) -> tuple[Operation, int]:
    return {"method": "DELETE", "path": "/notes/999999999"}, 404


def stale_tag(note: Operation) -> tuple[Operation, int]:
    body = {"value": uuid4().hex}
    headers = {"If-Match": '"0.stale"'}
    path = f"/notes/{note['id']}"
    return {"method": "PATCH", "path": path, "headers": headers, "body": body}, 412


def missing_scope(_: Operation) -> tuple[Operation, int]:
    return {"method": "POST", "path": "/restricted", "body": {"source": "x"}}, 403


FAILURES = (invalid_value, duplicate, missing_row, stale_tag, missing_scope)


def write_operations(notes: list[Operation], count: int) -> list[Operation]:
    """Return operations that create, change and delete rows of several resources."""
    first, second, _ = notes
    kinds: list[Operation] = [
        {"method": "POST", "path": "/notes", "body": {"value": uuid4().hex}},
        {"method": "PATCH", "path": f"/notes/{first['id']}", "body": {"value": uuid4().hex}},
        {"method": "POST", "path": "/counters", "body": {"value": uuid4().hex}},
        {"method": "DELETE", "path": f"/notes/{second['id']}"},
        {"method": "POST", "path": "/labels", "body": {"name": uuid4().hex, "value": uuid4().hex}},
    ]
    made = [dict(kinds[place % len(kinds)], id=f"op{place}") for place in range(count)]
    for place, operation in enumerate(made):
        if operation["method"] == "DELETE" and place >= len(kinds):
            operation |= {"method": "POST", "path": "/events", "body": {"source": "batch"}}
        elif "body" in operation:
            fresh = {name: uuid4().hex for name in operation["body"]}
            operation["body"] = fresh
    return made


async def stored_rows(connection: HTTPConnection) -> list[Any]:
    """Return the rows of all resources."""
    responses = [
        await connection.request("GET", f"{path}?count=1000")
        for path in ("/notes", "/counters", "/labels", "/events")
    ]
    assert {response.status for response in responses} == {200}
    return [response.json() for response in responses]


async def create_notes(connection: HTTPConnection) -> list[Operation]:
    """Create three notes; the operations do not write the last one."""
    created = [await connection.request("POST", "/notes", {"value": uuid4().hex}) for _ in range(3)]
    return [response.json() for response in created]


@pytest.mark.parametrize("fail", FAILURES, ids=lambda fail: fail.__name__)
def test_batch_that_fails_at_any_index_leaves_nothing(servers: ServerPair, fail: Fail) -> None:
    async def run() -> None:
        writer = servers.first.connect("batch-writer")
        reader = servers.second.connect("batch-reader")
        notes = await create_notes(writer)
        before = await stored_rows(reader)
        for size in range(1, LARGEST + 1):
            for index in range(size):
                operations = write_operations(notes, size)
                operations[index], status = fail(notes[-1])
                response = await writer.request("POST", "/batch", {"operations": operations})
                assert response.status == status, (size, index, response)
                fields = [error.get("field", "") for error in response.json().get("errors", ())]
                assert fields, response
                assert all(field.startswith(f"operations[{index}]") for field in fields), response
                assert await stored_rows(reader) == before, (size, index, response)
        writer.close()
        reader.close()

    asyncio.run(run())


def test_batch_without_failure_leaves_all(servers: ServerPair) -> None:
    async def run() -> None:
        writer = servers.first.connect("batch-writer")
        reader = servers.second.connect("batch-reader")
        for size in range(1, LARGEST + 1):
            operations = write_operations(await create_notes(writer), size)
            response = await writer.request("POST", "/batch", {"operations": operations})
            assert response.status == 200, response
            results = response.json()["results"]
            assert len(results) == size
            for operation, result in zip(operations, results, strict=True):
                assert 200 <= result["status"] < 300, (operation, result)
                if operation["method"] == "POST":
                    row = result["body"]
                    key = row.get("id", row.get("name"))
                    read = await reader.request("GET", f"{operation['path']}/{key}")
                    assert read.json() == row
        writer.close()
        reader.close()

    asyncio.run(run())
