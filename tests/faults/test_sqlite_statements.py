"""The writer's own statements fail, or SQLite runs out of memory or of file size."""

import asyncio
import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from encore.database.sqlite import SqliteDatabase
from tests.faults.sqlite_requests import Request, Requests, create
from tests.fixtures.system import ROOT

Action = tuple[int, str]
BEGIN: Action = (sqlite3.SQLITE_TRANSACTION, "BEGIN")
COMMIT: Action = (sqlite3.SQLITE_TRANSACTION, "COMMIT")
ROLLBACK: Action = (sqlite3.SQLITE_TRANSACTION, "ROLLBACK")
SAVEPOINT: Action = (sqlite3.SQLITE_SAVEPOINT, "BEGIN")
RELEASE: Action = (sqlite3.SQLITE_SAVEPOINT, "RELEASE")
ROLLBACK_TO: Action = (sqlite3.SQLITE_SAVEPOINT, "ROLLBACK")
GROUP = [Request([1, 2]), Request([1], raises=True), Request([3], by="orm"), Request([4])]


def deny(database: SqliteDatabase, *actions: Action) -> None:
    """Have SQLite refuse these statements of the writer."""
    assert database._writer is not None

    def decide(action: int, first: str | None, *_: str | None) -> int:
        refused = (action, first or "") in actions
        return sqlite3.SQLITE_DENY if refused else sqlite3.SQLITE_OK

    database._writer._driver.set_authorizer(decide)


@pytest.mark.parametrize(
    "denied",
    [(BEGIN,), (SAVEPOINT,), (RELEASE,), (ROLLBACK_TO,), (COMMIT,), (ROLLBACK, RELEASE)],
    ids=["begin", "savepoint", "release", "rollback-to", "commit", "release-and-rollback"],
)
def test_group_whose_statement_fails_is_refused_as_a_whole_and_the_next_is_written(
    tmp_path: Path, denied: tuple[Action, ...]
) -> None:
    path = tmp_path / "denied.sqlite"
    create(path)

    async def scenario() -> None:
        database = SqliteDatabase(path)
        await database.open()
        requests = Requests(database)
        await requests.send([Request([1]), Request([1], by="orm")])
        deny(database, *denied)
        for _ in range(2):
            await requests.send(GROUP)
            requests.model.verify(path)
        deny(database)
        await requests.send(GROUP)
        # Behind one that cannot be undone, others begin a group of their own.
        behind = {5, 6, 9, 10} if denied == (ROLLBACK_TO,) else set()
        assert requests.model.acknowledged.keys() == {1, 2, 11, 13, 14} | behind
        requests.model.verify(path)
        await database.close()

    asyncio.run(scenario())


def test_transaction_that_cannot_be_undone_admits_nobody(tmp_path: Path) -> None:
    path = tmp_path / "stuck.sqlite"
    create(path)

    async def scenario() -> None:
        database = SqliteDatabase(path)
        await database.open()
        requests = Requests(database)
        await requests.send([Request([1])])
        deny(database, COMMIT, ROLLBACK)
        await requests.send([Request([1])])
        deny(database, ROLLBACK)
        await requests.send(GROUP)
        assert list(requests.model.acknowledged) == [1]
        deny(database)
        await requests.send(GROUP)
        assert len(requests.model.acknowledged) == 4
        requests.model.verify(path)
        await database.close()

    asyncio.run(scenario())


@pytest.mark.processes
@pytest.mark.parametrize(
    ("what", "code"), [("memory", "SQLITE_NOMEM"), ("file-size", "SQLITE_IOERR_WRITE")]
)
def test_process_short_of_memory_or_file_size_refuses_with_the_cause_and_recovers(
    tmp_path: Path, what: str, code: str
) -> None:
    arguments = (sys.executable, "-m", "tests.faults.sqlite_exhausted", what)
    run = subprocess.run(
        [*arguments, str(tmp_path / "exhausted.sqlite")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout) == [code]
