"""The writer's transaction statements fail, or SQLite exhausts memory or file size."""

import asyncio
import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from encore.database.sqlite import SqliteDatabase
from tests.faults.sqlite_requests import Request, RequestSender, create_file
from tests.fixtures.system import ROOT

Action = tuple[int, str]
BEGIN: Action = (sqlite3.SQLITE_TRANSACTION, "BEGIN")
COMMIT: Action = (sqlite3.SQLITE_TRANSACTION, "COMMIT")
ROLLBACK: Action = (sqlite3.SQLITE_TRANSACTION, "ROLLBACK")
SAVEPOINT: Action = (sqlite3.SQLITE_SAVEPOINT, "BEGIN")
RELEASE: Action = (sqlite3.SQLITE_SAVEPOINT, "RELEASE")
ROLLBACK_TO: Action = (sqlite3.SQLITE_SAVEPOINT, "ROLLBACK")
GROUP = [Request([1, 2]), Request([1], raises=True), Request([3], method="orm"), Request([4])]


def deny(database: SqliteDatabase, *actions: Action) -> None:
    """Make SQLite deny these statements of the writer."""
    assert database._writer is not None

    def authorize(action: int, operation: str | None, *_: str | None) -> int:
        denied = (action, operation or "") in actions
        return sqlite3.SQLITE_DENY if denied else sqlite3.SQLITE_OK

    database._writer._driver.set_authorizer(authorize)


@pytest.mark.parametrize(
    "denied",
    [(BEGIN,), (SAVEPOINT,), (RELEASE,), (ROLLBACK_TO,), (COMMIT,), (ROLLBACK, RELEASE)],
    ids=["begin", "savepoint", "release", "rollback-to", "commit", "release-and-rollback"],
)
def test_group_with_a_failing_statement_is_rejected_and_the_next_is_written(
    tmp_path: Path, denied: tuple[Action, ...]
) -> None:
    path = tmp_path / "denied.sqlite"
    create_file(path)

    async def scenario() -> None:
        database = SqliteDatabase(path)
        await database.open()
        sender = RequestSender(database)
        await sender.send([Request([1]), Request([1], method="orm")])
        deny(database, *denied)
        for _ in range(2):
            await sender.send(GROUP)
            sender.model.verify(path)
        deny(database)
        await sender.send(GROUP)
        # After one that cannot be rolled back, others start a new group.
        in_next_group = {5, 6, 9, 10} if denied == (ROLLBACK_TO,) else set()
        assert sender.model.acknowledged.keys() == {1, 2, 11, 13, 14} | in_next_group
        sender.model.verify(path)
        await database.close()

    asyncio.run(scenario())


def test_transaction_that_cannot_be_rolled_back_blocks_later_requests(tmp_path: Path) -> None:
    path = tmp_path / "stuck.sqlite"
    create_file(path)

    async def scenario() -> None:
        database = SqliteDatabase(path)
        await database.open()
        sender = RequestSender(database)
        await sender.send([Request([1])])
        deny(database, COMMIT, ROLLBACK)
        await sender.send([Request([1])])
        deny(database, ROLLBACK)
        await sender.send(GROUP)
        assert list(sender.model.acknowledged) == [1]
        deny(database)
        await sender.send(GROUP)
        assert len(sender.model.acknowledged) == 4
        sender.model.verify(path)
        await database.close()

    asyncio.run(scenario())


@pytest.mark.processes
@pytest.mark.parametrize(
    ("limit", "code"), [("memory", "SQLITE_NOMEM"), ("file-size", "SQLITE_IOERR_WRITE")]
)
def test_exhausted_memory_or_file_size_rejects_with_its_code(
    tmp_path: Path, limit: str, code: str
) -> None:
    arguments = (sys.executable, "-m", "tests.faults.sqlite_exhausted", limit)
    run = subprocess.run(
        [*arguments, str(tmp_path / "exhausted.sqlite")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout) == [code]
