"""The triggers of a SQLite table that fill its history table.

The author of the transaction is in a table of one row, which the service writes when the
transaction begins and deletes before it commits: so no other writer ever sees it. The triggers call
nothing that other programs lack, so that consoles and migrations are recorded too, without author.

``INSERT OR REPLACE`` fires no trigger for a row that it removes (``PRAGMA recursive_triggers`` is
off); the row that replaces it is recorded.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from encore.database.history.recorded_table import (
    AUTHOR_COLUMNS,
    AUTHORS,
    BASELINE,
    CREATE,
    DELETE,
    EXISTS,
    OPERATION,
    RECORDED_AT,
    SEQUENCE,
    UPDATE,
    RecordedTable,
    listed,
    quoted,
)

NOW: Final = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"
_EVENTS: Final = ("insert", "update", "rekey", "delete")
_AUTHOR: Final = f"FROM (SELECT 1) LEFT JOIN {quoted(AUTHORS)} AS author"

CREATE_AUTHORS: Final = (
    f"CREATE TABLE IF NOT EXISTS {quoted(AUTHORS)} ({quoted(RECORDED_AT)} TEXT,"
    f" {', '.join(f'{quoted(name)} TEXT' for name in AUTHOR_COLUMNS)})"
)
SET_AUTHOR: Final = f"INSERT INTO {quoted(AUTHORS)} VALUES (?, ?, ?, ?, ?)"  # noqa: S608 - names
FORGET_AUTHOR: Final = f"DELETE FROM {quoted(AUTHORS)}"  # noqa: S608 - a name


def statements_to_prepare(recorded: RecordedTable) -> Iterator[str]:
    """Yield the SQL that drops the triggers, and creates what new ones need."""
    yield from statements_to_drop(recorded.table)
    yield CREATE_AUTHORS


def statements_to_drop(table: str) -> Iterator[str]:
    """Yield the SQL that drops the triggers."""
    for event in _EVENTS:
        yield f"DROP TRIGGER IF EXISTS {quoted(f'{table}_history_{event}')}"


def definitions(recorded: RecordedTable) -> dict[str, str]:
    """Return the SQL definitions of the triggers, by name.

    SQLite stores them verbatim and the service compares them at start-up.
    """
    table = quoted(recorded.table)
    before, delete = _baseline(recorded), _entry(recorded, DELETE, "OLD.")
    create, update = _entry(recorded, CREATE, "NEW."), _entry(recorded, UPDATE, "NEW.")
    moved = _differs(recorded.key)
    differs = _differs((*recorded.columns, *recorded.exclude))
    bodies = (
        f"INSERT ON {table} BEGIN {create} END",
        f"UPDATE ON {table} WHEN NOT ({moved}) AND ({differs}) BEGIN {before} {update} END",
        f"UPDATE ON {table} WHEN {moved} BEGIN {before} {delete} {create} END",
        f"DELETE ON {table} BEGIN {before} {delete} END",
    )
    names = (f"{recorded.name}_{event}" for event in _EVENTS)
    return {
        name: f"CREATE TRIGGER {quoted(name)} AFTER {body}"
        for name, body in zip(names, bodies, strict=True)
    }


def image_differs(names: Sequence[str], one: str, other: str) -> str:
    """Return the condition that two rows differ in a column."""
    return " OR ".join(
        f"{one}.{quoted(name)} IS NOT {other}.{quoted(name)} COLLATE BINARY" for name in names
    )


def _differs(names: Sequence[str]) -> str:
    return image_differs(names, "OLD", "NEW")


def _entry(recorded: RecordedTable, operation: str, row: str) -> str:
    """Return the INSERT of an entry; it is never before the row's last one."""
    history, names = quoted(recorded.name), [OPERATION, RECORDED_AT, EXISTS, *AUTHOR_COLUMNS]
    same = " AND ".join(f"entry.{quoted(key)} = {row}{quoted(key)}" for key in recorded.key)
    last = (
        f"(SELECT entry.{quoted(RECORDED_AT)} FROM {history} AS entry WHERE {same}"  # noqa: S608 - names, quoted
        f" ORDER BY entry.{quoted(SEQUENCE)} DESC LIMIT 1)"
    )
    at = f"max(coalesce(author.{quoted(RECORDED_AT)}, {NOW}), coalesce({last}, ''))"
    exists = int(operation != DELETE)
    return (
        f"INSERT INTO {history} ({listed([*names, *recorded.columns])})"
        f" SELECT '{operation}', {at}, {exists}, {listed(AUTHOR_COLUMNS, 'author.')},"
        f" {listed(recorded.columns, row)} {_AUTHOR};"
    )


def _baseline(recorded: RecordedTable) -> str:
    """Return the INSERT of the former state of a row that has no entry yet."""
    history, names = quoted(recorded.name), [OPERATION, RECORDED_AT, EXISTS]
    same = " AND ".join(f"entry.{quoted(key)} = OLD.{quoted(key)}" for key in recorded.key)
    return (
        f"INSERT INTO {history} ({listed([*names, *recorded.columns])})"  # noqa: S608 - as above
        f" SELECT '{BASELINE}', coalesce(author.{quoted(RECORDED_AT)}, {NOW}), 1,"
        f" {listed(recorded.columns, 'OLD.')} {_AUTHOR}"
        f" WHERE NOT EXISTS (SELECT 1 FROM {history} AS entry WHERE {same});"
    )
