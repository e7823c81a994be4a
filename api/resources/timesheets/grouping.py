"""What a summary groups hours by, and the one statement that sums them up.

The statement keeps to the order of one of the covering indexes, so that it neither reads the table
nor sorts: hours are summed by day, as the index has them, and weeks or months are made of the few
days outside. What is approved is summed beside the whole rather than grouped by.
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

LEADS: Final = {"employee": "user_id", "project": "project"}
PERIODS: Final[tuple[Period, ...]] = ("week", "month")
APPROVED: Final = "approved"
GROUPS: Final = (*LEADS, *PERIODS, APPROVED)
MAX_ROWS: Final = 100_000
"""The most groups that a summary may have."""

_TABLE: Final = cast("Table", Timesheet.__table__)
_PERIOD: Final = "period"
_SHOWN: Final = 100


@dataclass(frozen=True, slots=True)
class Grouping:
    """What hours are grouped by; groups are ordered so, whatever order they are asked for in.

    Attributes:
        leads: ``user_id``, ``project``, both or none.
        period: ``week``, ``month`` or none.
        approved: Whether what is approved is told from what is not.
    """

    leads: tuple[str, ...]
    period: Period | None
    approved: bool

    @classmethod
    def read(cls, names: Collection[str]) -> "Grouping":
        """Read the names of groups. Raises ``InvalidQuery``."""
        for name in names:
            if name not in GROUPS:
                similar = most_similar(name, GROUPS)
                hint = f"did you mean {similar}?" if similar else f"known are {', '.join(GROUPS)}"
                raise invalid_parameter("by", f"cannot be {name[:_SHOWN]!r}: {hint}")
        periods = [period for period in PERIODS if period in names]
        if len(periods) > 1:
            raise invalid_parameter(
                "by", "must name week or month, not both: weeks go across months"
            )
        return cls(
            leads=tuple(column for name, column in LEADS.items() if name in names),
            period=periods[0] if periods else None,
            approved=APPROVED in names,
        )


def summing(grouping: Grouping, conditions: Iterable[Condition], dialect: Dialect) -> Statement:
    """Make the statement that sums up the entries that meet the conditions.

    Its values are the conditions'. Its rows hold the leads, the period's first day, then hundredths
    of hours and the number of entries, of all and, if asked for, of what is approved.
    """
    return Statement(partial(_summing, grouping, conditions, dialect), dialect)


def _summing(grouping: Grouping, conditions: Iterable[Condition], dialect: Dialect) -> Select[Any]:
    next_slot = params()
    where = [condition.clause(next_slot) for condition in conditions]
    keys = [_TABLE.c[name] for name in grouping.leads] + ([_TABLE.c.day] if grouping.period else [])
    rows = select(*keys, *_sums(grouping)).where(*where).group_by(*keys)
    index = _covering([*keys, *where])
    if index is not None:
        rows = rows.with_hint(_TABLE, f"INDEXED BY {index}", "sqlite")
    if grouping.period is not None:
        rows = _by_period(rows, grouping, grouping.period, dialect)
    names = [*grouping.leads, *([_PERIOD] if grouping.period else [])]
    return rows.order_by(*names).limit(MAX_ROWS + 1)


def _sums(grouping: Grouping) -> list[Label[Any]]:
    units, entries = sql.sum(_TABLE.c.hours), sql.count()
    sums: list[Label[Any]] = [units.label("units"), entries.label("entries")]
    if grouping.approved:
        approved = _TABLE.c.approved.is_(True)
        sums += [
            units.filter(approved).label("approved_units"),
            entries.filter(approved).label("approved_entries"),
        ]
    return sums


def _by_period(
    days: Select[Any], grouping: Grouping, period: Period, dialect: Dialect
) -> Select[Any]:
    """Make weeks or months of days."""
    by_day = days.subquery("by_day").c
    leads = [by_day[name] for name in grouping.leads]
    start = start_of_period(period, by_day.day, dialect).label(_PERIOD)
    sums = [
        sql.sum(column).label(column.name)
        for column in by_day
        if column.name not in (*grouping.leads, "day")
    ]
    return select(*leads, start, *sums).group_by(*leads, _PERIOD)


def _covering(clauses: Sequence[ColumnElement[Any]]) -> str | None:
    """Name the smallest index that holds all columns in question, if there is one.

    SQLite is told of it: without statistics it would rather look up days one by one.
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
