"""The SQL of relations in queries: join conditions, EXISTS, scalar subqueries and their order.

Conditions are the ORM's: ``getattr(parent, name).of_type(child)`` is the relationship's condition,
with an alias of its association table. Parents and children may be models or aliases of models.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from sqlalchemy import (
    Alias,
    BindParameter,
    ColumnElement,
    FromClause,
    Join,
    Select,
    and_,
    inspect,
    join,
    literal_column,
    select,
)
from sqlalchemy.orm import aliased
from sqlalchemy.sql.elements import UnaryExpression
from sqlalchemy.sql.util import ClauseAdapter
from sqlalchemy.sql.visitors import iterate, replacement_traverse

from encore.models.fields import Field
from encore.models.relations import Relation

Clause = TypeVar("Clause", bound=ColumnElement[Any])


@dataclass(frozen=True, slots=True)
class RelationJoin:
    """The join of a parent and a child in a query that selects from both.

    Attributes:
        condition: The join condition.
        froms: What the query must also select from: the joins of a secondary that is a join.
        links: The aliases of the secondary's tables in the query, by table.
    """

    condition: ColumnElement[bool]
    froms: tuple[FromClause, ...]
    links: Mapping[FromClause, FromClause]


def join_relation(relation: Relation, parent: Any, child: Any) -> RelationJoin:
    """Return the join of a parent entity and a child entity."""
    condition = and_(getattr(parent, relation.name).of_type(child))
    secondary = relation.mapped.secondary
    links: dict[FromClause, FromClause] = {}
    froms: tuple[FromClause, ...] = ()
    if secondary is not None:
        others = (*selected_tables(parent), *selected_tables(child))
        links = {alias.element: alias for alias in _aliases(condition) if alias not in others}
    if isinstance(secondary, Join):
        links |= {table: table.alias() for table in joined_tables(secondary) if table not in links}
        froms = (_with_aliases(secondary, links),)
    if relation.where is not None:
        condition = and_(condition, _adapt(relation.where, relation, child))
    return RelationJoin(condition, froms, links)


def child_entity(relation: Relation, parent: Any) -> Any:
    """Return an entity for the child rows that does not collide with the parent in a query."""
    if relation.entity is relation.target or relation.entity is parent:
        return aliased(relation.entity)
    return relation.entity


def related_exists(
    relation: Relation, parent: Any, criterion: Callable[[Any], ColumnElement[bool]]
) -> ColumnElement[bool]:
    """Return the condition that a child row meets a criterion.

    Args:
        relation: The relation.
        parent: The entity of the parent.
        criterion: Returns the condition on the child, whose entity it takes.
    """
    if relation.is_equijoin and relation.where is None and relation.association_table is None:
        attribute = getattr(parent, relation.name)
        child: Any = relation.target
        if inspect(child).common_parent(inspect(relation.source)):  # A self-join.
            child = aliased(child)
            attribute = attribute.of_type(child)
        has: ColumnElement[bool] = attribute.any if relation.many else attribute.has
        return has(criterion(child))  # type: ignore[operator,no-any-return] # as SQLAlchemy's
    child = child_entity(relation, parent)
    joined = join_relation(relation, parent, child)
    rows: Select[Any] = select(literal_column("1")).select_from(child, *joined.froms)
    rows = rows.where(joined.condition, criterion(child))
    return rows.correlate(*selected_tables(parent)).exists()


def related_scalar(relation: Relation, parent: Any, field: Field) -> ColumnElement[Any]:
    """Return the scalar subquery of a field of the only child row; null if there is none."""
    child = child_entity(relation, parent)
    joined = join_relation(relation, parent, child)
    rows = select(getattr(child, field.attribute)).select_from(child, *joined.froms)
    rows = rows.where(joined.condition).correlate(*selected_tables(parent))
    if not relation.at_most_one:
        rows = rows.order_by(*order_by_clauses(relation, child, joined)).limit(literal_column("1"))
    return rows.scalar_subquery()


def order_by_clauses(
    relation: Relation, child: Any, joined: RelationJoin
) -> list[ColumnElement[Any]]:
    """Return the ORDER BY of the child rows of a join; it ends with their primary key."""
    own = joined_tables(inspect(relation.entity).selectable)
    links = {table: alias for table, alias in joined.links.items() if table not in own}
    ordered = [_adapt(_linked(term, links), relation, child) for term in relation.ordered_by]
    return [*ordered, *primary_key_of(child)]


def primary_key_of(entity: Any) -> list[ColumnElement[Any]]:
    """Return the primary key of an entity."""
    mapper = inspect(entity).mapper
    keys = [mapper.get_property_by_column(column).key for column in mapper.primary_key]
    return [getattr(entity, key) for key in keys]


def strip_sort_modifiers(term: ColumnElement[Any]) -> tuple[ColumnElement[Any], list[Any]]:
    """Return a term of an ORDER BY without DESC and NULLS LAST, and these, the outermost first."""
    directions = []
    while isinstance(term, UnaryExpression) and term.modifier is not None:
        directions.append(term.modifier)
        term = term.element
    return term, directions


def has_runtime_values(condition: ColumnElement[bool]) -> bool:
    """Return whether a condition has bind parameters that are evaluated at each execution."""
    return any(
        isinstance(element, BindParameter) and (element.callable is not None or element.required)
        for element in iterate(condition)
    )


def _adapt(clause: Clause, relation: Relation, child: Any) -> Clause:
    """Return a clause on the relation's entity as the same clause on this child entity."""
    if child is relation.entity:
        return clause
    adapted: Clause = ClauseAdapter(inspect(child).selectable).traverse(clause)
    return adapted


def _linked(clause: Clause, links: Mapping[FromClause, FromClause]) -> Clause:
    """Return a clause on the secondary's tables as the same clause on their aliases."""

    def replace(element: Any, **_: Any) -> Any:
        alias = links.get(getattr(element, "table", None))  # type: ignore[arg-type] # or None
        return None if alias is None else alias.c[element.key]

    if not links:
        return clause
    linked: Clause = replacement_traverse(cast("ColumnElement[Any]", clause), {}, replace)
    return linked


def _with_aliases(selectable: FromClause, links: Mapping[FromClause, FromClause]) -> FromClause:
    """Return the same join of the tables' aliases."""
    if not isinstance(selectable, Join):
        return links[selectable]
    left, right = (_with_aliases(side, links) for side in (selectable.left, selectable.right))
    on = None if selectable.onclause is None else _linked(selectable.onclause, links)
    return join(left, right, on, isouter=selectable.isouter, full=selectable.full)


def _aliases(condition: ColumnElement[bool]) -> Iterator[Alias]:
    for element in iterate(condition):
        table = getattr(element, "table", None)
        if isinstance(table, Alias):
            yield table


def selected_tables(entity: Any) -> Sequence[FromClause]:
    """Return the tables that a query of an entity selects from."""
    return joined_tables(inspect(entity).selectable)


def joined_tables(selectable: FromClause) -> list[FromClause]:
    """Return the tables of a join, or the one table."""
    if isinstance(selectable, Join):
        return [*joined_tables(selectable.left), *joined_tables(selectable.right)]
    return [selectable]
