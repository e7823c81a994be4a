"""The statements of one resource, built by SQLAlchemy and compiled once for each key.

The key is everything but values: the written columns, the conditions, the order. Callers choose
it, so the caches are bounded.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from itertools import count
from math import inf
from typing import Any, Final

from sqlalchemy import (
    JSON,
    BigInteger,
    BindParameter,
    Column,
    ColumnElement,
    Dialect,
    FetchedValue,
    Float,
    Select,
    Text,
    and_,
    case,
    cast,
    delete,
    insert,
    literal_column,
    select,
    update,
)
from sqlalchemy import func as sql
from sqlalchemy.sql import ClauseElement

from encore.database.capabilities import capabilities_of
from encore.database.expressions.numbering import advance_sequence
from encore.database.soft_deletes import DeletedRows, dialect_showing, soft_deletes_of
from encore.database.statement import Statement, param
from encore.models.defaults import sql_default
from encore.models.fields import Field, Fields
from encore.models.types import storage_type
from encore.query.filters import Condition, NextParam, Order
from encore.query.keyset import KeysetCondition, KeysetOrder
from encore.query.timestamps import compare_timestamps
from encore.sql.estimates import (
    can_estimate_by_ids,
    explain_query,
    id_range_query,
    row_security_query,
)
from encore.sql.parent_filter import ParentFilter
from encore.sql.statement_cache import StatementCache
from encore.sql.versions import next_version

Conditions = tuple[Condition, ...]
"""Conditions of a statement, all of which must be true."""

_CACHED_ORDERS: Final = 512


def params() -> NextParam:
    """Return a function that returns the next bind parameter of a statement, of a SQL type."""
    numbers = count()
    return lambda type_: param(next(numbers), type_)


class Statements:
    """Builds and caches the statements of a resource's actions.

    The docstring of each method lists the statement's values in order. ``keep=False`` is for
    conditions that no later request shares.

    Rows are read by SELECT from the mapped class, to which the ORM's compiler adds the joins of
    inheritance and the discriminator. They are written table by table, which is for classes with
    one table (``MappedClass.has_one_table``).

    Args:
        fields: The resource's fields; rows have their columns in this order.
        key: The fields in the path, in order.
        dialect: The dialect to compile for.
        parent_filter: The filter of a nested resource; its values come first.
        long: Whether the statements take long: none of them is run on the event loop.

    Attributes:
        dialect: As given.
        returns_rows: Whether writes return the whole row, not only its primary key. RETURNING has
            no computed fields (subqueries, hybrids), nor values that triggers set afterwards
            (``FetchedValue``): ``stored`` reads these.
    """

    def __init__(
        self,
        fields: Fields,
        key: Sequence[Field],
        dialect: Dialect,
        parent_filter: ParentFilter | None = None,
        *,
        long: bool = False,
    ) -> None:
        self._fields = fields
        self._long = long
        self._rows = select(*(field.expression for field in fields))
        self._key = tuple(key)
        self._parent_filters = () if parent_filter is None else (parent_filter,)
        self.dialect = dialect
        self._capabilities = capabilities_of(dialect)
        self.returns_rows = not (
            fields.computed
            or any(_is_fetched(field.column) for field in fields)
            or _confuses_numbers(fields, dialect)
        )
        self._cached = StatementCache(self._compile)
        self._keysets = lru_cache(_CACHED_ORDERS)(lambda order: KeysetOrder(order, fields, dialect))
        self._plain_read: Statement | None = None
        self._parent_filter = parent_filter
        self._showing: dict[DeletedRows, Statements] = {}

    def showing(self, rows: DeletedRows) -> "Statements":
        """Return the same statements for other rows of a soft-deleted table."""
        shown = self._showing.get(rows)
        if shown is None:
            dialect = dialect_showing(self.dialect, rows)
            shown = Statements(
                self._fields, self._key, dialect, self._parent_filter, long=self._long
            )
            self._showing[rows] = shown
        return shown

    def stored(self) -> Statement:
        """Return the SELECT of a row by its primary key. Values: the primary key's."""
        return self._cached(self._stored)

    def insert(self, written: tuple[Field, ...]) -> Statement:
        """Return the INSERT of a row, which returns it. Values: one per written field."""
        return self._cached(self._insert, written)

    def defaults(self, fields: tuple[Field, ...]) -> Statement:
        """Return the SELECT of the defaults that SQL evaluates for these fields. No values."""
        return self._cached(self._defaults, fields)

    def advance(self, field: Field) -> Statement | None:
        """Return what sets the sequence of a key to its highest value; None if not needed.

        PostgreSQL's sequences do not advance when a client assigns the key. No values.
        """
        if not self._capabilities.identity_sequences:
            return None
        if not soft_deletes_of(self.dialect).columns:
            return self._cached(self._advance, field)
        stored = self.showing(DeletedRows.STORED)  # Deleted rows keep their keys.
        return stored._cached(stored._advance, field)  # noqa: SLF001 - of the same class

    def update(
        self, written: tuple[Field, ...], conditions: Conditions = (), *, keep: bool = True
    ) -> Statement:
        """Return the UPDATE of a row, which returns it.

        Values: one per written field, the conditions', the key's.
        """
        return (self._cached if keep else self._compile)(self._update, written, conditions)

    def delete(self, conditions: Conditions = (), *, keep: bool = True) -> Statement:
        """Return the DELETE of a row, which returns it. Values: the conditions', the key's."""
        return (self._cached if keep else self._compile)(self._delete, conditions)

    def read(self, conditions: Conditions = (), *, keep: bool = True) -> Statement:
        """Return the SELECT of a row. Values: the conditions', the parent filter's, the key's."""
        if not conditions:  # Nearly every request: without a lookup in the cache.
            if self._plain_read is None:
                self._plain_read = self._compile(self._read, ())
            return self._plain_read
        return (self._cached if keep else self._compile)(self._read, conditions)

    def lock(self, conditions: Conditions = (), *, keep: bool = True) -> Statement:
        """Return ``read`` with FOR UPDATE, a lock until the end of the transaction."""
        return (self._cached if keep else self._compile)(self._lock, conditions)

    def page(
        self,
        conditions: Conditions,
        order: tuple[Order, ...],
        after: KeysetCondition | None = None,
        *,
        keep: bool = True,
    ) -> Statement:
        """Return the SELECT of a page of rows.

        Values: the parent filter's, the conditions', the keyset condition's, limit and offset.

        Args:
            conditions: The conditions of the rows.
            order: The order.
            after: The keyset condition; rows then also have ``KeysetOrder.extra_columns``. None to
                paginate by offset.
            keep: Whether other requests share the statement.
        """
        return (self._cached if keep else self._compile)(self._page, conditions, order, after)

    def keyset(self, order: tuple[Order, ...]) -> KeysetOrder:
        """Return an order as sort keys."""
        return self._keysets(order)

    def count(self, conditions: Conditions, *, keep: bool = True) -> Statement:
        """Return the SELECT of the total. Values: the parent filter's, the conditions'."""
        return (self._cached if keep else self._compile)(self._count, conditions)

    def estimate(self, conditions: Conditions, *, keep: bool = True) -> Statement | None:
        """Return the statement that estimates how many rows there are; None if it is unknown.

        It is EXPLAIN on PostgreSQL, a SELECT of the number on SQLite. Values: the parent filter's,
        the conditions'.
        """
        if self._capabilities.planner_estimates:
            return (self._cached if keep else self._compile)(self._planned, conditions)
        if conditions or self._parent_filters or not can_estimate_by_ids(self._fields):
            return None
        if self._fields.table in soft_deletes_of(self.dialect).columns:
            return None
        return self._cached(id_range_query, self._fields)

    def policy(self) -> Statement | None:
        """Return the SELECT of whether row security is active; None without row security."""
        if not self._capabilities.row_policies:
            return None
        return self._cached(row_security_query, self._fields, self.dialect)

    def _compile(self, build: Callable[..., ClauseElement], *key: Any) -> Statement:
        statement = Statement(partial(build, *key), self.dialect)
        if self._long:
            statement.slow_until = inf
        return statement

    def _insert(self, written: tuple[Field, ...]) -> ClauseElement:
        next_param = params()
        values = {field.column: next_param(field.column.type) for field in written}
        return insert(self._fields.table).values(values).returning(*self._returned)

    def _defaults(self, fields: tuple[Field, ...]) -> ClauseElement:
        expressions = [sql_default(field.column, self.dialect) for field in fields]
        return select(*(expression for expression in expressions if expression is not None))

    @property
    def _returned(self) -> list[Column[Any]]:
        return [f.column for f in (self._fields if self.returns_rows else self._fields.key)]

    def _stored(self) -> ClauseElement:
        next_param = params()
        return self._rows.where(
            *(f.expression == next_param(f.column.type) for f in self._fields.key)
        )

    def _advance(self, field: Field) -> ClauseElement:
        return advance_sequence(field.column, self.dialect)

    def _update(self, written: tuple[Field, ...], conditions: Conditions) -> ClauseElement:
        next_param = params()
        values = {f.column: self._assigned(f, next_param(f.column.type)) for f in written}
        values |= next_version(self._fields.mapped)
        return (
            update(self._fields.table)
            .values(values)
            .where(*self._written_row(next_param, conditions))
            .returning(*self._returned)
        )

    def _assigned(self, field: Field, value: BindParameter[Any]) -> ColumnElement[Any]:
        """Return the value of a column in UPDATE: null does not replace JSON's null.

        Clients cannot distinguish the two.
        """
        column = field.column
        if not isinstance(storage_type(column.type, self.dialect), JSON):
            return value
        is_null = cast(column, Text) == literal_column("'null'")
        return case((and_(value.is_(None), is_null), column), else_=value)

    def _delete(self, conditions: Conditions) -> ClauseElement:
        where = self._written_row(params(), conditions)
        return delete(self._fields.table).where(*where).returning(*self._returned)

    def _read(self, conditions: Conditions) -> Select[Any]:
        next_param = params()
        narrowed = [
            condition.clause(next_param) for condition in (*conditions, *self._parent_filters)
        ]
        same = (_equals(f, f.expression, next_param(f.column.type)) for f in self._key)
        return self._rows.where(*narrowed, *same)

    def _lock(self, conditions: Conditions) -> ClauseElement:
        return self._read(conditions).with_for_update(of=self._fields.table)

    def _page(
        self, conditions: Conditions, order: tuple[Order, ...], after: KeysetCondition | None
    ) -> ClauseElement:
        next_param = params()
        rows = self._filtered(self._rows, conditions, next_param)
        rows = self.keyset(order).apply(rows, after, next_param)
        return rows.limit(next_param(BigInteger())).offset(next_param(BigInteger()))

    def _count(self, conditions: Conditions) -> ClauseElement:
        total = select(sql.count()).select_from(self._fields.entity)
        return self._filtered(total, conditions, params())

    def _planned(self, conditions: Conditions) -> ClauseElement:
        rows: Select[Any] = select(literal_column("1")).select_from(self._fields.entity)
        return explain_query(self._filtered(rows, conditions, params()))

    def _written_row(
        self, next_param: NextParam, conditions: Conditions
    ) -> list[ColumnElement[bool]]:
        """Return the conditions of the row that an UPDATE or DELETE writes."""
        narrowed = [
            condition.clause(next_param) for condition in (*conditions, *self._parent_filters)
        ]
        key = [(f.column, next_param(f.column.type)) for f in self._key]
        pairs = zip(self._key, key, strict=True)
        same = [_equals(f, column, value) for f, (column, value) in pairs]
        return [*narrowed, *same, *self._fields.mapped.criteria, *self._only_row(key)]

    def _only_row(
        self, key: list[tuple[Column[Any], BindParameter[Any]]]
    ) -> list[ColumnElement[bool]]:
        """Return a condition that fails on PostgreSQL if the key matches several rows.

        A single statement runs there without a transaction that could be rolled back; a scalar
        subquery with several rows is an error (SQLSTATE 21000) before any row is written.
        """
        if not self._capabilities.subqueries_reject_rows:
            return []
        table = self._fields.table.alias()
        same = [table.c[column.key] == value for column, value in key]
        return [select(table.c[key[0][0].key]).where(*same).scalar_subquery().is_not(None)]

    def _filtered(
        self, rows: Select[Any], conditions: Conditions, next_param: NextParam
    ) -> Select[Any]:
        filters = (*self._parent_filters, *conditions)
        return rows.where(*(condition.clause(next_param) for condition in filters))


def _is_fetched(column: Column[Any]) -> bool:
    """Return whether the database sets a column to a value that the model does not define."""
    defaults = (column.server_default, column.server_onupdate)
    return any(type(default) is FetchedValue for default in defaults)


def _confuses_numbers(fields: Fields, dialect: Dialect) -> bool:
    """Return whether RETURNING confuses integers and floats: SQLite's, if a column is a float.

    It returns 2 where SELECT returns 2.0, and floats for integers if the first column is a float.
    """
    if capabilities_of(dialect).exact_returning or not fields.mapped.tables:
        return False
    return any(isinstance(storage_type(c.type, dialect), Float) for c in fields.table.c)


def _equals(
    field: Field, column: ColumnElement[Any], value: ColumnElement[Any]
) -> ColumnElement[bool]:
    equal = compare_timestamps(field, column, "eq", [value])
    return column == value if equal is None else equal
