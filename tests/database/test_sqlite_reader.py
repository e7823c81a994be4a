"""Reading: what is slow leaves the event loop, what is endless is stopped, counts stay true."""

import asyncio
import sqlite3
import sys
import threading
from contextlib import closing
from pathlib import Path
from time import monotonic

import pytest
import sqlalchemy as sa

from encore.database.errors import (
    DatabaseError,
    DatabaseUnavailable,
    InvalidData,
    ReadOnly,
    StatementTimeout,
)
from encore.database.sqlite import SqliteDatabase
from encore.database.sqlite.dialect import SqliteDialect
from encore.database.sqlite.pragmas import connect
from encore.database.sqlite.timed_connection import TimedConnection
from encore.database.statement import Statement, param

COUNT = sa.text("SELECT count(*) FROM notes")
ONE = sa.text("SELECT 1")
NUMBERS = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n {}) SELECT max(x) FROM n"
LONG = sa.text(NUMBERS.format("LIMIT 1000000"))
ENDLESS = sa.text(NUMBERS.format(""))
ADD = "import sqlite3, sys; f = sqlite3.connect(sys.argv[1]); f.execute(sys.argv[2]); f.commit()"


def test_long_statement_runs_in_thread_and_does_not_block_loop(
    database: SqliteDatabase,
) -> None:
    async def scenario() -> None:
        await database.open()
        statement, short = (Statement(sql, database.dialect) for sql in (LONG, ONE))
        async with database.reading() as connection:
            assert await connection.fetch_all(short, ()) == [(1,)]
            assert short.slow_until == 0
            for _ in range(2):
                task = asyncio.create_task(connection.fetch_one(statement, ()))
                answered = 0
                while not task.done():
                    await asyncio.sleep(0)
                    await connection.fetch_all(short, ())
                    answered += 1
                assert await task == (1_000_000,)
                assert answered > 10
                assert statement.slow_until > 0
        await database.close()

    asyncio.run(scenario())


def test_statement_that_waited_for_threads_is_not_heavy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("encore.database.sqlite.timed_connection.HEAVY_S", 0.09)
    connection = TimedConnection(tmp_path / "encore.database.sqlite", 10.0)
    statement = Statement(sa.text(NUMBERS.format("LIMIT 100000")), SqliteDialect())
    done = threading.Event()
    begun = monotonic()

    def hog() -> None:
        while not done.is_set():
            pass

    usual = sys.getswitchinterval()
    other = threading.Thread(target=hog)
    sys.setswitchinterval(0.1)  # So long the hog keeps the interpreter from each look at the clock.
    try:
        other.start()
        assert connection.run(statement, ()) == [(100_000,)]
        assert monotonic() - begun > 0.1, "it has waited"
    finally:
        done.set()
        other.join()
        sys.setswitchinterval(usual)
    assert not statement.is_heavy
    connection.driver.close()


def test_endless_statement_is_stopped_and_reader_goes_on(
    database: SqliteDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("encore.database.sqlite.reader.STATEMENT_TIMEOUT_S", 0.1)

    async def scenario() -> None:
        await database.open()
        async with database.reading() as connection:
            for _ in range(2):
                with pytest.raises(StatementTimeout):
                    await connection.fetch_all(Statement(ENDLESS, database.dialect), ())
            assert await connection.fetch_all(Statement(ONE, database.dialect), ()) == [(1,)]
        await database.close()

    asyncio.run(scenario())


def test_time_limit_of_statement_does_not_stop_next_one(
    database: SqliteDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("encore.database.sqlite.reader.LOOP_BUDGET_S", 0.0)

    async def scenario() -> None:
        await database.open()
        statement = Statement(COUNT, database.dialect)
        async with database.reading() as connection:
            for _ in range(2):
                await connection.fetch_all(statement, ())
            long = sa.text(NUMBERS.format("LIMIT 10000"))
            assert await connection.orm(lambda session: session.scalar(long)) == 10_000
            for _ in range(2_000):  # PRAGMA data_version is a statement too.
                assert await connection.fetch_count(statement, ()) == 0
        await database.close()

    asyncio.run(scenario())


def test_count_with_unreadable_version_raises_database_error(
    database: SqliteDatabase,
) -> None:
    def deny_pragmas(action: int, *_: str | None) -> int:
        return sqlite3.SQLITE_DENY if action == sqlite3.SQLITE_PRAGMA else sqlite3.SQLITE_OK

    async def scenario() -> None:
        await database.open()
        assert database._reader is not None
        database._reader._quick.driver.set_authorizer(deny_pragmas)
        async with database.reading() as connection:
            with pytest.raises(DatabaseError):
                await connection.fetch_count(Statement(COUNT, database.dialect), ())
        await database.close()

    asyncio.run(scenario())


def test_reader_rejects_write(database: SqliteDatabase) -> None:
    async def scenario() -> None:
        await database.open()
        statement = Statement(sa.text("INSERT INTO notes (text) VALUES ('x')"), database.dialect)
        async with database.reading() as connection:
            with pytest.raises(ReadOnly):
                await connection.fetch_all(statement, ())
        await database.close()

    asyncio.run(scenario())


@pytest.mark.processes
def test_count_is_cached_until_write(database: SqliteDatabase, path: Path) -> None:
    run: list[str] = []

    async def scenario() -> None:
        await database.open()
        statement = Statement(COUNT, database.dialect)
        assert database._reader is not None
        reader = database._reader
        for timed in (reader._quick, *reader._first._connections):
            timed.driver.set_trace_callback(run.append)
        async with database.reading() as connection:
            for expected in range(3):
                for _ in range(3):
                    assert await connection.fetch_count(statement, ()) == expected
                assert run.count(statement.sql) == expected + 1
                sql = f"INSERT INTO notes (text) VALUES ('{expected}')"
                arguments = (sys.executable, "-c", ADD, str(path), sql)
                assert await (await asyncio.create_subprocess_exec(*arguments)).wait() == 0
            add = Statement(sa.text("INSERT INTO notes (text) VALUES ('own')"), database.dialect)
            async with database.writing() as writing:
                await writing.fetch_all(add, ())
            assert await connection.fetch_count(statement, ()) == 4
        await database.close()

    asyncio.run(scenario())


def test_counts_of_different_values_are_separate(database: SqliteDatabase, path: Path) -> None:
    with closing(sqlite3.connect(path)) as file:
        file.executemany("INSERT INTO notes (text) VALUES (?)", [("a",), ("b",), ("ab",)])
        file.commit()
    notes = sa.table("notes", sa.column("text", sa.Text))
    counted = sa.select(sa.func.count()).select_from(notes)
    statement = Statement(
        counted.where(notes.c.text.like(param(0, sa.Text()))), SqliteDatabase(path).dialect
    )

    async def scenario() -> None:
        await database.open()
        async with database.reading() as connection:
            for _ in range(2):
                for pattern, expected in (("a%", 2), ("b%", 1), ("%", 3), ("z", 0)):
                    assert await connection.fetch_count(statement, (pattern,)) == expected
        await database.close()

    asyncio.run(scenario())


@pytest.mark.parametrize("value", [2**63, "\ud800", object()])
def test_value_that_driver_cannot_bind_is_invalid_data(
    database: SqliteDatabase, value: object
) -> None:
    async def scenario() -> None:
        await database.open()
        statement = Statement(sa.select(param(0, sa.Integer())), database.dialect)
        async with database.reading() as connection:
            with pytest.raises(InvalidData):
                await connection.fetch_all(statement, (value,))
        await database.close()

    asyncio.run(scenario())


@pytest.mark.parametrize("who", ["reader", "writer", "tool"])
def test_every_connection_is_durable_and_enforces_foreign_keys(
    database: SqliteDatabase, path: Path, who: str
) -> None:
    expected = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}

    async def scenario() -> None:
        await database.open()
        assert database._reader is not None
        assert database._writer is not None
        connection = {
            "reader": database._reader._quick.driver,
            "writer": database._writer._driver,
            "tool": connect(path),
        }[who]
        for pragma, value in expected.items():
            assert connection.execute(f"PRAGMA {pragma}").fetchone() == (value,), pragma
        (timeout,) = connection.execute("PRAGMA busy_timeout").fetchone()
        assert timeout == (0 if who == "writer" else 5_000)  # The writer waits on the loop.
        (query_only,) = connection.execute("PRAGMA query_only").fetchone()
        assert bool(query_only) == (who == "reader")
        connection.close()

    asyncio.run(scenario())


@pytest.mark.parametrize("kind", ["directory", "words", "nowhere"])
def test_file_that_is_not_a_database_is_unavailable(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "it"
    if kind == "directory":
        path.mkdir()
    elif kind == "words":
        path.write_text("these are words and no database, however long they go on and on")
    else:
        path = tmp_path / "no such directory" / "it"
    with pytest.raises(DatabaseUnavailable):
        asyncio.run(SqliteDatabase(path).open())


def test_closed_database_is_unavailable(database: SqliteDatabase) -> None:
    for enter in (database.reading, database.writing):
        with pytest.raises(DatabaseUnavailable, match="not open"):
            enter()


def test_file_without_migrations_has_no_revision(database: SqliteDatabase) -> None:
    async def scenario() -> str | None:
        await database.open()
        try:
            return await database.revision()
        finally:
            await database.close()

    assert asyncio.run(scenario()) is None
