"""The statements of one resource that write all rows which meet some conditions.

The conditions are in the UPDATE or DELETE itself, not in a subquery: on PostgreSQL a row that
another transaction has changed meanwhile is then judged as it is now (READ COMMITTED).
"""

from collections.abc import Sequence
from math import inf
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Delete,
    Dialect,
    Update,
    delete,
    insert,
    select,
    update,
)
from sqlalchemy.sql import ClauseElement

from encore.database.expressions.changes import changed_rows, counted
from encore.database.statement import Statement
from encore.models.fields import Field, Fields
from encore.query.filters import NextParam
from encore.sql.statements import Conditions, Statements, params
from encore.sql.versions import next_version


class BulkStatements(Statements):
    """Builds and caches the statements that write many rows of a resource.

    The docstring of each method lists the statement's values in order, as in ``Statements``. On
    SQLite they run in a thread: each may take long.

    Args:
        fields: The resource's fields; rows have their columns in this order.
        key: The fields in the path, in order.
        dialect: The dialect to compile for.
    """

    def __init__(self, fields: Fields, key: Sequence[Field], dialect: Dialect) -> None:
        super().__init__(fields, key, dialect)

    def changed(self) -> Statement | None:
        """Return the SELECT of how many rows the last statement changed; None if it says so."""
        if self._capabilities.writable_ctes:
            return None
        return self._cached(changed_rows)

    def update_all(
        self,
        written: tuple[Field, ...],
        conditions: Conditions,
        *,
        keep: bool = True,
        returning: bool = False,
    ) -> Statement:
        """Return the UPDATE of the rows, which returns them or their number (``changed``).

        Values: one per written field, the conditions'.
        """
        compile_ = self._cached if keep else self._compile
        build = self._update_returning if returning else self._update_counted
        return self._long_running(compile_(build, written, conditions))

    def delete_all(
        self, conditions: Conditions, *, keep: bool = True, returning: bool = False
    ) -> Statement:
        """Return the DELETE of the rows, which returns them or their number (``changed``).

        Values: the conditions'.
        """
        compile_ = self._cached if keep else self._compile
        build = self._delete_returning if returning else self._delete_counted
        return self._long_running(compile_(build, conditions))

    def insert_many(self, written: tuple[Field, ...], rows: int) -> Statement:
        """Return the INSERT of so many rows, which returns them.

        Values: for each row, one per written field.
        """
        return self._cached(self._insert_many, written, rows)

    def lock_keys(self, conditions: Conditions, *, keep: bool = True) -> Statement:
        """Return the SELECT of the keys of the rows, in their order, with FOR UPDATE.

        Values: the conditions', the most rows.
        """
        return self._long_running((self._cached if keep else self._compile)(self._keys, conditions))

    def _long_running(self, statement: Statement) -> Statement:
        """Keep a statement off the event loop where it would run there: on SQLite."""
        if not self._capabilities.row_locks:
            statement.slow_until = inf
        return statement

    def _insert_many(self, written: tuple[Field, ...], rows: int) -> ClauseElement:
        next_param = params()
        values = [{f.column: next_param(f.column.type) for f in written} for _ in range(rows)]
        return insert(self._fields.table).values(values).returning(*self._returned)

    def _update_returning(
        self, written: tuple[Field, ...], conditions: Conditions
    ) -> ClauseElement:
        return self._update_all(written, conditions).returning(*self._returned)

    def _update_counted(self, written: tuple[Field, ...], conditions: Conditions) -> ClauseElement:
        return self._counted(self._update_all(written, conditions))

    def _update_all(self, written: tuple[Field, ...], conditions: Conditions) -> Update:
        next_param = params()
        values = {f.column: self._assigned(f, next_param(f.column.type)) for f in written}
        values |= next_version(self._fields.mapped)
        rows = self._rows_of(conditions, next_param)
        return update(self._fields.table).values(values).where(*rows)

    def _delete_returning(self, conditions: Conditions) -> ClauseElement:
        return self._delete_all(conditions).returning(*self._returned)

    def _delete_counted(self, conditions: Conditions) -> ClauseElement:
        return self._counted(self._delete_all(conditions))

    def _delete_all(self, conditions: Conditions) -> Delete:
        return delete(self._fields.table).where(*self._rows_of(conditions, params()))

    def _counted(self, change: Update | Delete) -> ClauseElement:
        return counted(change) if self._capabilities.writable_ctes else change

    def _rows_of(self, conditions: Conditions, next_param: NextParam) -> list[ColumnElement[bool]]:
        narrowed = [condition.clause(next_param) for condition in conditions]
        return [*narrowed, *self._fields.mapped.criteria]

    def _keys(self, conditions: Conditions) -> ClauseElement:
        next_param = params()
        keys: list[Any] = [field.expression for field in self._key]
        rows = self._filtered(select(*keys), conditions, next_param)
        rows = rows.order_by(*keys).limit(next_param(BigInteger()))
        return rows.with_for_update(of=self._fields.table)
