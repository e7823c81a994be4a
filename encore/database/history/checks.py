"""Checks at start-up that a history table exists, and that the triggers fill it as declared."""

import re
from collections.abc import AsyncIterator
from itertools import dropwhile
from typing import Any, Final

from sqlalchemy import Dialect, String, Table, select, text

from encore.database.errors import InvalidStatement
from encore.database.history import postgresql, sqlite
from encore.database.history.recorded_table import (
    AUTHORS,
    TRIGGER,
    TRUNCATE_TRIGGER,
    RecordedTable,
    quoted,
)
from encore.database.protocol import Connection
from encore.database.statement import Statement, param

_SQLITE_TRIGGERS: Final = (
    "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = :__slot_0"
    " ORDER BY rowid"
)
_SQLITE_AUTHORS: Final = "SELECT name FROM sqlite_master WHERE name = :__slot_0"
_POSTGRES: Final = """
SELECT p.prosrc FROM pg_trigger AS t JOIN pg_proc AS p ON p.oid = t.tgfoid
WHERE t.tgname = :__slot_0 AND t.tgrelid = to_regclass(:__slot_1) AND t.tgenabled IN ('O', 'A')
"""
_POLICIES: Final = "SELECT row_security_active(:__slot_0) AND NOT row_security_active(:__slot_1)"


async def find_problem(
    connection: Connection, dialect: Dialect, recorded: RecordedTable, history: Table
) -> str | None:
    """Return why a table is not recorded as declared, and what to do; None if it is.

    Args:
        connection: A connection for reading.
        dialect: The dialect to compile for.
        recorded: What is recorded.
        history: The history table.
    """
    try:
        await connection.fetch_all(Statement(select(*history.c).limit(0), dialect), ())
    except InvalidStatement:
        return (
            f"the table {recorded.name} is missing or lacks a column;"
            " create a migration: alembic revision --autogenerate"
        )
    if dialect.name == "sqlite":
        problems = _sqlite_problems(connection, dialect, recorded)
    elif await _is_unprotected(connection, dialect, recorded):
        return (
            f"{recorded.table} has row security, but {recorded.name} has none: it would show past"
            " rows that policies hide; enable row security there, with policies"
        )
    else:
        problems = _postgres_problems(connection, dialect, recorded)
    async for problem in problems:
        return f"{problem}; add to a migration: {recorded.migration}"
    return None


async def _is_unprotected(
    connection: Connection, dialect: Dialect, recorded: RecordedTable
) -> bool:
    """Return whether policies hide rows of the table, but not their past versions."""
    tables = (quoted(recorded.table), quoted(recorded.name))
    ((is_unprotected,),) = await _fetch(connection, dialect, _POLICIES, *tables)
    return bool(is_unprotected)


async def _sqlite_problems(
    connection: Connection, dialect: Dialect, recorded: RecordedTable
) -> AsyncIterator[str]:
    stored = dict(await _fetch(connection, dialect, _SQLITE_TRIGGERS, recorded.table))
    definitions = sqlite.definitions(recorded)
    for name, sql in definitions.items():
        if name not in stored:
            yield f"the trigger {name} is missing, so changes are not recorded"
        elif stored[name] != sql:
            yield f"the trigger {name} does not record what the model declares"
    if not await _fetch(connection, dialect, _SQLITE_AUTHORS, AUTHORS):
        yield f"the table {AUTHORS} is missing"
    # The trigger that was created last runs first.
    changes_rows = re.compile(
        rf"\bUPDATE\b.*\b{re.escape(recorded.table)}\b", re.IGNORECASE | re.DOTALL
    )
    later = dropwhile(lambda name: name not in definitions, stored)
    for name in later:
        if name not in definitions and changes_rows.search(stored[name].partition("BEGIN")[2]):
            yield f"the trigger {name}, which may change the same rows, runs before the history's"


async def _postgres_problems(
    connection: Connection, dialect: Dialect, recorded: RecordedTable
) -> AsyncIterator[str]:
    for trigger in (TRIGGER, TRUNCATE_TRIGGER):
        found = await _fetch(connection, dialect, _POSTGRES, trigger, quoted(recorded.table))
        if not found:
            yield f"the trigger {trigger} is missing or disabled, so changes are not recorded"
        elif found[0][0] != postgresql.body(recorded):
            yield f"the function {recorded.function} does not record what the model declares"


async def _fetch(connection: Connection, dialect: Dialect, sql: str, *values: str) -> list[Any]:
    params = [param(index, String()) for index, _ in enumerate(values)]
    statement = Statement(text(sql).bindparams(*params), dialect)
    return [tuple(row) for row in await connection.fetch_all(statement, values)]
