"""Checks at start-up that a search index exists and covers the searched columns."""

from collections.abc import AsyncIterator
from typing import Any, Final

from sqlalchemy import Dialect, String, text

from encore.database.capabilities import capabilities_of
from encore.database.protocol import Connection
from encore.database.search_index.index import SearchIndex
from encore.database.search_index.postgresql import qualified
from encore.database.search_index.sqlite import definitions
from encore.database.statement import Row, Statement, param

_RECREATE: Final = "recreate it in a migration: drop_search_index, then create_search_index"
_FTS5: Final = "SELECT name FROM pragma_module_list WHERE name = 'fts5'"
_SQLITE_PARTS: Final = (
    "SELECT name, sql FROM sqlite_master WHERE tbl_name IN (:__slot_0, :__slot_1)"
)
_SQLITE_COLUMNS: Final = "SELECT name, type, pk FROM pragma_table_info(:__slot_0)"
_SQLITE_KEYS: Final = "SELECT name FROM pragma_index_list(:__slot_0) WHERE origin = 'pk'"
_EXTENSION: Final = "SELECT 1 FROM pg_available_extensions WHERE name = 'pg_trgm'"
_ENCODING: Final = "SELECT current_setting('server_encoding')"
_POSTGRES: Final = """
SELECT i.indisvalid AND i.indisready AND i.indpred IS NULL AND i.indnatts = (
         SELECT count(*) FROM unnest(i.indclass) AS o (id) JOIN pg_opclass ON oid = o.id
         WHERE opcname = 'gin_trgm_ops')
       AND EXISTS (SELECT FROM pg_depend JOIN pg_proc AS p ON p.oid = refobjid
         WHERE objid = i.indexrelid AND refclassid = 'pg_proc'::regclass
           AND proname = 'encore_fold'),
       ARRAY(SELECT attname::text FROM pg_depend JOIN pg_attribute
               ON attrelid = refobjid AND attnum = refobjsubid
             WHERE classid = 'pg_class'::regclass AND objid = i.indexrelid
               AND refobjid = i.indrelid)
FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
WHERE c.relname = :__slot_0 AND i.indrelid = to_regclass(:__slot_1)
"""


async def find_problem(connection: Connection, dialect: Dialect, index: SearchIndex) -> str | None:
    """Return why a search in these columns cannot use the table's index, and what to do.

    Args:
        connection: A connection for reading.
        dialect: The dialect to compile for.
        index: The columns that are searched; the index may cover more.

    Returns:
        None if the index can be used.
    """
    has_tables = capabilities_of(dialect).search_index_tables
    find = _sqlite_problems if has_tables else _postgres_problems
    async for problem in find(_TextQueries(connection, dialect), index):
        return problem
    return None


class _TextQueries:
    """Runs queries that are written as SQL text."""

    def __init__(self, connection: Connection, dialect: Dialect) -> None:
        self._connection = connection
        self._dialect = dialect

    async def __call__(self, sql: str, *values: str) -> list[Row]:
        params = [param(index, String()) for index, _ in enumerate(values)]
        statement = Statement(text(sql).bindparams(*params), self._dialect)
        return await self._connection.fetch_all(statement, values)


async def _sqlite_problems(query: _TextQueries, index: SearchIndex) -> AsyncIterator[str]:
    if not await query(_FTS5):
        yield "this SQLite is built without FTS5"
    columns: list[Any] = [tuple(row) for row in await query(_SQLITE_COLUMNS, index.table)]
    keys = [type_.upper() for _, type_, part in columns if part]
    if keys != ["INTEGER"] or await query(_SQLITE_KEYS, index.table):
        yield f"on SQLite the table {index.table} must have one INTEGER as its primary key"
    stored = {row[0]: row[1] for row in await query(_SQLITE_PARTS, index.table, index.name)}
    if index.name not in stored:
        yield _missing(index)
        return
    covered = [row[0] for row in await query(_SQLITE_COLUMNS, index.name)]
    for problem in _uncovered(index, covered):
        yield problem
    expected = definitions(SearchIndex(index.table, tuple(covered)))
    for name, sql in expected.items():
        if name not in stored:
            yield f"{name} is missing, so the index may be out of date; {_RECREATE}"
        elif stored[name] != sql:
            yield f"{name} is not what create_search_index creates; {_RECREATE}"


async def _postgres_problems(query: _TextQueries, index: SearchIndex) -> AsyncIterator[str]:
    if not await query(_EXTENSION):
        yield "this PostgreSQL lacks the extension pg_trgm; install it (contrib)"
    if (await query(_ENCODING))[0][0] != "UTF8":
        yield "the encoding of the database must be UTF8"
    found = await query(_POSTGRES, index.name, qualified(index.table, index.schema))
    if not found:
        yield _missing(index)
        return
    is_usable, covered = found[0]
    for problem in _uncovered(index, covered):
        yield problem
    if not is_usable:
        yield f"{index.name} is invalid or not what create_search_index creates; {_RECREATE}"


def _missing(index: SearchIndex) -> str:
    columns = ", ".join(repr(column) for column in index.columns)
    return (
        f"the table {index.table} has no search index; create it in a migration:"
        f" create_search_index(op, {index.table!r}, [{columns}])"
    )


def _uncovered(index: SearchIndex, covered: list[str]) -> list[str]:
    lacking = ", ".join(column for column in index.columns if column not in covered)
    return [f"{index.name} does not cover {lacking}; {_RECREATE}"] if lacking else []
