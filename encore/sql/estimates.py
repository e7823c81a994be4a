"""The statements by which the rows of a list are estimated (``totals``)."""

from typing import Any

from sqlalchemy import Dialect, Select, func, literal, or_, select
from sqlalchemy.sql import ClauseElement

from encore.database.expressions.explain import Explain
from encore.models.fields import Fields


def row_security_query(fields: Fields, dialect: Dialect) -> ClauseElement:
    """Return the SELECT of whether a policy of PostgreSQL's narrows a table for this role."""
    names = map(dialect.identifier_preparer.format_table, fields.mapped.tables)
    return select(or_(*(func.row_security_active(literal(name)) for name in names)))


def explain_query(rows: Select[Any]) -> ClauseElement:
    """Return the EXPLAIN of a SELECT of the rows, for PostgreSQL."""
    return Explain(rows)


def id_range_query(fields: Fields) -> ClauseElement:
    """Return the SELECT of how many ids there are from the lowest to the highest.

    A SELECT for each end: SQLite finds one by the index, and both at once by a scan.
    """
    column = fields.key[0].column
    highest = select(func.max(column)).scalar_subquery()
    lowest = select(func.min(column)).scalar_subquery()
    return select(highest - lowest + 1)


def can_estimate_by_ids(fields: Fields) -> bool:
    """Return whether the rows are those of one table, which numbers them."""
    key, mapped = fields.key, fields.mapped
    return (
        len(key) == 1
        and key[0].autoincrement
        and len(mapped.tables) == 1
        and not mapped.criteria
        and fields.entity is mapped.model
    )
