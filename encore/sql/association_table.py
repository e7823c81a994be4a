"""Joins: the statements on what joins two rows, a link table or the related row's foreign key.

Each is compiled on first use and kept.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from msgspec import UNSET
from sqlalchemy import Column, ColumnElement, Dialect, and_, delete, insert, inspect, select

from encore.database.errors import NotWritten
from encore.database.protocol import Connection
from encore.database.statement import Row, Statement, param
from encore.models.defaults import evaluate_default
from encore.models.relations import Relation

Key = tuple[Any, ...]


class AssociationTable:
    """What joins the rows of one relation."""

    def __init__(self, relation: Relation, dialect: Dialect) -> None:
        self._relation = relation
        self._dialect = dialect

    async def insert(self, connection: Connection, own: Key, other: Key) -> None:
        """Put a row into the link table, with the values that its model gives new rows."""
        values = []
        for column in self._with_initial:
            process = column.type.dialect_impl(self._dialect).bind_processor(self._dialect)
            value = evaluate_default(column.default)
            values.append(process(value) if process else value)
        if not await connection.fetch_all(self._insert, (*own, *other, *values)):
            raise NotWritten("INSERT returned no row of the link table")

    async def referring(self, connection: Connection, own: Key) -> list[Row]:
        """Give the keys of the related rows that refer to the parent."""
        return await connection.fetch_all(self._referring, own)

    async def related(self, connection: Connection, own: Key) -> list[Row]:
        """Return what identifies each row that is related to the parent, whoever may see it."""
        link = self._relation.link is not None
        return await connection.fetch_all(self._linked if link else self._referring, own)

    async def delete(self, connection: Connection, own: Key, other: Key) -> bool:
        """Delete what links two rows; return whether there was anything."""
        return bool(await connection.fetch_all(self._delete, (*own, *other)))

    async def exists(self, connection: Connection, own: Key, other: Key) -> bool:
        """Return whether two rows are linked."""
        return bool(await connection.fetch_all(self._exists, (*own, *other)))

    @cached_property
    def _own(self) -> list[Column[Any]]:
        return [column for _, column in self._relation.pairs]

    @cached_property
    def _other(self) -> list[Column[Any]]:
        return [column for _, column in self._relation.link_pairs]

    @cached_property
    def _linked(self) -> Statement:
        return Statement(select(*self._other).where(_are(self._own)), self._dialect)

    @cached_property
    def _exists(self) -> Statement:
        both = [*self._own, *self._other]
        return Statement(select(both[0]).where(_are(both)).limit(1), self._dialect)

    @cached_property
    def _delete(self) -> Statement:
        assert self._relation.link is not None  # noqa: S101 - the caller looked
        both = [*self._own, *self._other]
        gone = delete(self._relation.link).where(_are(both)).returning(both[0])
        return Statement(gone, self._dialect)

    @cached_property
    def _with_initial(self) -> list[Column[Any]]:
        assert self._relation.link is not None  # noqa: S101 - the caller looked
        linked = {column for _, column in (*self._relation.pairs, *self._relation.link_pairs)}
        return [
            column
            for column in self._relation.link.columns
            if column not in linked and evaluate_default(column.default) is not UNSET
        ]

    @cached_property
    def _insert(self) -> Statement:
        relation = self._relation
        assert relation.link is not None  # noqa: S101 - the caller looked
        linked = [column for _, column in (*relation.pairs, *relation.link_pairs)]
        columns = [*linked, *self._with_initial]
        params = {column: param(index, column.type) for index, column in enumerate(columns)}
        return Statement(insert(relation.link).values(params).returning(linked[0]), self._dialect)

    @cached_property
    def _referring(self) -> Statement:
        foreign = [remote for _, remote in self._relation.pairs]
        refers = _are(foreign)
        key = inspect(self._relation.target).primary_key
        return Statement(select(*key).where(refers), self._dialect)


def _are(columns: Sequence[Column[Any]]) -> ColumnElement[bool]:
    """Write the condition that columns have the statement's values."""
    return and_(*(column == param(n, column.type) for n, column in enumerate(columns)))
