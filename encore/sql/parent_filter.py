"""Links: what narrows a nested resource (``/users/{id}/books``) to its parent's rows.

Finale looks the target of a belongs-to up by the parent's id (D4); here every kind follows the
relationship's own columns.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, cast

from sqlalchemy import (
    BindParameter,
    ColumnClause,
    ColumnElement,
    and_,
    literal_column,
    select,
    tuple_,
)
from sqlalchemy.orm import aliased
from sqlalchemy.sql.elements import UnaryExpression
from sqlalchemy.sql.visitors import iterate
from sqlalchemy.types import TypeEngine

from encore.database.statement import param
from encore.models.fields import Field
from encore.models.relation_conditions import (
    child_entity,
    join_relation,
    order_by_clauses,
    primary_key_of,
    selected_tables,
    strip_sort_modifiers,
)
from encore.models.relations import Relation, UnsupportedRelation


@dataclass(frozen=True, slots=True)
class ParentFilter:
    """The row is related to the parent whose key is given.

    Attributes:
        relation: From the parent to the rows.
        parent: The parent's fields that its path names.
    """

    relation: Relation
    parent: tuple[Field, ...]

    @property
    def entity(self) -> Any:
        """The alias that the relation names in place of a model; None if it names a model."""
        relation = self.relation
        return None if relation.entity is relation.target else relation.entity

    def clause(
        self, next_param: Callable[[TypeEngine[Any]], BindParameter[Any]]
    ) -> ColumnElement[bool]:
        """Write the condition, taking one slot for each part of the parent's key.

        A membership in a sub-select, not EXISTS: it is the parent that is found first, by its
        key, and then the rows by theirs.
        """
        relation = self.relation
        is_one_of_many = not relation.many and not relation.at_most_one
        named = [f.column for f in self.parent]
        tables = {column.table for column in (*named, *(local for local, _ in relation.pairs))}
        simple = relation.is_equijoin and relation.where is None and len(tables) == 1
        if not simple or is_one_of_many:
            return self._joined(next_param)
        # An alias: the parent may be of the same table as its rows.
        parent = tables.pop().alias()
        of_parent = and_(*(parent.c[one.key] == next_param(one.type) for one in named))
        if relation.link is None:
            locals_ = [parent.c[local.key] for local, _ in relation.pairs]
            members = select(*locals_)
            own = [remote for _, remote in relation.pairs]
        else:
            joined = and_(*(parent.c[local.key] == linked for local, linked in relation.pairs))
            members = select(*(linked for _, linked in relation.link_pairs))
            members = members.join_from(relation.link, parent, joined)
            own = [remote for remote, _ in relation.link_pairs]
        row = own[0] if len(own) == 1 else tuple_(*own)
        return row.in_(members.where(of_parent))

    def order(self) -> tuple[ColumnElement[Any], ...]:
        """Return the order that the relation gives its rows; the parent's key has the first slots.

        What does not stand in the rows themselves (a link table's column) is looked up for each.
        """
        relation = self.relation
        own = {*selected_tables(relation.entity)}
        return tuple(
            term if _tables_of(term) <= own else self._looked_up(term)
            for term in relation.ordered_by
        )

    def _looked_up(self, term: ColumnElement[Any]) -> ColumnElement[Any]:
        relation = self.relation
        if self.entity is not None:
            text = "is ordered by columns of other tables than the alias that it names"
            raise UnsupportedRelation(f"{relation.name}: {text}")
        parent = aliased(relation.source)
        child = child_entity(relation, parent)
        joined = join_relation(relation, parent, child)
        (moved, *_) = order_by_clauses(replace(relation, order=(term,)), child, joined)
        value, directions = strip_sort_modifiers(moved)
        of_parent = [
            getattr(parent, f.attribute) == param(n, f.column.type)
            for n, f in enumerate(self.parent)
        ]
        same = [
            a == b
            for a, b in zip(primary_key_of(child), primary_key_of(relation.target), strict=True)
        ]
        found = select(value).select_from(child, *joined.froms)
        found = found.where(joined.condition, *of_parent, *same)
        found = found.order_by(moved).limit(literal_column("1"))
        key: Any = found.correlate(*selected_tables(relation.target)).scalar_subquery()
        for direction in reversed(directions):
            key = UnaryExpression(key, modifier=direction)
        return cast("ColumnElement[Any]", key)

    def _joined(
        self, next_param: Callable[[TypeEngine[Any]], BindParameter[Any]]
    ) -> ColumnElement[bool]:
        """Write it by the ORM's own condition, on the rows' primary keys."""
        relation = self.relation
        parent = aliased(relation.source)
        child = child_entity(relation, parent)
        joined = join_relation(relation, parent, child)
        of_parent = [getattr(parent, f.attribute) == next_param(f.column.type) for f in self.parent]
        members = select(*primary_key_of(child)).select_from(child, *joined.froms)
        members = members.where(joined.condition, *of_parent)
        if not relation.many:  # As the ORM: the first of them.
            order = order_by_clauses(relation, child, joined)
            members = members.order_by(*order).limit(literal_column("1"))
        own = primary_key_of(relation.entity)
        row = own[0] if len(own) == 1 else tuple_(*own)
        return row.in_(members.correlate(None))


def _tables_of(clause: ColumnElement[Any]) -> set[object]:
    """Return the tables whose columns stand in a clause."""
    return {one.table for one in iterate(clause) if isinstance(one, ColumnClause)}
