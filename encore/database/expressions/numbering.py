"""Numbering rows: the highest id, the next one, and inserting ids that were taken beforehand.

SQLite numbers a row when it is inserted, behind the highest id. PostgreSQL takes numbers from a
sequence, also before the row is inserted; its sequences do not notice an id that a statement sets.
"""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Dialect,
    Insert,
    Integer,
    Select,
    String,
    Table,
    cast,
    column,
    func,
    select,
    table,
)
from sqlalchemy.dialects.postgresql import REGCLASS
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.schema import Sequence


def advance_sequence(key: Column[Any], dialect: Dialect) -> Select[Any]:
    """Return the SELECT that moves a key's sequence forward to the highest id, and never back."""
    return advance_sequence_to(key, select(func.max(key)).scalar_subquery(), dialect)


def advance_sequence_to(
    key: Column[Any], number: ColumnElement[Any], dialect: Dialect
) -> Select[Any]:
    """Return the SELECT that moves a key's sequence forward to a number, and never back."""
    if isinstance(key.default, Sequence):
        sequence: Any = dialect.identifier_preparer.format_sequence(key.default)
    else:
        sequence = _sequence_of(key, dialect)
    last = func.pg_sequence_last_value(cast(sequence, REGCLASS()))
    return select(func.setval(cast(sequence, REGCLASS()), func.greatest(last, number, 1)))


def next_number(key: Column[Any], dialect: Dialect) -> ColumnElement[Any]:
    """Return the next number of a key's sequence: the model's, or the column's own.

    Only for databases with ``identity_sequences``.
    """
    if isinstance(key.default, Sequence):
        return key.default.next_value()
    sequence = select(_sequence_of(key, dialect)).scalar_subquery()
    return func.nextval(cast(sequence, REGCLASS()))


def _sequence_of(key: Column[Any], dialect: Dialect) -> ColumnElement[Any]:
    table_name = dialect.identifier_preparer.format_table(key.table)
    return func.pg_get_serial_sequence(table_name, key.name)


def highest_numbers(key: Column[Any]) -> Iterator[Select[Any]]:
    """Yield SELECTs of which the largest result is the highest id that was ever assigned.

    For databases without ``identity_sequences``. A result may be missing.
    """
    yield select(func.coalesce(func.max(key), 0))
    if key.table.dialect_options["sqlite"]["autoincrement"]:
        assigned = table("sqlite_sequence", column("name", String), column("seq", Integer))
        yield select(assigned.c.seq).where(assigned.c.name == key.table.name)


class _InsertGenerated(Insert):
    """``INSERT ... OVERRIDING SYSTEM VALUE``, which SQLAlchemy has no construct for."""

    inherit_cache = False


def insert_generated(into: Table) -> Insert:
    """Return an INSERT that may set a key that is ``GENERATED ALWAYS AS IDENTITY``.

    It must be completed by ``from_select``.
    """
    return _InsertGenerated(into)


@compiles(_InsertGenerated, "postgresql")
def _on_postgresql(element: Insert, compiler: Any, **options: Any) -> str:
    sql: str = compiler.visit_insert(element, **options)
    columns, select_, rest = sql.partition(") SELECT ")
    return f"{columns}) OVERRIDING SYSTEM VALUE SELECT {rest}" if select_ else sql


@compiles(_InsertGenerated)
def _elsewhere(element: Insert, compiler: Any, **options: Any) -> str:
    sql: str = compiler.visit_insert(element, **options)
    return sql
