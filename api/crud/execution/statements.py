"""The statements of one resource, each shape built by SQLAlchemy and compiled once.

A shape is everything about a statement but its values: which columns are written, which conditions
filter, in which order rows come. Shapes are kept in bounded caches, since callers choose them.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import count
from typing import Any, Final

from sqlalchemy import BigInteger, ColumnElement, Dialect, Select, delete, insert, select, update
from sqlalchemy import func as sql
from sqlalchemy.sql import ClauseElement

from api.crud.associations.links import LinkedTo
from api.crud.query.criteria import Condition, NextSlot, OrderTerm
from api.crud.views.fields import Field, Fields
from db.statement import Statement, slot

_KEPT_SHAPES: Final = 512

Conditions = tuple[Condition, ...]


def slots() -> NextSlot:
    """Make the function that gives the next slot of a statement, for a value of this type."""
    numbers = count()
    return lambda kind: slot(next(numbers), kind)


class Statements:
    """Builds and keeps what the actions of one resource run.

    Each method says which values its statement takes, in order. ``keep=False`` is for conditions
    that no later request will share.

    Args:
        fields: The resource's fields; every statement that gives rows gives them in this order.
        key: The fields that the path names, in its order.
        dialect: What to compile for.
        link: Narrows a nested resource to its parent's rows; its values come first.
    """

    def __init__(
        self,
        fields: Fields,
        key: Sequence[Field],
        dialect: Dialect,
        link: LinkedTo | None = None,
    ) -> None:
        self._columns = [field.column for field in fields]
        self._table = self._columns[0].table
        self._key = tuple(key)
        self._link = () if link is None else (link,)
        self._dialect = dialect
        self._kept = lru_cache(_KEPT_SHAPES)(self._compile)

    def insert(self, written: tuple[Field, ...]) -> Statement:
        """Values: one per written field. Gives the row."""
        return self._kept(self._insert, written)

    def advance(self, field: Field) -> Statement | None:
        """Have the database's numbering go on behind the highest id, where it does not by itself.

        PostgreSQL's sequences do not notice an id that a caller chose. No values.
        """
        if self._dialect.name != "postgresql":
            return None
        return self._kept(self._advance, field)

    def update(
        self, written: tuple[Field, ...], conditions: Conditions = (), *, keep: bool = True
    ) -> Statement:
        """Values: one per written field, the conditions', the key's. Gives the row."""
        return (self._kept if keep else self._compile)(self._update, written, conditions)

    def delete(self, conditions: Conditions = (), *, keep: bool = True) -> Statement:
        """Values: the conditions', the key's. Gives the row that was."""
        return (self._kept if keep else self._compile)(self._delete, conditions)

    def read(self, conditions: Conditions = (), *, keep: bool = True) -> Statement:
        """Values: the conditions', the link's, the key's. Gives the row."""
        return (self._kept if keep else self._compile)(self._read, conditions)

    def page(
        self, conditions: Conditions, order: tuple[OrderTerm, ...], *, keep: bool = True
    ) -> Statement:
        """Values: the link's, the conditions', then limit and offset. Gives a page of rows."""
        return (self._kept if keep else self._compile)(self._page, conditions, order)

    def count(self, conditions: Conditions, *, keep: bool = True) -> Statement:
        """Values: the link's, the conditions'. Gives one number."""
        return (self._kept if keep else self._compile)(self._count, conditions)

    def _compile(self, build: Callable[..., ClauseElement], *shape: Any) -> Statement:
        return Statement(build(*shape), self._dialect)

    def _insert(self, written: tuple[Field, ...]) -> ClauseElement:
        next_slot = slots()
        values = {field.column: next_slot(field.column.type) for field in written}
        return insert(self._table).values(values).returning(*self._columns)

    def _advance(self, field: Field) -> ClauseElement:
        table = self._dialect.identifier_preparer.format_table(self._table)
        sequence = sql.pg_get_serial_sequence(table, field.column.name)
        highest = select(sql.max(field.column)).scalar_subquery()
        return select(sql.setval(sequence, sql.greatest(highest, 1)))

    def _update(self, written: tuple[Field, ...], conditions: Conditions) -> ClauseElement:
        next_slot = slots()
        values = {field.column: next_slot(field.column.type) for field in written}
        return (
            update(self._table)
            .values(values)
            .where(*self._of_key(next_slot, conditions))
            .returning(*self._columns)
        )

    def _delete(self, conditions: Conditions) -> ClauseElement:
        where = self._of_key(slots(), conditions)
        return delete(self._table).where(*where).returning(*self._columns)

    def _read(self, conditions: Conditions) -> ClauseElement:
        return select(*self._columns).where(*self._of_key(slots(), conditions))

    def _page(self, conditions: Conditions, order: tuple[OrderTerm, ...]) -> ClauseElement:
        next_slot = slots()
        rows = self._filtered(select(*self._columns), conditions, next_slot)
        limit, offset = next_slot(BigInteger()), next_slot(BigInteger())
        return rows.order_by(*(term.clause() for term in order)).limit(limit).offset(offset)

    def _count(self, conditions: Conditions) -> ClauseElement:
        total = select(sql.count()).select_from(self._table)
        return self._filtered(total, conditions, slots())

    def _of_key(self, next_slot: NextSlot, conditions: Conditions) -> list[ColumnElement[bool]]:
        narrowed = [condition.clause(next_slot) for condition in (*conditions, *self._link)]
        return [*narrowed, *(f.column == next_slot(f.column.type) for f in self._key)]

    def _filtered(
        self, rows: Select[Any], conditions: Conditions, next_slot: NextSlot
    ) -> Select[Any]:
        return rows.where(*(one.clause(next_slot) for one in (*self._link, *conditions)))
