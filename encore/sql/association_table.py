"""The statements on the association table of a relation, or on the child's foreign key.

Each is compiled on first use and cached.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from msgspec import UNSET
from sqlalchemy import (
    Column,
    ColumnElement,
    Dialect,
    Select,
    Table,
    and_,
    delete,
    insert,
    inspect,
    literal_column,
    select,
)

from encore.database.errors import NotWritten
from encore.database.protocol import Connection
from encore.database.soft_deletes import soft_deletes_of
from encore.database.statement import Row, Statement, param
from encore.models.defaults import evaluate_default
from encore.models.relations import Relation

Key = tuple[Any, ...]


class AssociationTable:
    """The association table, or foreign key, that relates the rows of one relation.

    Keys are driver values of the columns that the relation compares.
    """

    def __init__(self, relation: Relation, dialect: Dialect) -> None:
        self._relation = relation
        self._dialect = dialect

    async def insert(self, connection: Connection, own: Key, other: Key) -> None:
        """Insert a row into the association table, with the defaults of its other columns.

        Raises:
            NotWritten: INSERT returned no row.
        """
        values = []
        for column in self._default_columns:
            process = column.type.dialect_impl(self._dialect).bind_processor(self._dialect)
            value = evaluate_default(column.default)
            values.append(process(value) if process else value)
        if not await connection.fetch_all(self._insert, (*own, *other, *values)):
            raise NotWritten("INSERT returned no row of the association table")

    async def referring(self, connection: Connection, own: Key) -> list[Row]:
        """Return the primary keys of the child rows whose foreign key refers to the parent."""
        return await connection.fetch_all(self._referring, own)

    async def related(self, connection: Connection, own: Key) -> list[Row]:
        """Return the key of each child row of the parent, without regard to access."""
        link = self._relation.association_table is not None
        return await connection.fetch_all(self._linked if link else self._referring, own)

    async def delete(self, connection: Connection, own: Key, other: Key) -> bool:
        """Delete the row that relates two rows; return whether there was one."""
        return bool(await connection.fetch_all(self._delete, (*own, *other)))

    async def exists(self, connection: Connection, own: Key, other: Key) -> bool:
        """Return whether two rows are related."""
        return bool(await connection.fetch_all(self._exists, (*own, *other)))

    @cached_property
    def _own(self) -> list[Column[Any]]:
        return [column for _, column in self._relation.pairs]

    @cached_property
    def _other(self) -> list[Column[Any]]:
        return [column for _, column in self._relation.association_pairs]

    @cached_property
    def _linked(self) -> Statement:
        links = select(*self._other).where(_equal_params(self._own))
        relation = self._relation
        if soft_deletes_of(self._dialect).column_of(inspect(relation.target).tables) is not None:
            same = (own == linked for own, linked in relation.association_pairs)
            rows: Select[Any] = (
                select(literal_column("1")).select_from(relation.target).where(*same)
            )
            links = links.where(rows.exists())  # The links of deleted rows stay.
        return Statement(links, self._dialect)

    @cached_property
    def _exists(self) -> Statement:
        both = [*self._own, *self._other]
        return Statement(select(both[0]).where(_equal_params(both)).limit(1), self._dialect)

    @cached_property
    def _delete(self) -> Statement:
        both = [*self._own, *self._other]
        deleted = delete(self._table).where(_equal_params(both)).returning(both[0])
        return Statement(deleted, self._dialect)

    @property
    def _table(self) -> Table:
        if self._relation.association_table is None:
            raise TypeError(f"{self._relation.name} has no association table")
        return self._relation.association_table

    @cached_property
    def _default_columns(self) -> list[Column[Any]]:
        linked = {
            column for _, column in (*self._relation.pairs, *self._relation.association_pairs)
        }
        return [
            column
            for column in self._table.columns
            if column not in linked and evaluate_default(column.default) is not UNSET
        ]

    @cached_property
    def _insert(self) -> Statement:
        relation = self._relation
        linked = [column for _, column in (*relation.pairs, *relation.association_pairs)]
        columns = [*linked, *self._default_columns]
        params = {column: param(index, column.type) for index, column in enumerate(columns)}
        return Statement(insert(self._table).values(params).returning(linked[0]), self._dialect)

    @cached_property
    def _referring(self) -> Statement:
        refers = _equal_params([remote for _, remote in self._relation.pairs])
        key = inspect(self._relation.target).primary_key
        return Statement(select(*key).where(refers), self._dialect)


def _equal_params(columns: Sequence[Column[Any]]) -> ColumnElement[bool]:
    """Return the condition that columns equal the statement's bind parameters."""
    return and_(*(column == param(n, column.type) for n, column in enumerate(columns)))
