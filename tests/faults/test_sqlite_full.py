"""A full disk: acknowledged writes are in the file, rejected ones are not.

``PRAGMA max_page_count`` simulates the disk. SQLite then fails with SQLITE_FULL, which rolls back
the whole transaction (a group of requests) instead of the statement or the savepoint.
"""

import asyncio
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from structlog.testing import capture_logs

from encore.database.errors import DatabaseUnavailable, StorageFull
from encore.database.sqlite import SqliteDatabase
from tests.faults.sqlite_requests import ROLLS_BACK, DiskSpace, Request, RequestSender, create_file
from tests.fixtures.in_process import sqlite_with
from tests.fixtures.library import Api

if TYPE_CHECKING:
    import httpx

SIZES = st.sampled_from([1, 100, 3_000, 20_000, 200_000, ROLLS_BACK])
REQUESTS = st.builds(
    Request,
    sizes=st.lists(SIZES, min_size=1, max_size=4).map(tuple),
    method=st.sampled_from(["statements", "statements", "orm", "bulk"]),
    ignores_errors=st.booleans(),
    raises=st.sampled_from([False, False, False, True]),
    cancelled=st.none() | st.integers(0, 30),
)
ROUNDS = st.lists(
    st.tuples(st.none() | st.integers(0, 60), st.lists(REQUESTS, min_size=1, max_size=8)),
    min_size=1,
    max_size=4,
)


async def run_rounds(path: Path, rounds: list[tuple[int | None, list[Request]]]) -> RequestSender:
    """Send the requests of each round concurrently with its free space; verify after each."""
    database = SqliteDatabase(path)
    await database.open()
    sender, space = RequestSender(database), DiskSpace(database)
    await sender.send([Request([1])])  # The first run of a statement is in a thread.
    try:
        async with database.bulk():  # Opens its connection, which has a separate limit.
            pass
        for pages, round_ in rounds:
            space.leave(pages)
            await sender.send(round_)
            sender.model.verify(path)
        space.leave(None)
        before = len(sender.model.acknowledged)
        await sender.send([Request([10])])
        assert len(sender.model.acknowledged) == before + 1, sender.model.errors[-1:]
        sender.model.verify(path)
    finally:
        await database.close()
    return sender


@given(ROUNDS)
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_full_disk_keeps_acknowledged_and_drops_rejected_writes(
    rounds: list[tuple[int | None, list[Request]]],
) -> None:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "full.sqlite")
        create_file(path)
        asyncio.run(run_rounds(path, rounds))


@pytest.mark.parametrize("method", ["statements", "orm"])
def test_full_disk_rejects_the_whole_commit_group(tmp_path: Path, method: str) -> None:
    path = tmp_path / "full.sqlite"
    create_file(path)
    group = [Request([size], method=method) for size in (100, 200_000, 100, 100)]
    sender = asyncio.run(run_rounds(path, [(20, group)]))
    assert {2, 3} <= sender.model.rejected
    errors = [error for error in sender.model.errors if isinstance(error, DatabaseUnavailable)]
    assert len(errors) == len(sender.model.errors)
    assert {error.code for error in errors} == {"SQLITE_FULL"}
    assert any(isinstance(error, StorageFull) for error in errors)


class DocumentBase(DeclarativeBase):
    pass


class Document(DocumentBase):
    __tablename__ = "documents"
    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str] = mapped_column(Text)


def test_requests_on_a_full_disk_are_201_or_503_and_later_ones_succeed(tmp_path: Path) -> None:
    api = Api(sqlite_with(DocumentBase.metadata, tmp_path))
    api.crud.resource(Document)
    database = api.database._inner
    assert isinstance(database, SqliteDatabase)
    acknowledged: dict[int, str] = {}
    responses: list[httpx.Response] = []

    async def post(size: int) -> None:
        response = await api.call("POST", "/documents", json={"text": "x" * size})
        responses.append(response)
        if response.status_code == 201:
            acknowledged[response.json()["id"]] = response.json()["text"]

    async def post_many() -> None:
        await asyncio.gather(*(post(size) for size in [10, 150_000, 10, 3_000, 10, 9_000] * 5))

    space = DiskSpace(database)
    api.run(post(1))
    space.leave(30)
    with capture_logs() as log:
        api.run(post_many())
    assert {response.status_code for response in responses} == {201, 503}
    rejected = [response for response in responses if response.status_code == 503]
    assert {response.headers["retry-after"] for response in rejected} == {"1"}
    assert "The database has no space left" in {response.json()["message"] for response in rejected}
    assert {line["code"] for line in log} == {"SQLITE_FULL"}
    assert {row["id"]: row["text"] for row in api.rows(Document)} == acknowledged
    space.leave(None)
    responses.clear()
    api.run(post_many())
    assert {response.status_code for response in responses} == {201}
    assert {row["id"]: row["text"] for row in api.rows(Document)} == acknowledged
    api.close()
