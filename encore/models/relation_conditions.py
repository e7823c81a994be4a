"""Conditions: the SQL that a relationship lends to queries.

It is the ORM's own: ``getattr(parent, name).of_type(child)`` is whatever the relationship says,
with its link table under a name of its own. Parents and children may be models or aliases of them.
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
    """How a parent and a child are related, in a query that has both.

    Attributes:
        condition: What must hold.
        froms: What else the query must select from: the joins of a secondary that is a join.
        links: The names that the tables of the secondary have in the query.
    """

    condition: ColumnElement[bool]
    froms: tuple[FromClause, ...]
    links: Mapping[FromClause, FromClause]


def join_relation(relation: Relation, parent: Any, child: Any) -> RelationJoin:
    """Relate this parent and this child."""
    condition = and_(getattr(parent, relation.name).of_type(child))
    secondary = relation.mapped.secondary
    links: dict[FromClause, FromClause] = {}
    froms: tuple[FromClause, ...] = ()
    if secondary is not None:
        others = (*selected_tables(parent), *selected_tables(child))
        links = {one.element: one for one in _aliases(condition) if one not in others}
    if isinstance(secondary, Join):
        links |= {table: table.alias() for table in joined_tables(secondary) if table not in links}
        froms = (_renamed(secondary, links),)
    if relation.where is not None:
        condition = and_(condition, _moved(relation.where, relation, child))
    return RelationJoin(condition, froms, links)


def child_entity(relation: Relation, parent: Any) -> Any:
    """Return an entity for the related rows that can stand in a query of the parent's."""
    if relation.entity is relation.target or relation.entity is parent:
        return aliased(relation.entity)
    return relation.entity


def related_exists(
    relation: Relation, parent: Any, criterion: Callable[[Any], ColumnElement[bool]]
) -> ColumnElement[bool]:
    """Make the condition that a related row meets a criterion, which is made for its entity."""
    if relation.plain and relation.where is None and relation.link is None:
        attribute = getattr(parent, relation.name)
        child: Any = relation.target
        if inspect(child).common_parent(inspect(relation.source)):  # One table, in two roles.
            child = aliased(child)
            attribute = attribute.of_type(child)
        there: ColumnElement[bool] = attribute.any if relation.many else attribute.has
        return there(criterion(child))  # type: ignore[operator,no-any-return] # as SQLAlchemy's
    child = child_entity(relation, parent)
    joined = join_relation(relation, parent, child)
    rows: Select[Any] = select(literal_column("1")).select_from(child, *joined.froms)
    rows = rows.where(joined.condition, criterion(child))
    return rows.correlate(*selected_tables(parent)).exists()


def related_scalar(relation: Relation, parent: Any, field: Field) -> ColumnElement[Any]:
    """Make the expression for a field of the one related row; null where there is none."""
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
    """Return the order of the related rows in a query that relates them so.

    The primary key comes last, so that the order is the same every time.
    """
    own = joined_tables(inspect(relation.entity).selectable)
    links = {table: alias for table, alias in joined.links.items() if table not in own}
    ordered = [_moved(_linked(one, links), relation, child) for one in relation.ordered_by]
    return [*ordered, *primary_key_of(child)]


def primary_key_of(entity: Any) -> list[ColumnElement[Any]]:
    """Return an entity's primary key."""
    mapper = inspect(entity).mapper
    keys = [mapper.get_property_by_column(column).key for column in mapper.primary_key]
    return [getattr(entity, key) for key in keys]


def strip_sort_modifiers(term: ColumnElement[Any]) -> tuple[ColumnElement[Any], list[Any]]:
    """Take DESC and NULLS LAST off a term of an ORDER BY; return both, the outermost first."""
    directions = []
    while isinstance(term, UnaryExpression) and term.modifier is not None:
        directions.append(term.modifier)
        term = term.element
    return term, directions


def has_runtime_values(condition: ColumnElement[bool]) -> bool:
    """Tell whether a condition takes a value each time it is run: it can't be compiled once."""
    return any(
        isinstance(one, BindParameter) and (one.callable is not None or one.required)
        for one in iterate(condition)
    )


def _moved(clause: Clause, relation: Relation, child: Any) -> Clause:
    """Have what is said of the relation's entity said of this one."""
    if child is relation.entity:
        return clause
    moved: Clause = ClauseAdapter(inspect(child).selectable).traverse(clause)
    return moved


def _linked(clause: Clause, links: Mapping[FromClause, FromClause]) -> Clause:
    """Have what is said of a link table said of the name that it has in the query."""

    def replace(element: Any, **_: Any) -> Any:
        alias = links.get(getattr(element, "table", None))  # type: ignore[arg-type] # or None
        return None if alias is None else alias.c[element.key]

    if not links:
        return clause
    linked: Clause = replacement_traverse(cast("ColumnElement[Any]", clause), {}, replace)
    return linked


def _renamed(selectable: FromClause, links: Mapping[FromClause, FromClause]) -> FromClause:
    """Make the same join of the tables under their other names."""
    if not isinstance(selectable, Join):
        return links[selectable]
    left, right = (_renamed(one, links) for one in (selectable.left, selectable.right))
    on = None if selectable.onclause is None else _linked(selectable.onclause, links)
    return join(left, right, on, isouter=selectable.isouter, full=selectable.full)


def _aliases(condition: ColumnElement[bool]) -> Iterator[Alias]:
    for one in iterate(condition):
        table = getattr(one, "table", None)
        if isinstance(table, Alias):
            yield table


def selected_tables(entity: Any) -> Sequence[FromClause]:
    """Return what a query of this entity selects from."""
    return joined_tables(inspect(entity).selectable)


def joined_tables(selectable: FromClause) -> list[FromClause]:
    """Return what a join joins, down to its single tables."""
    if isinstance(selectable, Join):
        return [*joined_tables(selectable.left), *joined_tables(selectable.right)]
    return [selectable]
