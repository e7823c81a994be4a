"""``history_table``: declares the history table of a model."""

from collections.abc import Iterable
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    event,
    text,
)

from encore.database.history.migration import created_with, dropped_with
from encore.database.history.recorded_table import (
    AUTHOR_COLUMNS,
    BEGINNINGS,
    EXISTS,
    OPERATION,
    RECORDED_AT,
    SEQUENCE,
    RecordedTable,
)
from encore.types import UtcDateTime

_INFO: Final = "encore.history"


def history_table(model: Any, *, exclude: Iterable[str] = ()) -> Table:
    """Declare the history table of a model, in the model's metadata.

    It has the model's columns, all of them nullable, and those of an entry. Autogenerate and
    ``create_all`` create it; in a migration, ``create_history`` adds the triggers that fill it.

    Args:
        model: The mapped class, or its ``Table``.
        exclude: The names of columns that are not recorded, such as those of secrets.

    Raises:
        TypeError: The model is not stored in one table.
        ValueError: The table has no primary key, is in a schema, or an excluded column is missing
            or part of the key.
    """
    table = getattr(model, "__table__", model)
    if not isinstance(table, Table):
        raise TypeError("must be a mapped class with a table, or a Table")
    if table.schema is not None:
        raise ValueError(f"{table.fullname}: a table in a schema cannot have a history")
    excluded = tuple(exclude)
    for name in excluded:
        if name not in {column.name for column in table.columns}:
            raise ValueError(f"exclude: {name!r} is not a column of {table.name}")
        if name in {column.name for column in table.primary_key}:
            raise ValueError(f"exclude: {name!r} is part of the key of {table.name}")
    recorded = RecordedTable(
        table.name,
        tuple(str(column.name) for column in table.primary_key),
        tuple(str(c.name) for c in table.columns if c.name not in excluded),
        excluded,
    )
    if _INFO in table.info:
        raise ValueError(f"{table.name} has a history table already")
    history = _declare(table, recorded)
    table.info[_INFO] = (recorded, history)
    _follow(table.metadata, table, history, recorded)
    return history


def recorded_table_of(table: Any) -> tuple[RecordedTable, Table] | None:
    """Return what is recorded of a table, and its history table; None without a history."""
    info = getattr(table, "info", None) or {}
    found: tuple[RecordedTable, Table] | None = info.get(_INFO)
    return found


def _declare(table: Table, recorded: RecordedTable) -> Table:
    stored = [table.columns[c.key] for c in table.columns if c.name in recorded.columns]
    operation = Column(OPERATION, String(16), nullable=False)
    recorded_at = Column(RECORDED_AT, UtcDateTime, nullable=False)
    sequence: Column[Any] = Column(
        SEQUENCE, BigInteger().with_variant(Integer, "sqlite"), primary_key=True
    )
    history = Table(
        recorded.name,
        table.metadata,
        sequence,
        operation,
        recorded_at,
        Column(EXISTS, Boolean, nullable=False),
        *(Column(name, String) for name in AUTHOR_COLUMNS),
        *(Column(column.name, column.type, nullable=True) for column in stored),
    )
    key = [history.c[name] for name in recorded.key]
    # The versions of a row in their order, and each one's next.
    Index(f"ix_{recorded.name}_key", *key, sequence, recorded_at)
    beginnings = text(BEGINNINGS)
    Index(
        f"ix_{recorded.name}_beginnings",
        operation,
        recorded_at,
        sqlite_where=beginnings,
        postgresql_where=beginnings,
    )
    return history


def _follow(metadata: MetaData, table: Table, history: Table, recorded: RecordedTable) -> None:
    """Have ``create_all`` create the triggers, and ``drop_all`` drop the function."""

    def create(_: MetaData, connection: Any, tables: Iterable[Table] = (), **__: Any) -> None:
        if {table, history} & {*tables}:
            created_with(connection, recorded)

    def drop(_: MetaData, connection: Any, tables: Iterable[Table] = (), **__: Any) -> None:
        if history in tables:
            dropped_with(connection, recorded)

    event.listen(metadata, "after_create", create)
    event.listen(metadata, "after_drop", drop)
