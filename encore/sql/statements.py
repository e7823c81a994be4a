"""The statements of one resource, each shape built by SQLAlchemy and compiled once.

A shape is everything about a statement but its values: which columns are written, which conditions
filter, in which order rows come. Shapes are kept in bounded caches, since callers choose them.
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

Conditions = tuple[Condition, ...]
_KEPT_ORDERS: Final = 512


def params() -> NextParam:
    """Make the function that gives the next slot of a statement, for a value of this type."""
    numbers = count()
    return lambda type_: param(next(numbers), type_)


class Statements:
    """Builds and keeps what the actions of one resource run.

    Each method says which values its statement takes, in order. ``keep=False`` is for conditions
    that no later request will share.

    Rows are read by SELECTs over the mapped class, to which the ORM's compiler adds what the
    mapping says (joins of inheritance, the discriminator). They are written table by table: that
    is for classes with one table (``MappedClass.has_one_table``).

    Args:
        fields: The resource's fields; every statement that gives rows gives them in this order.
        key: The fields that the path names, in its order.
        dialect: What to compile for.
        link: Narrows a nested resource to its parent's rows; its values come first.
        long: Whether they are known to take long: none of them is run on the event loop.

    Attributes:
        returns_rows: Whether what is written comes back whole; else only its primary key does.
            What SQL computes (a subquery, a hybrid) has no place in RETURNING, and what triggers
            set afterwards (``FetchedValue``) is not in it yet: ``stored`` reads it.
    """

    def __init__(
        self,
        fields: Fields,
        key: Sequence[Field],
        dialect: Dialect,
        link: ParentFilter | None = None,
        *,
        long: bool = False,
    ) -> None:
        self._fields = fields
        self._long = long
        self._rows = select(*(field.expression for field in fields))
        self._key = tuple(key)
        self._link = () if link is None else (link,)
        self.dialect = dialect
        self._capabilities = capabilities_of(dialect)
        self.returns_rows = not (
            fields.computed
            or any(_is_fetched(field.column) for field in fields)
            or _returns_floats(fields, dialect)
        )
        self._kept = StatementCache(self._compile)
        self._keysets = lru_cache(_KEPT_ORDERS)(lambda order: KeysetOrder(order, fields, dialect))
        self._plain_read: Statement | None = None

    def stored(self) -> Statement:
        """Values: the primary key's. Gives the row as it is stored now."""
        return self._kept(self._stored)

    def insert(self, written: tuple[Field, ...]) -> Statement:
        """Values: one per written field. Gives the row."""
        return self._kept(self._insert, written)

    def defaults(self, fields: tuple[Field, ...]) -> Statement:
        """Return one row of the defaults that SQL evaluates for these fields. No values."""
        return self._kept(self._defaults, fields)

    def advance(self, field: Field) -> Statement | None:
        """Have the database's numbering go on behind the highest id, where it does not by itself.

        PostgreSQL's sequences do not notice an id that a caller chose. No values.
        """
        if not self._capabilities.identity_sequences:
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
        if not conditions:  # What nearly every request is: no shape has to be looked up.
            if self._plain_read is None:
                self._plain_read = self._compile(self._read, ())
            return self._plain_read
        return (self._kept if keep else self._compile)(self._read, conditions)

    def lock(self, conditions: Conditions = (), *, keep: bool = True) -> Statement:
        """As ``read``, and nobody else changes the row until the transaction ends."""
        return (self._kept if keep else self._compile)(self._lock, conditions)

    def page(
        self,
        conditions: Conditions,
        order: tuple[Order, ...],
        seek: KeysetCondition | None = None,
        *,
        keep: bool = True,
    ) -> Statement:
        """Return a page of rows.

        Values: the link's, the conditions', those of the ``seek``, then limit and offset.

        Args:
            conditions: What the rows must meet.
            order: Their order.
            seek: Where the page begins (``KeysetOrder.seeks``). The rows are then followed by the
                columns of ``KeysetOrder.extra``; with ``ALL_ROWS``, those of the first page too.
            keep: Whether other requests will share the statement.
        """
        return (self._kept if keep else self._compile)(self._page, conditions, order, seek)

    def keyset(self, order: tuple[Order, ...]) -> KeysetOrder:
        """Return the sort keys of an order."""
        return self._keysets(order)

    def count(self, conditions: Conditions, *, keep: bool = True) -> Statement:
        """Values: the link's, the conditions'. Gives one number."""
        return (self._kept if keep else self._compile)(self._count, conditions)

    def estimate(self, conditions: Conditions, *, keep: bool = True) -> Statement | None:
        """Return what estimates how many rows there are, as ``totals`` reads it; None for nothing.

        Values: the link's, the conditions'.
        """
        if self._capabilities.planner_estimates:
            return (self._kept if keep else self._compile)(self._planned, conditions)
        if conditions or self._link or not can_estimate_by_ids(self._fields):
            return None
        return self._kept(id_range_query, self._fields)

    def policy(self) -> Statement | None:
        """Return what tells whether a policy narrows the rows; None where there are none."""
        if not self._capabilities.row_policies:
            return None
        return self._kept(row_security_query, self._fields, self.dialect)

    def _compile(self, build: Callable[..., ClauseElement], *shape: Any) -> Statement:
        statement = Statement(partial(build, *shape), self.dialect)
        if self._long:
            statement.slow_until = inf
        return statement

    def _insert(self, written: tuple[Field, ...]) -> ClauseElement:
        next_param = params()
        values = {field.column: next_param(field.column.type) for field in written}
        return insert(self._fields.table).values(values).returning(*self._returned)

    def _defaults(self, fields: tuple[Field, ...]) -> ClauseElement:
        expressions = [sql_default(field.column, self.dialect) for field in fields]
        return select(*(one for one in expressions if one is not None))

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
        return (
            update(self._fields.table)
            .values(values)
            .where(*self._written_row(next_param, conditions))
            .returning(*self._returned)
        )

    def _assigned(self, field: Field, value: BindParameter[Any]) -> ColumnElement[Any]:
        """Return what an UPDATE sets: JSON's null stays where null is set, as both look alike."""
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
        narrowed = [condition.clause(next_param) for condition in (*conditions, *self._link)]
        same = (_equals(f, f.expression, next_param(f.column.type)) for f in self._key)
        return self._rows.where(*narrowed, *same)

    def _lock(self, conditions: Conditions) -> ClauseElement:
        return self._read(conditions).with_for_update(of=self._fields.table)

    def _page(
        self, conditions: Conditions, order: tuple[Order, ...], seek: KeysetCondition | None
    ) -> ClauseElement:
        next_param = params()
        rows = self._filtered(self._rows, conditions, next_param)
        rows = self.keyset(order).narrowed(rows, seek, next_param)
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
        """Write the conditions of the one row that an UPDATE or DELETE is about."""
        narrowed = [condition.clause(next_param) for condition in (*conditions, *self._link)]
        key = [(f.column, next_param(f.column.type)) for f in self._key]
        pairs = zip(self._key, key, strict=True)
        same = [_equals(f, column, value) for f, (column, value) in pairs]
        return [*narrowed, *same, *self._fields.mapped.criteria, *self._only_row(key)]

    def _only_row(
        self, key: list[tuple[Column[Any], BindParameter[Any]]]
    ) -> list[ColumnElement[bool]]:
        """Have PostgreSQL fail where the key means several rows, before any is written.

        A lone statement has no transaction there that could be rolled back afterwards; a scalar
        subquery that gives several rows is an error (SQLSTATE 21000).
        """
        if not self._capabilities.subqueries_reject_rows:
            return []
        table = self._fields.table.alias()
        same = [table.c[column.key] == value for column, value in key]
        return [select(table.c[key[0][0].key]).where(*same).scalar_subquery().is_not(None)]

    def _filtered(
        self, rows: Select[Any], conditions: Conditions, next_param: NextParam
    ) -> Select[Any]:
        return rows.where(*(one.clause(next_param) for one in (*self._link, *conditions)))


def _is_fetched(column: Column[Any]) -> bool:
    """Tell whether the model says that the database sets a column, but not to what."""
    return any(type(one) is FetchedValue for one in (column.server_default, column.server_onupdate))


def _returns_floats(fields: Fields, dialect: Dialect) -> bool:
    """Tell whether RETURNING would give integers as floats: SQLite, if the first column is one."""
    if capabilities_of(dialect).exact_returning or not fields.mapped.tables:
        return False
    return isinstance(storage_type(next(iter(fields.table.c)).type, dialect), Float)


def _equals(
    field: Field, column: ColumnElement[Any], value: ColumnElement[Any]
) -> ColumnElement[bool]:
    equal = compare_timestamps(field, column, "eq", [value])
    return column == value if equal is None else equal
