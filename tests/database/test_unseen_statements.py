"""New statements are compiled and prepared in a thread, never on the event loop."""

import asyncio
import threading
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.sql import ClauseElement

from encore.database.capabilities import SQLITE
from encore.database.expressions.text_search import like_any_case
from encore.database.factory import open_database
from encore.database.search_index import SearchIndex
from encore.database.search_index.conditions import holds_term
from encore.database.search_index.sqlite import statements_to_create
from encore.database.sqlite import SqliteDatabase
from encore.database.statement import Statement, param
from encore.sql.statement_cache import StatementCache
from tests.fixtures.workers import DATABASES

LONG_TEXT = sa.table("notes", sa.column("text", sa.Text))


def recorded(clause: ClauseElement, threads: list[int]) -> Callable[[], ClauseElement]:
    """Return a function that builds the clause and records the thread it was called in."""

    def build() -> ClauseElement:
        threads.append(threading.get_ident())
        return clause

    return build


@pytest.mark.parametrize("kind", DATABASES)
@pytest.mark.parametrize("method", ["fetch_all", "fetch_one", "fetch_count"])
@pytest.mark.parametrize("enter", ["reading", "writing"])
def test_statement_first_run_compiles_once_in_another_thread(
    kind: str, method: str, enter: str, database: SqliteDatabase, request: pytest.FixtureRequest
) -> None:
    opened = (
        open_database(request.getfixturevalue("postgres_url")) if kind == "postgresql" else database
    )
    threads: list[int] = []

    async def scenario() -> None:
        await opened.open()
        statement = Statement(recorded(sa.select(param(0, sa.Integer())), threads), opened.dialect)
        async with getattr(opened, enter)() as connection:
            for _ in range(3):
                await getattr(connection, method)(statement, (7,))
        await opened.close()

    asyncio.run(scenario())
    assert len(threads) == 1
    assert threads[0] != threading.get_ident()


def test_reader_prepares_known_statement_on_loop(database: SqliteDatabase) -> None:
    cases: tuple[tuple[str, ClauseElement, bool], ...] = (
        ("short", sa.select(LONG_TEXT), True),
        ("long SQL", sa.select(*(sa.literal_column(f"{n}") for n in range(1_900))), False),
    )

    async def scenario() -> None:
        await database.open()
        assert database._reader is not None
        on_loop: list[str] = []
        database._reader._quick.driver.set_trace_callback(on_loop.append)
        async with database.reading() as connection:
            for name, clause, expected in cases:
                statement = Statement(clause, database.dialect)
                for runs in range(3):
                    await connection.fetch_all(statement, ())
                    assert on_loop.count(statement.sql) == (runs if expected else 0), name
        await database.close()

    asyncio.run(scenario())


def test_reader_matches_long_pattern_against_unlimited_text_in_thread(
    database: SqliteDatabase,
) -> None:
    sought = like_any_case(LONG_TEXT.c.text, param(0, sa.String()))

    async def scenario() -> None:
        await database.open()
        assert database._reader is not None
        on_loop: list[str] = []
        database._reader._quick.driver.set_trace_callback(on_loop.append)
        statement = Statement(sa.select(LONG_TEXT).where(sought), database.dialect)
        async with database.reading() as connection:
            for pattern, expected in (("%a%", 0), ("%a%", 1), (f"%{'a' * 40}%", 1), ("%b%", 2)):
                await connection.fetch_all(statement, (pattern,))
                assert len(on_loop) == expected, pattern
        await database.close()

    asyncio.run(scenario())


def test_reused_statement_survives_any_number_of_new_ones() -> None:
    made: list[tuple[int, ...]] = []

    def make(*shape: int) -> Statement:
        made.append(shape)
        return Statement(lambda: sa.select(sa.literal(shape[0])), DefaultDialect())

    shapes = StatementCache(make, max_new=4, max_reused=4)
    hot = shapes(0)
    assert shapes(0) is hot
    for number in range(1, 1_000):
        shapes(number)
    assert shapes(0) is hot
    assert len(shapes) <= 8
    for number in range(1_000, 1_100):  # Even what is used twice goes before what is used on.
        shapes(number)
        shapes(number)
        assert shapes(0) is hot
    assert made.count((0,)) == 1


def test_reader_never_runs_indexed_search_on_loop(database: SqliteDatabase) -> None:
    index = SearchIndex("pages", ("text",))
    pages = sa.table("pages", sa.column("id", sa.Integer), sa.column("text", sa.Text))
    found = holds_term(index, pages.c.id, [pages.c.text], param(0, sa.String()), SQLITE)

    async def scenario() -> None:
        await database.open()
        assert database._reader is not None
        on_loop: list[str] = []
        database._reader._quick.driver.set_trace_callback(on_loop.append)
        statement = Statement(sa.select(pages).where(found), database.dialect)
        async with database.writing() as connection:
            for sql in (
                "CREATE TABLE pages (id INTEGER PRIMARY KEY, text TEXT)",
                *statements_to_create(index),
                "INSERT INTO pages (text) VALUES ('some text')",
            ):
                await connection.fetch_all(Statement(sa.text(sql), database.dialect), ())
        async with database.reading() as connection:
            for _ in range(4):
                assert await connection.fetch_all(statement, ('"some"',)) == [(1, "some text")]
        assert statement.sql not in on_loop
        await database.close()

    asyncio.run(scenario())
