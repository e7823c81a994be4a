"""Group commit: writers share a transaction and notice nothing of one another."""

import asyncio
import sqlite3
import sys
from asyncio.subprocess import PIPE
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from encore.database.errors import (
    CheckViolation,
    DatabaseUnavailable,
    NotNullViolation,
    UniqueViolation,
)
from encore.database.protocol import Connection
from encore.database.sqlite import SqliteDatabase
from encore.database.statement import Statement, param
from tests.database.conftest import texts_in

NOTES = sa.table("notes", sa.column("id", sa.Integer), sa.column("text", sa.Text))
WRITERS = 50


def adding(database: SqliteDatabase) -> Statement:
    """Return the statement that adds a note."""
    values = {NOTES.c.text: param(0, sa.Text())}
    return Statement(sa.insert(NOTES).values(values).returning(NOTES.c.id), database.dialect)


async def add(database: SqliteDatabase, *texts: str | None, single: bool = False) -> None:
    """Add notes in one transaction."""
    statement = adding(database)
    async with database.writing(single=single) as connection:
        for text in texts:
            await connection.fetch_one(statement, (text,))


@pytest.mark.parametrize("single", [False, True])
def test_acknowledged_write_is_visible_to_others(
    database: SqliteDatabase, path: Path, *, single: bool
) -> None:
    async def write(number: int) -> None:
        await add(database, str(number), single=single)
        assert str(number) in texts_in(path)

    async def scenario() -> None:
        await database.open()
        await asyncio.gather(*(write(number) for number in range(WRITERS)))
        await database.close()

    asyncio.run(scenario())
    assert sorted(texts_in(path), key=int) == [str(number) for number in range(WRITERS)]


@pytest.mark.parametrize("single", [False, True])
def test_concurrent_writers_share_commits(database: SqliteDatabase, *, single: bool) -> None:
    seen: list[str] = []

    async def scenario() -> None:
        await database.open()
        assert database._writer is not None
        database._writer._driver.set_trace_callback(seen.append)
        await asyncio.gather(*(add(database, str(n), single=single) for n in range(WRITERS)))
        await database.close()

    asyncio.run(scenario())
    assert seen.count("COMMIT") == seen.count("BEGIN IMMEDIATE") < WRITERS / 5
    assert seen.count("SAVEPOINT one") == WRITERS


@pytest.mark.parametrize("single", [False, True])
def test_failed_writer_does_not_affect_its_group(
    database: SqliteDatabase, path: Path, *, single: bool
) -> None:
    refused = {10: ("taken", UniqueViolation), 20: ("forbidden", CheckViolation)}

    async def write(number: int) -> None:
        if number == 30:
            with pytest.raises(NotNullViolation):
                await add(database, None, single=single)
        elif number in refused:
            text, error = refused[number]
            with pytest.raises(error):
                await add(database, text, single=single)
        else:
            await add(database, str(number), single=single)

    async def scenario() -> None:
        await database.open()
        await add(database, "taken")
        await asyncio.gather(*(write(number) for number in range(WRITERS)))
        await database.close()

    asyncio.run(scenario())
    assert set(texts_in(path)) == {"taken", *map(str, range(WRITERS))} - {"10", "20", "30"}


def test_failed_transaction_is_rolled_back_as_a_whole(database: SqliteDatabase, path: Path) -> None:
    async def stop_halfway() -> None:
        async with database.writing() as connection:
            await connection.fetch_one(adding(database), ("half",))
            await asyncio.sleep(0)
            raise ZeroDivisionError

    async def scenario() -> None:
        await database.open()
        results = await asyncio.gather(
            add(database, "one", "two"),
            add(database, "three", "one"),
            stop_halfway(),
            add(database, "four"),
            return_exceptions=True,
        )
        assert [type(result) for result in results] == [
            type(None),
            UniqueViolation,
            ZeroDivisionError,
            type(None),
        ]
        await database.close()

    asyncio.run(scenario())
    assert texts_in(path) == ["one", "two", "four"]


def test_cancelled_writer_does_not_affect_others(database: SqliteDatabase, path: Path) -> None:
    async def scenario() -> None:
        await database.open()
        tasks = [asyncio.create_task(add(database, str(number))) for number in range(WRITERS)]
        await asyncio.sleep(0)
        for task in tasks[::5]:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        acknowledged = {str(n) for n, result in enumerate(results) if result is None}
        assert len(acknowledged) >= WRITERS * 4 // 5
        assert acknowledged <= set(texts_in(path))
        await add(database, "afterwards")
        await database.close()

    asyncio.run(scenario())
    assert texts_in(path)[-1] == "afterwards"


def test_failed_commit_fails_its_group_and_writer_goes_on(
    database: SqliteDatabase, path: Path
) -> None:
    # The foreign key is checked at the commit, for all of the group at once.
    orphan = Statement(
        sa.text("INSERT INTO notes (text, parent) VALUES ('orphan', 4711)"), database.dialect
    )

    async def add_orphan() -> None:
        async with database.writing() as connection:
            await connection.fetch_all(orphan, ())

    async def scenario() -> None:
        await database.open()
        results = await asyncio.gather(
            add(database, "a"), add_orphan(), add(database, "b"), return_exceptions=True
        )
        assert all(isinstance(result, DatabaseUnavailable) for result in results)
        assert texts_in(path) == []
        await add(database, "c")
        await database.close()

    asyncio.run(scenario())
    assert texts_in(path) == ["c"]


def test_transaction_reads_its_own_writes(database: SqliteDatabase) -> None:
    count = Statement(sa.select(sa.func.count()).select_from(NOTES), database.dialect)

    async def counted(connection: Connection) -> int:
        return await connection.fetch_count(count, ())

    async def scenario() -> None:
        await database.open()
        async with database.writing() as connection:
            assert await counted(connection) == 0
            await connection.fetch_one(adding(database), ("new",))
            assert await counted(connection) == 1
            async with database.reading() as reader:
                assert await counted(reader) == 0
        async with database.reading() as reader:
            assert await counted(reader) == 1
        await database.close()

    asyncio.run(scenario())


@pytest.mark.processes
def test_writer_waits_for_lock_of_another_process(database: SqliteDatabase, path: Path) -> None:
    holder_code = (
        "import sqlite3, sys\n"
        "file = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "file.execute('BEGIN IMMEDIATE')\n"
        "file.execute(\"INSERT INTO notes (text) VALUES ('theirs')\")\n"
        "print('locked', flush=True)\n"
        "sys.stdin.readline()\n"
        "file.execute('COMMIT')\n"
    )

    async def scenario() -> None:
        await database.open()
        holder = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", holder_code, str(path)), stdin=PIPE, stdout=PIPE
        )
        assert holder.stdin is not None
        assert holder.stdout is not None
        assert await holder.stdout.readline() == b"locked\n"
        writers = [asyncio.create_task(add(database, f"ours {n}")) for n in range(3)]
        for _ in range(100):
            await asyncio.sleep(0)
        assert not any(writer.done() for writer in writers)
        async with database.reading() as reader:  # Readers go on meanwhile.
            count = Statement(sa.select(sa.func.count()).select_from(NOTES), database.dialect)
            assert await reader.fetch_count(count, ()) == 0
        holder.stdin.write(b"go\n")
        await asyncio.gather(*writers)
        assert await holder.wait() == 0
        await database.close()

    asyncio.run(scenario())
    assert texts_in(path)[0] == "theirs"
    assert len(texts_in(path)) == 4


def test_writer_fails_if_lock_is_held_too_long_and_writes_later(
    database: SqliteDatabase, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("encore.database.sqlite.writer.BUSY_TIMEOUT_MS", 50)

    async def scenario() -> None:
        await database.open()
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            results = await asyncio.gather(
                *(add(database, str(number)) for number in range(3)), return_exceptions=True
            )
            assert all(isinstance(result, DatabaseUnavailable) for result in results)
        await add(database, "later")
        await database.close()

    asyncio.run(scenario())
    assert texts_in(path) == ["later"]


def test_slow_read_in_a_transaction_leaves_the_event_loop(database: SqliteDatabase) -> None:
    """It sees the transaction's own rows, and goes to a thread once it takes too long."""
    a, b, c = (NOTES.alias(name) for name in "abc")
    product = a.join(b, sa.true()).join(c, sa.true())
    count = sa.select(sa.func.count()).select_from(product)
    statement = Statement(count, database.dialect)
    statement.known = True  # As after reads of a smaller table.
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.001)
            ticks += 1

    async def scenario() -> list[int]:
        await database.open()
        ticking = asyncio.create_task(tick())
        async with database.writing() as connection:
            for number in range(150):
                await connection.fetch_one(adding(database), (str(number),))
            counts = [await connection.fetch_count(statement, ()) for _ in range(2)]
        ticking.cancel()
        await database.close()
        return counts

    assert asyncio.run(scenario()) == [150**3] * 2
    assert statement.is_heavy
    assert ticks > 2
