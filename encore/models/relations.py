"""A relationship of a model, as SQLAlchemy maps it: which rows it relates, who may write it."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

from sqlalchemy import Column, ColumnElement, Table, inspect
from sqlalchemy.orm import Mapper, RelationshipDirection, RelationshipProperty

from encore.models.column_pairs import ColumnPairs, is_equijoin, is_unique
from encore.models.fields import Model


class UnsupportedRelation(LookupError):
    """A relation, or what an option asks of it, cannot be carried out; the text says why."""


@dataclass(frozen=True, eq=False)
class Relation:
    """One relationship, seen from its parent.

    Attributes:
        name: The mapped attribute's name, in Python and in JSON.
        many: Whether there can be several related rows.
        owned: The foreign key stands in the related rows (one-to-many, one-to-one).
        source: The model that it is seen from.
        target: The related model.
        pairs: Columns that are equal: the parent's (or the link table's own, see ``link``) and
            the related rows'. For a link table: the parent's and the link's.
        link: The link table of a many-to-many relationship; None otherwise.
        link_pairs: The related rows' columns and the link table's, likewise.
        where: What its rows must meet beyond the relationship, in terms of ``entity``.
        order: What ``Include`` says of their order, likewise; empty means the relationship's own.
    """

    name: str
    many: bool
    owned: bool
    source: Model
    target: Model
    pairs: ColumnPairs
    link: Table | None
    link_pairs: ColumnPairs
    mapped: RelationshipProperty[Any]
    where: ColumnElement[bool] | None = None
    order: tuple[ColumnElement[Any], ...] = ()

    @classmethod
    def of(cls, mapped: RelationshipProperty[Any], source: Model) -> "Relation":
        """Read a relationship off its mapping."""
        secondary = mapped.secondary
        joined = mapped.synchronize_pairs if secondary is not None else mapped.local_remote_pairs
        return cls(
            name=mapped.key,
            many=bool(mapped.uselist),
            owned=mapped.direction is RelationshipDirection.ONETOMANY,
            source=source,
            target=mapped.mapper.class_,
            pairs=cast("ColumnPairs", tuple(joined or ())),
            link=secondary if isinstance(secondary, Table) else None,
            link_pairs=cast("ColumnPairs", tuple(mapped.secondary_synchronize_pairs or ())),
            mapped=mapped,
        )

    @cached_property
    def entity(self) -> Any:
        """The related model, or the alias of it that the relationship names instead."""
        return self.mapped.entity.entity

    @cached_property
    def plain(self) -> bool:
        """Whether the relationship is nothing but its pairs of equal columns."""
        return is_equijoin(self.mapped, inspect(self.source), (*self.pairs, *self.link_pairs))

    @cached_property
    def repeats(self) -> bool:
        """Whether a row may be found twice for one parent; the ORM shows it once."""
        if not self.plain:
            return True
        linked = [column for _, column in (*self.pairs, *self.link_pairs)]
        return self.link is not None and not is_unique(linked)

    @cached_property
    def at_most_one(self) -> bool:
        """Whether the database itself allows each parent one related row and no more."""
        return self.plain and self.link is None and is_unique([other for _, other in self.pairs])

    @cached_property
    def writable(self) -> bool:
        """Whether a body may write it: the ORM would, and by these pairs alone."""
        mapped = self.mapped
        if mapped.viewonly or not isinstance(mapped.entity, Mapper):
            return False
        if mapped.secondary is not None:
            return self.link is not None
        # From where values come to where they go.
        written = {frozenset(pair) for pair in mapped.synchronize_pairs}
        return written == {frozenset(pair) for pair in self.pairs}

    @property
    def foreign_key(self) -> tuple[Column[Any], ...]:
        """The parent's columns that a body sets by naming the related row, a many-to-one's."""
        if self.owned or self.mapped.secondary is not None or not self.writable:
            return ()
        return tuple(local for local, _ in self.pairs)

    @property
    def ordered_by(self) -> tuple[ColumnElement[Any], ...]:
        """The order of the related rows; empty where nothing says one."""
        return self.order or tuple(cast("Any", self.mapped.order_by) or ())


def relations_of(model: Model) -> dict[str, Relation]:
    """Give every relationship of a model, under its name."""
    mapper: Mapper[Any] = inspect(model)
    return {mapped.key: Relation.of(mapped, model) for mapped in mapper.relationships}
