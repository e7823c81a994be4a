"""The statements that fetch the related rows of many parents.

Rows of an equijoin are found by the columns that are equal (``pairs``), and those columns identify
a parent. Rows of other relationships are joined with their parents by the ORM's own condition, and
the primary key identifies a parent.

Each statement returns the columns that identify the parent, then the related row's fields. The
number of keys is rounded up to a power of two, by repeating the last, so that few different
statements are compiled.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from sqlalchemy import (
    Column,
    ColumnElement,
    Dialect,
    Select,
    and_,
    func,
    literal_column,
    or_,
    select,
)
from sqlalchemy.orm import aliased
from sqlalchemy.sql import ClauseElement

from encore.database.protocol import Connection
from encore.database.statement import Row, Statement, param
from encore.models.relation_conditions import join_relation, order_by_clauses, primary_key_of
from encore.models.relations import Relation
from encore.serializers.serializer import RelatedSerializer, Serializer

MAX_KEYS: Final = 8_192
"""The most keys in one statement; the databases allow about 32,000 values."""

MAX_COMPOSITE_KEYS: Final = 256
"""The same for keys of several columns, whose conditions SQLite nests no deeper than 1,000."""

_ROWS_A_KEY: Final = 20
_MANY_ROWS: Final = 1_000

Key = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class _RelatedRows:
    """The SELECT of related rows.

    Attributes:
        rows: The SELECT of keys and fields, for all parents.
        keys: The columns that identify a parent.
        order: The order of its rows.
        child_key: The related row's primary key.
    """

    rows: Select[Any]
    keys: Sequence[ColumnElement[Any]]
    order: Sequence[ColumnElement[Any]]
    child_key: Sequence[ColumnElement[Any]]


class RelationStatements:
    """Fetches the related rows of one relation.

    Args:
        parent: The serializer of the parents.
        child: The relation and the serializer of its rows.
        dialect: The dialect to compile for.

    Attributes:
        key_indexes: The indexes of the identifying columns in the parent's rows.
        width: The number of those columns.
    """

    def __init__(self, parent: Serializer, child: RelatedSerializer, dialect: Dialect) -> None:
        relation = child.relation
        self._relation = relation
        self._fields = child.serializer.fields
        self._dialect = dialect
        self._limit = child.limit
        # Computed fields may select from the link table, which needs an alias then.
        self._plain = relation.is_equijoin and not (
            relation.association_table is not None and self._fields.computed
        )
        if self._plain:
            self._types = [other.type for _, other in relation.pairs]
            self.key_indexes = [parent.column_index(local) for local, _ in relation.pairs]
        else:
            fields = list(parent.fields)
            self._types = [field.column.type for field in parent.fields.key]
            self.key_indexes = [fields.index(field) for field in parent.fields.key]
        self.width = len(self.key_indexes)
        self._statements: dict[tuple[Callable[..., Any], int], Statement] = {}

    @property
    def _most_keys(self) -> int:
        return MAX_KEYS if self.width == 1 else MAX_COMPOSITE_KEYS

    async def fetch(self, connection: Connection, keys: Sequence[Key]) -> list[Row]:
        """Fetch the rows of these keys: all, or ``limit`` and one more of each parent.

        One statement suffices unless there are very many rows; another cuts them in the database
        then.
        """
        found: list[Row] = []
        for start in range(0, len(keys), self._most_keys):
            some = keys[start : start + self._most_keys]
            rows = await self._run(connection, self._all, some)
            if not self._are_whole(rows, _size(some)):
                rows = await self._run(connection, self._first, some)
            found += rows
        return found

    async def count(self, connection: Connection, keys: Sequence[Key]) -> dict[Key, int]:
        """Count the related rows of these keys."""
        counts: dict[Key, int] = {}
        for start in range(0, len(keys), self._most_keys):
            some = keys[start : start + self._most_keys]
            for row in await self._run(connection, self._count, some):
                counts[tuple(row[: self.width])] = row[self.width]
        return counts

    async def _run(
        self, connection: Connection, build: Callable[[int], ClauseElement], keys: Sequence[Key]
    ) -> list[Row]:
        size = _size(keys)
        statement = self._statement(build, size)
        padded = [*keys, *[keys[-1]] * (size - len(keys))]
        return await connection.fetch_all(statement, tuple(v for key in padded for v in key))

    def _statement(self, build: Callable[[int], ClauseElement], size: int) -> Statement:
        statement = self._statements.get((build, size))
        if statement is None:
            statement = Statement(partial(build, size), self._dialect)
            self._statements[build, size] = statement
        return statement

    def _all(self, size: int) -> ClauseElement:
        """Select all rows, up to the number that is fetched without cutting."""
        related = self._related_rows(size)
        rows = related.rows.order_by(*related.order)
        if self._relation.at_most_one:
            return rows
        return rows.limit(literal_column(str(self._bound(size) + 1)))

    def _are_whole(self, rows: Sequence[Row], size: int) -> bool:
        """Return whether these are all rows, or all that are needed of a single parent."""
        return self._relation.at_most_one or self._is_single(size) or len(rows) <= self._bound(size)

    def _is_single(self, size: int) -> bool:
        return size == 1 and not self._relation.has_duplicates

    def _bound(self, size: int) -> int:
        """Return how many rows of ``size`` parents are fetched without cutting in the database."""
        return self._limit if self._is_single(size) else max(_MANY_ROWS, _ROWS_A_KEY * size)

    def _first(self, size: int) -> ClauseElement:
        """Select the first rows of each parent, and one more that shows that there are others."""
        related = self._related_rows(size)
        last = self._limit + 1
        place = func.row_number().over(partition_by=related.keys, order_by=related.order)
        rows = _labelled(related.rows).add_columns(place.label("place"))
        if self._relation.has_duplicates:
            # Of a row that is found twice, the first position counts, as in the ORM.
            same = (*related.keys, *related.child_key)
            again = func.row_number().over(partition_by=same, order_by=related.order)
            *columns, at, nth = rows.add_columns(again.label("nth")).subquery().columns
            keys = columns[: self.width]
            place = func.row_number().over(partition_by=keys, order_by=at)
            rows = select(*columns, place.label("place")).where(nth == literal_column("1"))
        *columns, at = rows.subquery().columns
        return select(*columns).where(at <= literal_column(str(last))).order_by(at)

    def _count(self, size: int) -> ClauseElement:
        related = self._related_rows(size)
        rows = related.rows.with_only_columns(*related.keys, *related.child_key)
        rows = _labelled(rows.distinct() if self._relation.has_duplicates else rows)
        keys = list(rows.subquery().columns)[: self.width]
        return select(*keys, func.count()).group_by(*keys)

    def _related_rows(self, size: int) -> _RelatedRows:
        return (_plain if self._plain else _joined)(
            self._relation, [field.attribute for field in self._fields], self._among(size)
        )

    def _among(self, size: int) -> Callable[[Sequence[ColumnElement[Any]]], ColumnElement[bool]]:
        """Return a function that builds the condition that columns equal one of ``size`` keys."""
        types, width = self._types, self.width
        params = [param(n, types[n % width]) for n in range(size * width)]

        def among(columns: Sequence[ColumnElement[Any]]) -> ColumnElement[bool]:
            if width == 1:
                return columns[0].in_(params)
            return or_(
                *(
                    and_(*(c == params[n * width + i] for i, c in enumerate(columns)))
                    for n in range(size)
                )
            )

        return among


_Among = Callable[[Sequence[ColumnElement[Any]]], ColumnElement[bool]]


def _plain(relation: Relation, attributes: Sequence[str], among: _Among) -> _RelatedRows:
    """Select rows by the columns that are equal."""
    model = relation.entity
    keys: list[Column[Any]] = [other for _, other in relation.pairs]
    rows = select(*keys, *(getattr(model, name) for name in attributes))
    if relation.association_table is not None:
        on = and_(*(own == linked for own, linked in relation.association_pairs))
        rows = rows.join_from(relation.association_table, model, on)
    if relation.where is not None:
        rows = rows.where(relation.where)
    key = primary_key_of(model)
    return _RelatedRows(rows.where(among(keys)), keys, [*relation.ordered_by, *key], key)


def _joined(relation: Relation, attributes: Sequence[str], among: _Among) -> _RelatedRows:
    """Select rows joined with their parents by the ORM's own condition."""
    parent, child = aliased(relation.source), relation.entity
    joined = join_relation(relation, parent, child)
    keys = primary_key_of(parent)
    rows = select(*keys, *(getattr(child, name) for name in attributes))
    rows = rows.select_from(*joined.froms).where(joined.condition, among(keys))
    return _RelatedRows(
        rows, keys, order_by_clauses(relation, child, joined), primary_key_of(child)
    )


def _labelled(rows: Select[Any]) -> Select[Any]:
    """Label every column by its index: those of parent and child may have the same names."""
    columns = [column.label(f"c{n}") for n, column in enumerate(rows.selected_columns)]
    return rows.with_only_columns(*columns)


def _size(keys: Sequence[Key]) -> int:
    return 1 << (len(keys) - 1).bit_length()
