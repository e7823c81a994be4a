"""Statements whose tables are replaced by their histories.

A common table expression with the name of a table hides that table from the rest of the statement.
So every SELECT of a resource (pages, totals, filters, orders, embedded rows) reads a past state
unchanged, with each recorded table as it was::

    WITH parts AS (SELECT ... FROM parts_history WHERE <the version at that time>)
    SELECT parts.id, parts.name FROM parts WHERE parts.name = ?
"""

from collections.abc import Iterator
from datetime import datetime
from enum import Enum
from functools import partial
from typing import Any, Final

from sqlalchemy import (
    CTE,
    Alias,
    BindParameter,
    ColumnClause,
    ColumnElement,
    Dialect,
    Select,
    Table,
    TableClause,
    and_,
    cast,
    func,
    null,
    select,
    true,
)
from sqlalchemy.sql import ClauseElement, CompoundSelect
from sqlalchemy.sql.visitors import iterate

from encore.database.history import RecordedTable, recorded_table_of
from encore.database.history.recorded_table import (
    BASELINE,
    BEGAN,
    EXISTS,
    EXPIRED,
    OPERATION,
    RECORDED_AT,
    SEQUENCE,
)
from encore.database.statement import Statement, param
from encore.errors import ApiError, BadRequest, InvalidQuery
from encore.query.as_of import AS_OF
from encore.query.parameter_errors import invalid_parameter
from encore.sql.unrecorded import used_unrecorded
from encore.types import UtcDateTime

_LAST_VALUE: Final = -1
"""The index of the timestamp among the values of a statement."""

_NOT_INLINED: Final = "NOT MATERIALIZED"
"""PostgreSQL would otherwise read a whole history that a statement names twice."""


class State(Enum):
    """Which versions of the rows a statement reads."""

    AT_TIME = "at a time"
    """Those that were current at a time: the last value."""

    LATEST = "latest"
    """The latest of each row; of deleted rows the one before the deletion."""

    BASELINE = "baseline"
    """The first that are known, if they were recorded after a time: the last value."""


class PastStatement(Statement):
    """A statement that reads past rows.

    Its values are those of the statement that it is made of and, unless it reads the latest
    versions, a timestamp.

    Args:
        statement: The SELECT of present rows.
        state: Which versions it reads.
        current: The names of the tables that are read as they are now.

    Attributes:
        recorded: The tables that are replaced by their histories; known once it is compiled.

    Raises:
        ApiError: On compiling: it reads a table without a history, or uses a column whose values
            are not recorded.
    """

    __slots__ = ("recorded",)

    def __init__(self, statement: Statement, state: State, current: frozenset[str]) -> None:
        self.recorded: list[tuple[RecordedTable, Table]] = []
        super().__init__(partial(self._build, statement, state, current), statement.dialect)
        self.slow_until = statement.slow_until

    def _build(self, statement: Statement, state: State, current: frozenset[str]) -> ClauseElement:
        clause = statement.clause
        if not isinstance(clause, Select | CompoundSelect):
            raise impossible("these rows are not read by one SELECT")
        recorded_tables: list[tuple[RecordedTable, Table]] = []
        tables = {table.name: table for table in tables_of(clause)}
        for name, table in sorted(tables.items()):
            found = recorded_table_of(table)
            if name in current:
                continue
            if found is not None:
                recorded_tables.append(found)
            elif state is State.AT_TIME:
                raise impossible(f"{name} has no history; leave out what reads it")
        for column in used_unrecorded(clause, in_results=state is State.AT_TIME):
            raise unrecorded(column, state)
        for recorded, history in recorded_tables:
            clause = clause.add_cte(_versions(recorded, history, state))
        self.recorded = recorded_tables
        return clause


def impossible(reason: str) -> InvalidQuery:
    """Return the error for a past state that cannot be read."""
    return invalid_parameter(AS_OF, f"is not possible here: {reason}")


def unrecorded(column: str, state: State) -> ApiError:
    """Return the error for a statement that uses a column whose past values are unknown."""
    if state is State.LATEST:  # Nothing but a condition of a hook can name it.
        return BadRequest(f"The history is not possible here: {column} is not recorded")
    return impossible(f"{column} is not recorded")


def tables_of(clause: ClauseElement) -> Iterator[TableClause]:
    """Yield the tables that a clause names, some more than once."""
    for element in iterate(clause):
        source = element.table if isinstance(element, ColumnClause) else element
        while isinstance(source, Alias):
            source = source.element
        if isinstance(source, TableClause):
            yield source


def timestamp_value(at: datetime, dialect: Dialect) -> Any:
    """Return a timestamp in the driver's form."""
    bind = UtcDateTime().dialect_impl(dialect).bind_processor(dialect)
    return at if bind is None else bind(at)


def _at() -> BindParameter[Any]:
    return param(_LAST_VALUE, UtcDateTime())


def _versions(recorded: RecordedTable, history: Any, state: State) -> CTE:
    """Return the rows of a table in a past state, under the name of the table."""
    columns: list[Any] = [history.c[name] for name in recorded.columns]
    columns += [cast(null(), history.c[SEQUENCE].type).label(name) for name in recorded.exclude]
    rows = select(*columns).where(*_conditions(recorded, history, state))
    return rows.cte(recorded.table).prefix_with(_NOT_INLINED, dialect="postgresql")


def _conditions(
    recorded: RecordedTable, history: Any, state: State
) -> Iterator[ColumnElement[bool]]:
    later = history.alias()
    same = [later.c[name] == history.c[name] for name in recorded.key]
    following = and_(*same, later.c[SEQUENCE] > history.c[SEQUENCE])
    match state:
        case State.AT_TIME:
            superseded_at = (
                select(later.c[RECORDED_AT])
                .where(following)
                .order_by(later.c[SEQUENCE])
                .limit(1)
                .scalar_subquery()
            )
            yield history.c[RECORDED_AT] <= _at()
            yield history.c[EXISTS]
            yield func.coalesce(superseded_at > _at(), true())
        case State.LATEST:
            yield ~select(later.c[SEQUENCE]).where(following).exists()
            # Not IS NOT NULL of the key: SQLite would read all entries by its index.
            yield history.c[OPERATION].not_in([BEGAN, EXPIRED])
        case State.BASELINE:
            yield history.c[OPERATION] == BASELINE
            yield history.c[RECORDED_AT] > _at()
