"""Creating and dropping the triggers of histories, in migrations and with ``create_all``."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Protocol

from sqlalchemy import Connection, Dialect, Executable, text

from encore.database.history import postgresql, sqlite
from encore.database.history.recorded_table import (
    AUTHORS,
    BASELINE,
    BEGAN,
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
from encore.database.search_index.migration import Operations


def create_history(
    op: Operations,
    table: str,
    *,
    key: Sequence[str],
    columns: Sequence[str],
    exclude: Sequence[str] = (),
) -> None:
    """Create the triggers that record the changes of a table, and record its rows.

    Needed after the history table was created, and again whenever columns were added, renamed or
    removed; SQLite also loses the triggers when Alembic's batch mode copies the table. Rows without
    an entry get a ``baseline``. What changed while there were no triggers is recorded with the time
    of the migration, without author.

    On SQLite other writers wait meanwhile, on PostgreSQL writers of this table.

    Args:
        op: ``alembic.op``.
        table: The table's name.
        key: The names of its primary key's columns.
        columns: The names of the columns to record, the key's included.
        exclude: The names of its other columns.

    Raises:
        ValueError: One of the databases could not record the table.
    """
    recorded = RecordedTable(table, tuple(key), tuple(columns), tuple(exclude))
    _run(op.execute, _statements_to_create(recorded, op.get_context().dialect))


def drop_history(op: Operations, table: str) -> None:
    """Drop the triggers that ``create_history`` has created; the history table stays."""
    _run(op.execute, _module_of(op.get_context().dialect).statements_to_drop(table))


def exclude_authors(name: str | None, type_: str, _: Any) -> bool:
    """Return whether autogenerate compares a table; for Alembic's ``include_name``.

    The table of authors is in no metadata, so autogenerate would drop it.
    """
    return not (type_ == "table" and name == AUTHORS)


def created_with(connection: Connection, recorded: RecordedTable) -> None:
    """Create the triggers of tables that ``create_all`` has created."""
    _run(connection.execute, _statements_to_create(recorded, connection.dialect))


def dropped_with(connection: Connection, recorded: RecordedTable) -> None:
    """Drop what remains after ``drop_all``."""
    _run(connection.execute, _module_of(connection.dialect).statements_to_drop(recorded.table))


class _Statements(Protocol):
    """The module of a database."""

    NOW: str

    def statements_to_prepare(self, recorded: RecordedTable, /) -> Iterator[str]: ...

    def statements_to_drop(self, table: str, /) -> Iterator[str]: ...

    def definitions(self, recorded: RecordedTable, /) -> dict[str, str]: ...

    def image_differs(self, names: Sequence[str], one: str, other: str, /) -> str: ...


def _module_of(dialect: Dialect) -> _Statements:
    modules: dict[str, _Statements] = {"sqlite": sqlite, "postgresql": postgresql}
    if dialect.name not in modules:
        raise ValueError(f"histories are unsupported on {dialect.name}")
    return modules[dialect.name]


def _statements_to_create(recorded: RecordedTable, dialect: Dialect) -> Iterator[str]:
    module = _module_of(dialect)
    yield from module.statements_to_prepare(recorded)
    yield from _synchronise(recorded, module)
    yield from module.definitions(recorded).values()


def _synchronise(recorded: RecordedTable, module: _Statements) -> Iterator[str]:
    """Yield the SQL that records what the rows are now, where the entries do not say so."""
    table, history = quoted(recorded.table), quoted(recorded.name)
    following = (
        f"{_same(recorded, 'later', 'entry')}"
        f" AND later.{quoted(SEQUENCE)} > entry.{quoted(SEQUENCE)}"
    )
    last = (
        f"(SELECT * FROM {history} AS entry WHERE entry.{quoted(recorded.key[0])} IS NOT NULL"  # noqa: S608 - names, quoted
        f" AND NOT EXISTS (SELECT 1 FROM {history} AS later WHERE {following}))"
    )
    exists = f"last.{quoted(EXISTS)}"
    differs = module.image_differs(recorded.columns, "last", "stored")
    joined = f"{table} AS stored JOIN {last} AS last ON {_same(recorded, 'stored', 'last')}"

    def entries(operation: str, row: str, source: str) -> str:
        names = [OPERATION, RECORDED_AT, EXISTS, *recorded.columns]
        at, known = module.NOW, "true" if operation != DELETE else "false"
        return (
            f"INSERT INTO {history} ({listed(names)})"  # noqa: S608 - as above
            f" SELECT '{operation}', {at}, {known}, {listed(recorded.columns, f'{row}.')}"
            f" FROM {source}"
        )

    gone = f"NOT EXISTS (SELECT 1 FROM {table} AS stored WHERE {_same(recorded, 'stored', 'last')})"  # noqa: S608 - as above
    unknown = (
        f"NOT EXISTS (SELECT 1 FROM {history} AS entry WHERE {_same(recorded, 'entry', 'stored')})"  # noqa: S608 - as above
    )
    # First: on SQLite each statement has its own time, and none of the others may be before it.
    yield (
        f"INSERT INTO {history} ({listed([OPERATION, RECORDED_AT, EXISTS])})"  # noqa: S608 - as above
        f" SELECT '{BEGAN}', {module.NOW}, false WHERE NOT EXISTS (SELECT 1 FROM {history}"
        f" WHERE {quoted(OPERATION)} = '{BEGAN}')"
    )
    yield entries(DELETE, "last", f"{last} AS last WHERE {exists} AND {gone}")
    yield entries(UPDATE, "stored", f"{joined} WHERE {exists} AND ({differs})")
    yield entries(CREATE, "stored", f"{joined} WHERE NOT {exists}")
    yield entries(BASELINE, "stored", f"{table} AS stored WHERE {unknown}")


def _same(recorded: RecordedTable, one: str, other: str) -> str:
    return " AND ".join(f"{one}.{quoted(key)} = {other}.{quoted(key)}" for key in recorded.key)


def _run(execute: Callable[[Executable], object], statements: Iterable[str]) -> None:
    for sql in statements:
        execute(text(sql.replace(":", r"\:")))
