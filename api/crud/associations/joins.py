"""Joins: the statements on what joins two rows, a link table or the related row's foreign key.

Each is compiled on first use and kept.
"""

from functools import cached_property
from typing import Any

from msgspec import UNSET
from sqlalchemy import Column, Dialect, and_, insert, inspect, select

from api.crud.associations.relations import Relation
from api.crud.views.fields import evaluate
from db.connection import Connection
from db.errors import NotWritten
from db.statement import Row, Statement, slot

Key = tuple[Any, ...]


class Joins:
    """What joins the rows of one relation."""

    def __init__(self, relation: Relation, dialect: Dialect) -> None:
        self._relation = relation
        self._dialect = dialect

    async def insert(self, connection: Connection, own: Key, other: Key) -> None:
        """Put a row into the link table, with the values that its model gives new rows."""
        values = []
        for column in self._with_initial:
            process = column.type.dialect_impl(self._dialect).bind_processor(self._dialect)
            value = evaluate(column.default)
            values.append(process(value) if process else value)
        if not await connection.fetch_all(self._insert, (*own, *other, *values)):
            raise NotWritten("INSERT returned no row of the link table")

    async def referring(self, connection: Connection, own: Key) -> list[Row]:
        """Give the keys of the related rows that refer to the parent."""
        return await connection.fetch_all(self._referring, own)

    @cached_property
    def _with_initial(self) -> list[Column[Any]]:
        assert self._relation.link is not None  # noqa: S101 - the caller looked
        linked = {column for _, column in (*self._relation.pairs, *self._relation.link_pairs)}
        return [
            column
            for column in self._relation.link.columns
            if column not in linked and evaluate(column.default) is not UNSET
        ]

    @cached_property
    def _insert(self) -> Statement:
        relation = self._relation
        assert relation.link is not None  # noqa: S101 - the caller looked
        linked = [column for _, column in (*relation.pairs, *relation.link_pairs)]
        columns = [*linked, *self._with_initial]
        slots = {column: slot(index, column.type) for index, column in enumerate(columns)}
        return Statement(insert(relation.link).values(slots).returning(linked[0]), self._dialect)

    @cached_property
    def _referring(self) -> Statement:
        foreign = [remote for _, remote in self._relation.pairs]
        refers = and_(*(c == slot(n, c.type) for n, c in enumerate(foreign)))
        key = inspect(self._relation.target).primary_key
        return Statement(select(*key).where(refers), self._dialect)
