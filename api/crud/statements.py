"""The statements of one resource, each shape built by SQLAlchemy and compiled once.

A shape is everything about a statement but its values: which columns are written, which conditions
filter, in which order rows come. Shapes are kept in bounded caches, since callers choose them.
"""

from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from itertools import count
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Dialect, Select, delete, insert, select, update
from sqlalchemy import func as sql
from sqlalchemy.types import TypeEngine

from api.crud.criteria import Shape
from api.crud.fields import Field, Fields
from db.statement import Statement, slot

_KEPT_SHAPES = 512

NextSlot = Callable[[TypeEngine[Any]], Any]


def _slots() -> NextSlot:
    """Make the function that gives the next slot of a statement, for a value of this type."""
    numbers: Iterator[int] = count()
    return lambda kind: slot(next(numbers), kind)


class Statements:
    """Builds and keeps what the actions of one resource run.

    Args:
        fields: The resource's fields; every statement that gives rows gives them in this order.
        key: The fields that the path names, in its order.
        dialect: What to compile for.
    """

    def __init__(self, fields: Fields, key: tuple[Field, ...], dialect: Dialect) -> None:
        self._columns = [field.column for field in fields]
        self._table = self._columns[0].table
        self._key = key
        self._compile = partial(Statement, dialect=dialect)
        kept = lru_cache(_KEPT_SHAPES)
        self.insert = kept(self._insert)
        self.update = kept(self._update)
        self.page = kept(self._page)
        self.count = kept(self._count)
        self.read = self._compile(select(*self._columns).where(*self._of_key(_slots())))
        self.delete = self._compile(
            delete(self._table).where(*self._of_key(_slots())).returning(*self._columns)
        )

    def _of_key(self, next_slot: NextSlot) -> list[ColumnElement[bool]]:
        return [field.column == next_slot(field.column.type) for field in self._key]

    def _insert(self, written: tuple[Field, ...]) -> Statement:
        """Values: one per written field. Gives the row."""
        next_slot = _slots()
        values = {field.column: next_slot(field.column.type) for field in written}
        return self._compile(insert(self._table).values(values).returning(*self._columns))

    def _update(self, written: tuple[Field, ...]) -> Statement:
        """Values: one per written field, then the key's. Gives the row."""
        next_slot = _slots()
        values = {field.column: next_slot(field.column.type) for field in written}
        return self._compile(
            update(self._table)
            .values(values)
            .where(*self._of_key(next_slot))
            .returning(*self._columns)
        )

    def _page(self, shape: Shape) -> Statement:
        """Values: the shape's, then limit and offset. Gives a page of rows."""
        next_slot = _slots()
        rows = self._filtered(select(*self._columns), shape, next_slot)
        order = [term.clause() for term in shape.order]
        limit, offset = next_slot(BigInteger()), next_slot(BigInteger())
        return self._compile(rows.order_by(*order).limit(limit).offset(offset))

    def _count(self, shape: Shape) -> Statement:
        """Values: the shape's. Gives one number."""
        total = select(sql.count()).select_from(self._table)
        return self._compile(self._filtered(total, shape, _slots()))

    @staticmethod
    def _filtered(rows: Select[Any], shape: Shape, next_slot: NextSlot) -> Select[Any]:
        return rows.where(*(condition.clause(next_slot) for condition in shape.conditions))
