"""The disk is full: what is acknowledged is in the file, what is refused is not, all is one answer.

``PRAGMA max_page_count`` stands for the disk. SQLite then fails with SQLITE_FULL, which rolls back
the whole transaction, that is a group of requests, rather than the statement or the savepoint.
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
from tests.faults.sqlite_requests import ROLLS_BACK, Request, Requests, Space, create
from tests.fixtures.in_process import sqlite_with
from tests.fixtures.library import Api

if TYPE_CHECKING:
    import httpx

SIZES = st.sampled_from([1, 100, 3_000, 20_000, 200_000, ROLLS_BACK])
REQUESTS = st.builds(
    Request,
    sizes=st.lists(SIZES, min_size=1, max_size=4).map(tuple),
    by=st.sampled_from(["statements", "statements", "orm", "bulk"]),
    swallows=st.booleans(),
    raises=st.sampled_from([False, False, False, True]),
    cancelled=st.none() | st.integers(0, 30),
)
ROUNDS = st.lists(
    st.tuples(st.none() | st.integers(0, 60), st.lists(REQUESTS, min_size=1, max_size=8)),
    min_size=1,
    max_size=4,
)


async def rounds_of(path: Path, rounds: list[tuple[int | None, list[Request]]]) -> Requests:
    """Send the requests of each round at once, with so much space left; verify after each."""
    database = SqliteDatabase(path)
    await database.open()
    requests, space = Requests(database), Space(database)
    await requests.send([Request([1])])  # The first run of a statement is in a thread.
    try:
        async with database.bulk():  # Opens its connection, which has a limit of its own.
            pass
        for pages, round_ in rounds:
            space.leave(pages)
            await requests.send(round_)
            requests.model.verify(path)
        space.leave(None)
        last = len(requests.model.acknowledged)
        await requests.send([Request([10])])
        assert len(requests.model.acknowledged) == last + 1, requests.model.errors[-1:]
        requests.model.verify(path)
    finally:
        await database.close()
    return requests


@given(ROUNDS)
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_acknowledged_writes_are_in_the_file_and_refused_ones_are_not(
    rounds: list[tuple[int | None, list[Request]]],
) -> None:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "full.sqlite")
        create(path)
        asyncio.run(rounds_of(path, rounds))


@pytest.mark.parametrize("by", ["statements", "orm"])
def test_a_full_disk_fails_the_whole_group_with_its_cause(tmp_path: Path, by: str) -> None:
    path = tmp_path / "full.sqlite"
    create(path)
    group = [Request([size], by=by) for size in (100, 200_000, 100, 100)]
    requests = asyncio.run(rounds_of(path, [(20, group)]))
    assert {2, 3} <= requests.model.refused
    causes = [error for error in requests.model.errors if isinstance(error, DatabaseUnavailable)]
    assert len(causes) == len(requests.model.errors)
    assert {error.code for error in causes} == {"SQLITE_FULL"}
    assert any(isinstance(error, StorageFull) for error in causes)


class ServedBase(DeclarativeBase):
    pass


class Document(ServedBase):
    __tablename__ = "documents"
    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str] = mapped_column(Text)


def test_requests_to_a_full_disk_are_201_or_503_and_the_service_recovers(tmp_path: Path) -> None:
    api = Api(sqlite_with(ServedBase.metadata, tmp_path))
    api.crud.resource(Document)
    database = api.database._inner
    assert isinstance(database, SqliteDatabase)
    acknowledged: dict[int, str] = {}
    answers: list[httpx.Response] = []

    async def post(size: int) -> None:
        answer = await api.call("POST", "/documents", json={"text": "x" * size})
        answers.append(answer)
        if answer.status_code == 201:
            acknowledged[answer.json()["id"]] = answer.json()["text"]

    async def post_many() -> None:
        await asyncio.gather(*(post(size) for size in [10, 150_000, 10, 3_000, 10, 9_000] * 5))

    space = Space(database)
    api.run(post(1))
    space.leave(30)
    with capture_logs() as logged:
        api.run(post_many())
    assert {answer.status_code for answer in answers} == {201, 503}
    refused = [answer for answer in answers if answer.status_code == 503]
    assert {answer.headers["retry-after"] for answer in refused} == {"1"}
    assert "The database has no space left" in {answer.json()["message"] for answer in refused}
    assert {line["code"] for line in logged} == {"SQLITE_FULL"}
    assert {row["id"]: row["text"] for row in api.rows(Document)} == acknowledged
    space.leave(None)
    answers.clear()
    api.run(post_many())
    assert {answer.status_code for answer in answers} == {201}
    assert {row["id"]: row["text"] for row in api.rows(Document)} == acknowledged
    api.close()
