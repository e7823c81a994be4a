"""Parsed queries: conditions, an order and a page.

A condition has no values: these are in a flat tuple beside the conditions, so that requests that
differ only in values share one compiled statement. Conditions are hashable and compare by value.
Their SQL selects from the resource's model, or from another entity: the alias of a related model.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, and_, false, not_, or_, true
from sqlalchemy.types import TypeEngine

from encore.database.expressions.timestamp_text import longest_form
from encore.database.soft_deletes import DeletedRows
from encore.models.fields import Field
from encore.models.relation_conditions import related_exists, related_scalar
from encore.models.relations import Relation
from encore.query.indexed_search import IndexedSearch
from encore.query.operators import Operator
from encore.query.timestamps import compare_timestamps, has_several_forms

NextParam = Callable[[TypeEngine[Any]], BindParameter[Any]]
"""Returns the bind parameter of the next value, of a SQL type."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The comparison of a field with ``size`` values by an operator."""

    field: Field
    operator: Operator
    size: int = 1

    def clause(self, next_param: NextParam, entity: Any = None) -> ColumnElement[bool]:
        """Return the SQL, with ``size`` bind parameters."""
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
        """Return the SQL, without bind parameters."""
        return _column(self.field, entity).is_(None)


@dataclass(frozen=True, slots=True)
class Not:
    """The negation of a condition; where that is unknown (null), so is this."""

    inner: "Condition"

    def clause(self, next_param: NextParam, entity: Any = None) -> ColumnElement[bool]:
        """Return the SQL, with the bind parameters of the inner condition."""
        return not_(self.inner.clause(next_param, entity))


@dataclass(frozen=True, slots=True)
class Or:
    """At least one of the conditions is true; false without conditions."""

    inner: tuple["Condition", ...]

    def clause(self, next_param: NextParam, entity: Any = None) -> ColumnElement[bool]:
        """Return the SQL, with the bind parameters of the inner conditions in order."""
        return or_(false(), *(condition.clause(next_param, entity) for condition in self.inner))


@dataclass(frozen=True, slots=True)
class And:
    """All conditions are true; true without conditions."""

    inner: tuple["Condition", ...]

    def clause(self, next_param: NextParam, entity: Any = None) -> ColumnElement[bool]:
        """Return the SQL, with the bind parameters of the inner conditions in order."""
        return and_(true(), *(condition.clause(next_param, entity) for condition in self.inner))


@dataclass(frozen=True, slots=True)
class RelatedFilter:
    """At least one related row meets the inner condition."""

    relation: Relation
    inner: "Condition"

    def clause(self, next_param: NextParam, entity: Any = None) -> ColumnElement[bool]:
        """Return the SQL as EXISTS, which does not duplicate rows as a join does."""
        parent = self.relation.source if entity is None else entity
        return related_exists(
            self.relation, parent, lambda child: self.inner.clause(next_param, child)
        )


@dataclass(frozen=True, slots=True, eq=False)
class RawFilter:
    """A SQL expression of the service, values included: a preset, an option, a hook's criterion.

    Two raw filters are equal only if they are the same object: reuse one to share its statement.
    """

    expression: ColumnElement[bool]

    def clause(self, _: NextParam, entity: Any = None) -> ColumnElement[bool]:  # noqa: ARG002 - only for the resource's model
        """Return the expression."""
        return self.expression


def _column(field: Field, entity: Any) -> ColumnElement[Any]:
    """Return the field's expression for the resource's model or for another entity."""
    return field.expression if entity is None else getattr(entity, field.attribute)


Condition = Comparison | IsNull | Not | Or | And | RelatedFilter | RawFilter | IndexedSearch


@dataclass(frozen=True, slots=True)
class OrderTerm:
    """A field to sort by, maybe of a related row; nulls come first in ascending order."""

    field: Field
    descending: bool = False
    relation: Relation | None = None

    def clause(self) -> ColumnElement[Any]:
        """Return the SQL, with nulls at the same end on every database."""
        relation = self.relation
        if relation is None:
            key: ColumnElement[Any] = self.field.expression
        else:
            key = related_scalar(relation, relation.source, self.field)
        if has_several_forms(self.field):
            key = longest_form(key)
        return order_clause(key, descending=self.descending, nullable=self.nullable)

    @property
    def nullable(self) -> bool:
        """Whether there may be nulls: a related row may be missing, the key of a view null."""
        return bool(self.field.column.nullable) or self.relation is not None


def order_clause(
    key: ColumnElement[Any], *, descending: bool, nullable: bool
) -> ColumnElement[Any]:
    """Return a term of an ORDER BY, with nulls at the same end on every database."""
    term = key.desc() if descending else key.asc()
    if not nullable:
        return term
    return term.nulls_last() if descending else term.nulls_first()


@dataclass(frozen=True, slots=True, eq=False)
class RawOrder:
    """A SQL expression to sort by, such as the ``order_by`` of a relationship.

    Attributes:
        expression: The expression.
        text: Its SQL text, which identifies it in cursors.
    """

    expression: ColumnElement[Any]
    text: str = ""

    def clause(self) -> ColumnElement[Any]:
        """Return the expression."""
        return self.expression


Order = OrderTerm | RawOrder


@dataclass(frozen=True, slots=True)
class StatementKey:
    """The conditions and the order of a list without values: the key of its statement."""

    conditions: tuple[Condition, ...] = ()
    order: tuple[Order, ...] = ()


@dataclass(frozen=True, slots=True)
class Pagination:
    """The pagination of a list.

    Attributes:
        digest: The digest of sort, filters, search and presets, to which cursors are bound.
        query: The parameters that links repeat, percent-encoded; if not empty it ends with ``&``.
            None if there are no links: a dialect has none.
        cursor: The ``cursor`` parameter; None without one.
        style: The parameter in links, ``offset`` or ``page``, or that of a dialect; None for
            cursors.
        page: The ``page`` parameter, from 0.
    """

    digest: bytes
    query: str | None
    cursor: str | None = None
    style: str | None = None
    page: int = 0


@dataclass(frozen=True, slots=True)
class ListQuery:
    """A parsed query.

    Attributes:
        statement_key: The conditions and the order.
        values: The driver values of the conditions' bind parameters.
        count: The size of the page, in rows.
        offset: How many rows come before the page.
        shown: The selected fields (``fields=``), by attribute; None for all.
        children: The relations to embed (``children=a|b``); None without the parameter.
        pagination: The pagination; None if the list has none.
        as_of: The time of the rows (``as_of=``); None for the present.
        deleted: Which deleted rows are requested (``deleted=with``); None without the parameter.
    """

    statement_key: StatementKey
    values: tuple[Any, ...]
    count: int
    offset: int
    shown: frozenset[str] | None = None
    children: frozenset[str] | None = None
    pagination: Pagination | None = None
    as_of: datetime | None = None
    deleted: DeletedRows | None = None


@dataclass(frozen=True, slots=True)
class FilterQuery:
    """The parsed query of an action on all rows that match.

    Attributes:
        conditions: The conditions that choose the rows; empty without a filter.
        values: The driver values of their bind parameters.
        parameters: The texts of the action's own parameters, by name.
    """

    conditions: tuple[Condition, ...]
    values: tuple[Any, ...]
    parameters: Mapping[str, tuple[str, ...]]


def leaf_conditions(
    condition: Condition,
) -> Iterator[Comparison | IsNull | RawFilter | IndexedSearch]:
    """Yield the conditions without inner conditions that a condition consists of."""
    match condition:
        case Or() | And():
            for inner in condition.inner:
                yield from leaf_conditions(inner)
        case Not() | RelatedFilter():
            yield from leaf_conditions(condition.inner)
        case _:
            yield condition
