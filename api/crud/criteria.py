"""What a list is asked for: conditions, an order, and a page.

A condition knows its SQL but not its values; those stand beside it in a flat tuple, so that two
requests that differ in values alone share one compiled statement.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, String, false, or_

from api.crud.fields import Field
from db.matching import like_any_case

NextSlot = Callable[[Any], Any]
"""Gives the slot for the next value, of the SQL type given."""


@dataclass(frozen=True, slots=True)
class Equals:
    """``field = value``."""

    field: Field

    def clause(self, next_slot: NextSlot) -> ColumnElement[bool]:
        """Write the condition, taking one slot."""
        column: ColumnElement[Any] = self.field.column
        same: ColumnElement[bool] = column == next_slot(column.type)
        return same


@dataclass(frozen=True, slots=True)
class IsNull:
    """``field IS NULL``."""

    field: Field

    def clause(self, next_slot: NextSlot) -> ColumnElement[bool]:  # noqa: ARG002 - takes none
        """Write the condition."""
        return self.field.column.is_(None)


@dataclass(frozen=True, slots=True)
class In:
    """``field IN (…)`` of ``size`` values, or null where ``or_null``."""

    field: Field
    size: int
    or_null: bool = False

    def clause(self, next_slot: NextSlot) -> ColumnElement[bool]:
        """Write the condition, taking ``size`` slots."""
        column = self.field.column
        if not self.size:
            return column.is_(None) if self.or_null else false()
        among = column.in_([next_slot(column.type) for _ in range(self.size)])
        return or_(among, column.is_(None)) if self.or_null else among


@dataclass(frozen=True, slots=True)
class Contains:
    """Any of ``fields`` contains the text, ignoring case; ``%`` and ``_`` are letters."""

    fields: tuple[Field, ...]

    def clause(self, next_slot: NextSlot) -> ColumnElement[bool]:
        """Write the condition, taking one slot for each field: a pattern."""
        return or_(
            false(), *(like_any_case(field.column, next_slot(String())) for field in self.fields)
        )


@dataclass(frozen=True, slots=True)
class OrderTerm:
    """One column to sort by; nulls come first when ascending, on every database."""

    field: Field
    descending: bool = False

    def clause(self) -> ColumnElement[Any]:
        """Write the term."""
        column = self.field.column
        term = column.desc() if self.descending else column.asc()
        if not self.field.nullable:
            return term
        return term.nulls_last() if self.descending else term.nulls_first()


Condition = Equals | IsNull | In | Contains


@dataclass(frozen=True, slots=True)
class Shape:
    """Everything of a list but its values."""

    conditions: tuple[Condition, ...]
    order: tuple[OrderTerm, ...]


@dataclass(frozen=True, slots=True)
class ListQuery:
    """A list as it was asked for.

    Attributes:
        shape: Conditions and order.
        values: What the conditions' slots are bound to, as the driver wants it.
        count: The page's size, in rows.
        offset: How many rows come before it.
    """

    shape: Shape
    values: tuple[Any, ...]
    count: int
    offset: int
