"""Statements that estimate how many rows a list has (``pages.totals`` uses them)."""

from typing import Any

from sqlalchemy import Dialect, Select, func, literal, or_, select
from sqlalchemy.sql import ClauseElement

from encore.database.expressions.explain import Explain
from encore.models.fields import Fields


def row_security_query(fields: Fields, dialect: Dialect) -> ClauseElement:
    """Return the SELECT of whether row security is active for this role (PostgreSQL)."""
    names = map(dialect.identifier_preparer.format_table, fields.mapped.tables)
    return select(or_(*(func.row_security_active(literal(name)) for name in names)))


def explain_query(rows: Select[Any]) -> ClauseElement:
    """Return the EXPLAIN of a SELECT (PostgreSQL)."""
    return Explain(rows)


def id_range_query(fields: Fields) -> ClauseElement:
    """Return the SELECT of the number of ids from the lowest to the highest.

    It has a subquery for each: SQLite finds one by the index, but scans to find both at once.
    """
    column = fields.key[0].column
    highest = select(func.max(column)).scalar_subquery()
    lowest = select(func.min(column)).scalar_subquery()
    return select(highest - lowest + 1)


def can_estimate_by_ids(fields: Fields) -> bool:
    """Return whether the rows are all rows of one table with an autoincrement key."""
    key, mapped = fields.key, fields.mapped
    return (
        len(key) == 1
        and key[0].autoincrement
        and len(mapped.tables) == 1
        and not mapped.criteria
        and fields.entity is mapped.model
    )
