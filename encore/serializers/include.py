"""Applying an ``Include`` to a relation: its condition and order, checked and compiled once."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final
from warnings import catch_warnings

from sqlalchemy import ColumnElement, Dialect, FromClause, and_, inspect, select
from sqlalchemy.exc import SAWarning, SQLAlchemyError
from sqlalchemy.orm import InstrumentedAttribute, aliased

from encore.database.statement import Statement
from encore.models.fields import Fields
from encore.models.relation_conditions import (
    has_runtime_values,
    join_relation,
    joined_tables,
    order_by_clauses,
    primary_key_of,
    selected_tables,
    strip_sort_modifiers,
)
from encore.models.relations import Relation, UnsupportedRelation
from encore.query.filters import order_clause

if TYPE_CHECKING:
    from encore.options import Include

DEFAULT_LIMIT: Final = 100
"""How many related rows of one parent are embedded by default."""


def apply_include(
    relation: Relation, include: "Include", fields: Fields, dialect: Dialect
) -> Relation:
    """Return the relation with the conditions and the order of an ``Include``.

    Raises:
        UnusableRelation: It, or what is asked of it, is nothing that can be compiled.
    """
    narrowed = replace(
        relation,
        where=_where(relation, include.where),
        order=tuple(_order(relation, include.order_by, fields)),
    )
    check_relation(narrowed, dialect)
    return narrowed


def include_limit(relation: Relation, limit: Any) -> int:
    """Return how many rows of one parent are embedded. Raises ``UnsupportedRelation``."""
    if limit is None:
        return DEFAULT_LIMIT if relation.many else 1
    if not relation.many:
        raise UnsupportedRelation(f"{relation.name}: limit is for relations to many rows")
    if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:
        raise UnsupportedRelation(f"{relation.name}: limit must be an integer of at least 1")
    return limit


def check_relation(relation: Relation, dialect: Dialect) -> None:
    """Compile a relation's condition and order once. Raises ``UnsupportedRelation``."""
    if relation.is_equijoin and relation.where is None and not relation.ordered_by:
        return
    _check_tables(relation)
    try:
        parent, child = aliased(relation.source), relation.entity
        joined = join_relation(relation, parent, child)
        order = order_by_clauses(relation, child, joined)
        rows = select(*primary_key_of(parent), *primary_key_of(child)).select_from(*joined.froms)
        Statement(rows.where(joined.condition).order_by(*order), dialect)
    except (SQLAlchemyError, NotImplementedError, AttributeError, TypeError) as error:
        raise UnsupportedRelation(f"{relation.name}: cannot be compiled: {error}") from error
    if any(has_runtime_values(clause) for clause in (joined.condition, *order)):
        raise UnsupportedRelation(
            f"{relation.name}: its condition has a parameter whose value is only known when it is"
            " run (bindparam with callable_ or without a value)"
        )


def _where(relation: Relation, where: Any) -> ColumnElement[bool] | None:
    condition = where() if callable(where) else where
    if condition is None and where is None:
        return None
    if not _is_sql(condition):
        raise UnsupportedRelation(
            f"{relation.name}: where must be a SQL condition, or a function that returns one"
        )
    return and_(condition)


def _check_tables(relation: Relation) -> None:
    """Reject columns of tables that are not in the query, which would be a cartesian product."""
    related_tables = {*selected_tables(relation.entity)}
    if relation.entity is not relation.target:
        with catch_warnings(action="ignore", category=SAWarning):
            keys = [attribute.key for attribute in inspect(relation.target).column_attrs]
            columns = [getattr(relation.entity, key).expression for key in keys]
        _check_froms(relation, "the alias", columns, related_tables)
    if relation.where is not None:
        _check_froms(relation, "where", [relation.where], related_tables)
    if relation.mapped.secondary is not None:
        related_tables |= {*joined_tables(relation.mapped.secondary)}
    _check_froms(
        relation,
        "order_by",
        [strip_sort_modifiers(t)[0] for t in relation.ordered_by],
        related_tables,
    )


def _check_froms(
    relation: Relation,
    option: str,
    clauses: Sequence[ColumnElement[Any]],
    related_tables: set[FromClause],
) -> None:
    found = {
        table
        for clause in clauses
        for selectable in select(clause).get_final_froms()
        for table in joined_tables(selectable)
    }
    others = ", ".join(
        sorted(str(getattr(table, "name", table)) for table in found - related_tables)
    )
    if others:
        raise UnsupportedRelation(
            f"{relation.name}: {option} names columns of {others}, which is not the related table"
        )


def _order(relation: Relation, order_by: Any, fields: Fields) -> list[ColumnElement[Any]]:
    if isinstance(order_by, str):
        names = [name for name in order_by.split(",") if name]
        return [_term(relation, name, fields) for name in names]
    terms = list(order_by) if isinstance(order_by, list | tuple) else [order_by]
    if not all(_is_sql(term) for term in terms):
        raise UnsupportedRelation(
            f"{relation.name}: order_by must be a string such as name,-id, or SQL expressions"
        )
    return terms


def _is_sql(term: Any) -> bool:
    return isinstance(term, ColumnElement | InstrumentedAttribute)


def _term(relation: Relation, name: str, fields: Fields) -> ColumnElement[Any]:
    field = fields.find_by_name(name.removeprefix("-"))
    if field is None:
        known = ", ".join(fields.by_name)
        raise UnsupportedRelation(f"{relation.name}: order_by: {name!r} is none of {known}")
    key = getattr(relation.entity, field.attribute)
    return order_clause(key, descending=name.startswith("-"), nullable=field.nullable)
