"""The statements over the history table of one resource."""

from functools import cached_property
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Dialect,
    Select,
    cast,
    func,
    null,
    select,
    update,
)

from encore.database.history.recorded_table import (
    COLUMNS,
    EXISTS,
    OPERATION,
    RECORDED_AT,
    SEQUENCE,
)
from encore.database.protocol import Connection
from encore.database.statement import Statement
from encore.models.fields import Field
from encore.resource.definition import ResourceDefinition
from encore.resource.histories import ResourceHistory
from encore.sql.statements import params

REVERT: Final = "revert"
"""The operation of an update that wrote the values of an older version."""


class HistoryStatements:
    """Builds the statements over one history table, each on first use.

    Args:
        resource: The resource.
        history: Its history.

    Attributes:
        dialect: The dialect that they are compiled for.
    """

    def __init__(self, resource: ResourceDefinition, history: ResourceHistory) -> None:
        self._fields = tuple(resource.fields)
        self._key = resource.fields.key
        self._history = history
        self.dialect: Dialect = resource.statements.dialect

    @cached_property
    def newest(self) -> Statement:
        """The SELECT of a row's entries, the newest first. Values: the key, a limit.

        The columns are those of an entry, then the fields; null where a field is not recorded.
        """
        next_param = params()
        rows = self._entries(next_param)
        return self._compile(rows.limit(next_param(BigInteger())))

    @cached_property
    def older(self) -> Statement:
        """The same before an entry. Values: the key, the sequence of that entry, a limit."""
        next_param = params()
        rows = self._entries(next_param)
        rows = rows.where(self._sequence < next_param(BigInteger()))
        return self._compile(rows.limit(next_param(BigInteger())))

    @cached_property
    def entry(self) -> Statement:
        """The SELECT of one entry. Values: the key, its sequence."""
        next_param = params()
        return self._compile(
            self._entries(next_param).where(self._sequence == next_param(BigInteger()))
        )

    @cached_property
    def at_time(self) -> Statement:
        """The SELECT of the entries up to a time. Values: the key, the time, a limit."""
        next_param = params()
        rows = self._entries(next_param)
        at = self._history.table.c[RECORDED_AT]
        return self._compile(rows.where(at <= next_param(at.type)).limit(next_param(BigInteger())))

    @cached_property
    def earlier_rows(self) -> Statement:
        """The SELECT of the last sequence of earlier rows with this key, null without any.

        Values: the key, the key. The newest entry belongs to the row, even if it is its deletion.
        """
        next_param, table = params(), self._history.table
        of_row = [column == next_param(column.type) for column in self._key_columns]
        same_row = [column == next_param(column.type) for column in self._key_columns]
        newest = select(func.max(self._sequence)).where(*same_row).scalar_subquery()
        ended = select(func.max(self._sequence)).where(*of_row, ~table.c[EXISTS])
        return self._compile(ended.where(self._sequence < newest))

    @cached_property
    def label(self) -> Statement:
        """The UPDATE of the operation of a row's latest entry, which the transaction has written.

        Values: the operation, the key, the key, the sequence after which the entry must be.
        """
        next_param, table = params(), self._history.table
        operation = next_param(table.c[OPERATION].type)
        of_row = [column == next_param(column.type) for column in self._key_columns]
        same_row = [column == next_param(column.type) for column in self._key_columns]
        latest = select(func.max(self._sequence)).where(*same_row).scalar_subquery()
        labelled = update(table).values({table.c[OPERATION]: operation})
        labelled = labelled.where(*of_row, self._sequence == latest)
        labelled = labelled.where(self._sequence > next_param(BigInteger()))
        return self._compile(labelled.returning(self._sequence))

    @property
    def _sequence(self) -> Column[Any]:
        return self._history.table.c[SEQUENCE]

    @property
    def _key_columns(self) -> list[Column[Any]]:
        return [self._history.table.c[field.column.name] for field in self._key]

    def _entries(self, next_param: Any) -> Select[Any]:
        table = self._history.table
        columns = [table.c[name] for name in COLUMNS]
        of_row = [column == next_param(column.type) for column in self._key_columns]
        rows = select(*columns, *(self._recorded(field) for field in self._fields))
        return rows.where(*of_row).order_by(self._sequence.desc())

    def _recorded(self, field: Field) -> ColumnElement[Any]:
        if field.computed or field in self._history.excluded:
            return cast(null(), self._sequence.type).label(field.attribute)
        return self._history.table.c[field.column.name].label(field.attribute)

    def _compile(self, clause: Any) -> Statement:
        return Statement(clause, self.dialect)


async def end_of_earlier_rows(
    statements: HistoryStatements, connection: Connection, key: tuple[Any, ...]
) -> int:
    """Return the last sequence of earlier rows with the key of a row; 0 without any.

    Where hooks decide who sees a row, they have judged its latest version only: an earlier row
    may have been another caller's. SQLite gives the id of a deleted row to the next one.
    """
    found = await connection.fetch_one(statements.earlier_rows, (*key, *key))
    return 0 if found is None or found[0] is None else int(found[0])
