"""Including: what ``Include`` says of a relation's rows, checked and made part of the relation."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import ColumnElement, Dialect, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import InstrumentedAttribute, aliased

from api.crud.associations.conditions import key_of, order_of, related, takes_values
from api.crud.associations.relations import Relation
from api.crud.query.criteria import directed
from api.crud.views.fields import Fields
from db.statement import Statement

if TYPE_CHECKING:
    from api.crud.views.view import Include

DEFAULT_LIMIT: Final = 100
"""How many related rows of one parent are embedded where nothing else is said."""


class UnusableRelation(LookupError):
    """A relation, or what an option asks of it, cannot be carried out; the text says why."""


def included(relation: Relation, include: "Include", fields: Fields, dialect: Dialect) -> Relation:
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


def limit_of(relation: Relation, limit: Any) -> int:
    """Return how many rows of one parent are embedded. Raises ``UnusableRelation``."""
    if limit is None:
        return DEFAULT_LIMIT if relation.many else 1
    if not relation.many:
        raise UnusableRelation(f"{relation.name}: limit is for relations to many rows")
    if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:
        raise UnusableRelation(f"{relation.name}: limit must be an integer of at least 1")
    return limit


def check_relation(relation: Relation, dialect: Dialect) -> None:
    """Compile a relation's condition and order once. Raises ``UnusableRelation``."""
    if relation.plain and relation.where is None and not relation.ordered_by:
        return
    try:
        parent, child = aliased(relation.source), relation.entity
        joined = related(relation, parent, child)
        order = order_of(relation, child, joined)
        rows = select(*key_of(parent), *key_of(child)).select_from(*joined.froms)
        Statement(rows.where(joined.condition).order_by(*order), dialect)
    except (SQLAlchemyError, NotImplementedError, AttributeError, TypeError) as error:
        raise UnusableRelation(f"{relation.name}: cannot be compiled: {error}") from error
    if any(takes_values(clause) for clause in (joined.condition, *order)):
        raise UnusableRelation(
            f"{relation.name}: its condition has a parameter whose value is only known when it is"
            " run (bindparam with callable_ or without a value)"
        )


def _where(relation: Relation, given: Any) -> ColumnElement[bool] | None:
    condition = given() if callable(given) else given
    if condition is None and given is None:
        return None
    if not isinstance(condition, ColumnElement):
        raise UnusableRelation(
            f"{relation.name}: where must be a SQL condition, or a function that returns one"
        )
    return condition


def _order(relation: Relation, given: Any, fields: Fields) -> list[ColumnElement[Any]]:
    if isinstance(given, str):
        names = [name for name in given.split(",") if name]
        return [_term(relation, name, fields) for name in names]
    terms = list(given) if isinstance(given, list | tuple) else [given]
    if not all(_is_sql(term) for term in terms):
        raise UnusableRelation(
            f"{relation.name}: order_by must be text such as name,-id, or SQL expressions"
        )
    return terms


def _is_sql(term: Any) -> bool:
    return isinstance(term, ColumnElement | InstrumentedAttribute)


def _term(relation: Relation, name: str, fields: Fields) -> ColumnElement[Any]:
    field = fields.find(name.removeprefix("-"))
    if field is None:
        known = ", ".join(fields.by_name)
        raise UnusableRelation(f"{relation.name}: order_by: {name!r} is none of {known}")
    key = getattr(relation.entity, field.attribute)
    return directed(key, descending=name.startswith("-"), nullable=field.nullable)
