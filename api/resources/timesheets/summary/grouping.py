"""The groups of a summary, and the statement that sums the hours of each.

The statement follows the order of one of the covering indexes, so that it neither reads the table
nor sorts: an inner query sums hours by day in the order of the index, and an outer one combines
days to weeks or months. Approved hours are a second sum of each group rather than a GROUP BY
column.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, cast

from sqlalchemy import (
    Column,
    ColumnElement,
    Dialect,
    Label,
    Select,
    Table,
    select,
)
from sqlalchemy import func as sql
from sqlalchemy.sql import visitors

from db.models.timesheet import Timesheet
from encore.extensions import (
    Condition,
    Period,
    Statement,
    invalid_parameter,
    most_similar,
    params,
    start_of_period,
)

GROUP_COLUMNS: Final = {"employee": "user_id", "project": "project"}
PERIODS: Final[tuple[Period, ...]] = ("week", "month")
APPROVED: Final = "approved"
GROUPS: Final = (*GROUP_COLUMNS, *PERIODS, APPROVED)
MAX_ROWS: Final = 100_000
"""The maximum number of groups in a summary."""

_TABLE: Final = cast("Table", Timesheet.__table__)
_PERIOD: Final = "period"
_SHOWN: Final = 100
"""Characters of an unknown group's name in an error message."""


@dataclass(frozen=True, slots=True)
class Grouping:
    """What hours are grouped by. The order of the groups does not depend on the query's order.

    Attributes:
        group_columns: ``user_id``, ``project``, both or neither.
        period: ``week``, ``month`` or None.
        approved: Whether approved and other entries are separate groups.
    """

    group_columns: tuple[str, ...]
    period: Period | None
    approved: bool

    @classmethod
    def parse(cls, names: Collection[str]) -> "Grouping":
        """Parse the values of the parameter ``by``. Raise ``InvalidQuery``."""
        for name in names:
            if name not in GROUPS:
                similar = most_similar(name, GROUPS)
                hint = f"did you mean {similar}?" if similar else f"known are {', '.join(GROUPS)}"
                raise invalid_parameter("by", f"cannot be {name[:_SHOWN]!r}: {hint}")
        periods = [period for period in PERIODS if period in names]
        if len(periods) > 1:
            raise invalid_parameter(
                "by", "must not contain both week and month: weeks cross months"
            )
        return cls(
            group_columns=tuple(column for name, column in GROUP_COLUMNS.items() if name in names),
            period=periods[0] if periods else None,
            approved=APPROVED in names,
        )


def summary_statement(
    grouping: Grouping, conditions: Iterable[Condition], dialect: Dialect
) -> Statement:
    """Return the statement that sums the entries that meet the conditions.

    Its parameters are those of the conditions. A row holds the group columns, the first day of the
    period, then seconds and the number of entries: of all entries and, if grouped by
    ``approved``, of approved ones.
    """
    return Statement(partial(_select_summary, grouping, conditions, dialect), dialect)


def _select_summary(
    grouping: Grouping, conditions: Iterable[Condition], dialect: Dialect
) -> Select[Any]:
    next_param = params()
    where = [condition.clause(next_param) for condition in conditions]
    keys = [_TABLE.c[name] for name in grouping.group_columns]
    if grouping.period:
        keys.append(_TABLE.c.day)
    rows = select(*keys, *_sums(grouping)).where(*where).group_by(*keys)
    index = _covering_index([*keys, *where])
    if index is not None:
        rows = rows.with_hint(_TABLE, f"INDEXED BY {index}", "sqlite")
    if grouping.period is not None:
        rows = _sum_by_period(rows, grouping, grouping.period, dialect)
    names = [*grouping.group_columns, *([_PERIOD] if grouping.period else [])]
    return rows.order_by(*names).limit(MAX_ROWS + 1)


def _sums(grouping: Grouping) -> list[Label[Any]]:
    seconds, entries = sql.sum(_TABLE.c.hours), sql.count()
    sums: list[Label[Any]] = [seconds.label("seconds"), entries.label("entries")]
    if grouping.approved:
        approved = _TABLE.c.approved.is_(True)
        sums += [
            seconds.filter(approved).label("approved_seconds"),
            entries.filter(approved).label("approved_entries"),
        ]
    return sums


def _sum_by_period(
    days: Select[Any], grouping: Grouping, period: Period, dialect: Dialect
) -> Select[Any]:
    """Return a SELECT that combines the sums of days to weeks or months."""
    by_day = days.subquery("by_day").c
    columns = [by_day[name] for name in grouping.group_columns]
    start = start_of_period(period, by_day.day, dialect).label(_PERIOD)
    sums = [
        sql.sum(column).label(column.name)
        for column in by_day
        if column.name not in (*grouping.group_columns, "day")
    ]
    return select(*columns, start, *sums).group_by(*columns, _PERIOD)


def _covering_index(clauses: Sequence[ColumnElement[Any]]) -> str | None:
    """Return the name of the smallest index that covers all columns of the clauses, or None.

    SQLite needs it as a hint: without statistics it would look up the days one by one.
    """
    used = {
        str(element.name)
        for clause in clauses
        for element in visitors.iterate(clause)
        if isinstance(element, Column)
    }
    for index in sorted(_TABLE.indexes, key=lambda index: len(index.columns)):
        if {*used, "hours", "approved"} <= set(index.columns.keys()):
            return str(index.name)
    return None
