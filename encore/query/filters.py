"""What a list is asked for: conditions, an order, and a page.

A condition knows its SQL but not its values; those stand beside it in a flat tuple. So two
requests that differ in values alone share one compiled statement. All of these are hashable and
compare by what they say. The SQL is of the resource's model, or of an entity in its place: an alias
in which a relation is followed.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, and_, false, not_, or_, true
from sqlalchemy.types import TypeEngine

from encore.database.expressions.timestamp_text import longest
from encore.models.fields import Field
from encore.models.relation_conditions import related_exists, related_scalar
from encore.models.relations import Relation
from encore.query.indexed_search import IndexedSearch
from encore.query.operators import Operator
from encore.query.timestamps import compare_timestamps, has_several_forms

NextParam = Callable[[TypeEngine[Any]], BindParameter[Any]]
"""Gives the slot for the next value, of the SQL type given."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A field compared by an operator with ``size`` values."""

    field: Field
    operator: Operator
    size: int = 1

    def clause(self, next_param: NextParam, entity: Any = None) -> ColumnElement[bool]:
        """Write the condition, taking ``size`` slots."""
        column = _column(self.field, entity)
        type_ = self.operator.param_type(column)
        params = [next_param(type_) for _ in range(self.size)]
        ranged = compare_timestamps(self.field, column, self.operator.name, params)
        return self.operator.build(column, params) if ranged is None else ranged


@dataclass(frozen=True, slots=True)
class IsNull:
    """``field IS NULL``."""

    field: Field

    def clause(self, _: NextParam, entity: Any = None) -> ColumnElement[bool]:
        """Write the condition; it has no values."""
        return _column(self.field, entity).is_(None)


@dataclass(frozen=True, slots=True)
class Not:
    """What the inner condition does not say; where that is unknown (null), neither does this."""

    inner: "Condition"

    def clause(self, next_param: NextParam, entity: Any = None) -> ColumnElement[bool]:
        """Write the condition."""
        return not_(self.inner.clause(next_param, entity))


@dataclass(frozen=True, slots=True)
class Or:
    """At least one of the conditions; none of none."""

    inner: tuple["Condition", ...]

    def clause(self, next_param: NextParam, entity: Any = None) -> ColumnElement[bool]:
        """Write the condition, its parts taking their slots in turn."""
        return or_(false(), *(condition.clause(next_param, entity) for condition in self.inner))


@dataclass(frozen=True, slots=True)
class And:
    """Every one of the conditions."""

    inner: tuple["Condition", ...]

    def clause(self, next_param: NextParam, entity: Any = None) -> ColumnElement[bool]:
        """Write the condition, its parts taking their slots in turn."""
        return and_(true(), *(condition.clause(next_param, entity) for condition in self.inner))


@dataclass(frozen=True, slots=True)
class RelatedFilter:
    """A related row (any of them, where there are many) meets the inner condition."""

    relation: Relation
    inner: "Condition"

    def clause(self, next_param: NextParam, entity: Any = None) -> ColumnElement[bool]:
        """Write the condition as EXISTS, which never doubles rows as a join would."""
        parent = self.relation.source if entity is None else entity
        return related_exists(
            self.relation, parent, lambda child: self.inner.clause(next_param, child)
        )


@dataclass(frozen=True, slots=True, eq=False)
class RawFilter:
    """A condition that the service itself adds; its values, if any, stand inside it.

    Made once and kept (a preset, an option), it shares one compiled statement by its identity.
    """

    expression: ColumnElement[bool]

    def clause(self, _: NextParam, entity: Any = None) -> ColumnElement[bool]:  # noqa: ARG002
        """Return the expression, which is of the resource's own rows."""
        return self.expression


def _column(field: Field, entity: Any) -> ColumnElement[Any]:
    """Return the field's expression, of the resource's model or of another entity."""
    return field.expression if entity is None else getattr(entity, field.attribute)


Condition = Comparison | IsNull | Not | Or | And | RelatedFilter | RawFilter | IndexedSearch


@dataclass(frozen=True, slots=True)
class OrderTerm:
    """One field to sort by, perhaps of the one related row; nulls come first when ascending."""

    field: Field
    descending: bool = False
    relation: Relation | None = None

    def clause(self) -> ColumnElement[Any]:
        """Write the term, with nulls in the same place on every database."""
        relation = self.relation
        if relation is None:
            key: ColumnElement[Any] = self.field.expression
        else:
            key = related_scalar(relation, relation.source, self.field)
        if has_several_forms(self.field):
            key = longest(key)
        return order_clause(key, descending=self.descending, nullable=self.nullable)

    @property
    def nullable(self) -> bool:
        """Whether there may be nulls: a related row may be missing, a view's key be null."""
        return bool(self.field.column.nullable) or self.relation is not None


def order_clause(
    key: ColumnElement[Any], *, descending: bool, nullable: bool
) -> ColumnElement[Any]:
    """Return a term of an ORDER BY, with nulls in the same place on every database."""
    term = key.desc() if descending else key.asc()
    if not nullable:
        return term
    return term.nulls_last() if descending else term.nulls_first()


@dataclass(frozen=True, slots=True, eq=False)
class RawOrder:
    """A term of the order that the model itself gives, such as a relation's ``order_by``.

    Attributes:
        expression: The term.
        text: Its SQL, by which it is known again.
    """

    expression: ColumnElement[Any]
    text: str = ""

    def clause(self) -> ColumnElement[Any]:
        """Return the term."""
        return self.expression


Order = OrderTerm | RawOrder


@dataclass(frozen=True, slots=True)
class StatementKey:
    """Everything of a list but its values."""

    conditions: tuple[Condition, ...] = ()
    order: tuple[Order, ...] = ()


@dataclass(frozen=True, slots=True)
class Pagination:
    """How a list is paginated.

    Attributes:
        digest: Of what a cursor is bound to: sort, filters, search and presets.
        query: The parameters to be repeated, percent-encoded; empty or with an ``&`` at the end.
        cursor: The cursor given, as text.
        style: The parameter that numbers the pages, ``offset`` or ``page``; None for cursors.
        page: The number of the page.
    """

    digest: bytes
    query: str
    cursor: str | None = None
    style: str | None = None
    page: int = 0


@dataclass(frozen=True, slots=True)
class ListQuery:
    """A list as it was asked for.

    Attributes:
        shape: Conditions and order.
        values: What the conditions' slots are bound to, as the driver wants it.
        count: The page's size, in rows.
        offset: How many rows come before it.
        shown: The fields asked for (``fields=``), by attribute; None for all.
        children: The relations asked for (``children=a|b``); None where not said.
        pagination: How its pages are asked for; None where it has none.
    """

    shape: StatementKey
    values: tuple[Any, ...]
    count: int
    offset: int
    shown: frozenset[str] | None = None
    children: frozenset[str] | None = None
    pagination: Pagination | None = None


def leaf_conditions(
    condition: Condition,
) -> Iterator[Comparison | IsNull | RawFilter | IndexedSearch]:
    """Yield every single comparison inside a condition."""
    match condition:
        case Or() | And():
            for one in condition.inner:
                yield from leaf_conditions(one)
        case Not() | RelatedFilter():
            yield from leaf_conditions(condition.inner)
        case _:
            yield condition
