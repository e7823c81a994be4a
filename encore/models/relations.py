"""Relations: the relationships of a model, which rows they relate and whether bodies write them."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

from sqlalchemy import Column, ColumnElement, Table, inspect
from sqlalchemy.orm import Mapper, RelationshipDirection, RelationshipProperty

from encore.models.column_pairs import ColumnPairs, is_equijoin, is_unique
from encore.models.fields import Model


class UnsupportedRelation(LookupError):
    """A relation, or an option of it, is unsupported; the message says why."""


@dataclass(frozen=True, eq=False)
class Relation:
    """One relationship, from its parent to its child rows.

    Attributes:
        name: The name of the mapped attribute, in Python and in JSON.
        many: Whether there can be several child rows.
        owned: Whether the foreign key is in the child rows (one-to-many, one-to-one).
        source: The parent's model.
        target: The related model.
        pairs: Equal columns, the parent's first: with the child, or with the association table
            of a many-to-many relationship.
        association_table: The association table of a many-to-many relationship; None otherwise.
        association_pairs: Equal columns of the child and of the association table, else empty.
        mapped: SQLAlchemy's relationship.
        where: An additional condition on the child rows, in terms of ``entity``.
        order: The order in ``Include``, in terms of ``entity``; empty for the relationship's order.
    """

    name: str
    many: bool
    owned: bool
    source: Model
    target: Model
    pairs: ColumnPairs
    association_table: Table | None
    association_pairs: ColumnPairs
    mapped: RelationshipProperty[Any]
    where: ColumnElement[bool] | None = None
    order: tuple[ColumnElement[Any], ...] = ()

    @classmethod
    def of(cls, mapped: RelationshipProperty[Any], source: Model) -> "Relation":
        """Return the relation of a mapped relationship."""
        secondary = mapped.secondary
        joined = mapped.synchronize_pairs if secondary is not None else mapped.local_remote_pairs
        return cls(
            name=mapped.key,
            many=bool(mapped.uselist),
            owned=mapped.direction is RelationshipDirection.ONETOMANY,
            source=source,
            target=mapped.mapper.class_,
            pairs=cast("ColumnPairs", tuple(joined or ())),
            association_table=secondary if isinstance(secondary, Table) else None,
            association_pairs=cast("ColumnPairs", tuple(mapped.secondary_synchronize_pairs or ())),
            mapped=mapped,
        )

    @cached_property
    def entity(self) -> Any:
        """The related model, or the alias of it to which the relationship is mapped."""
        return self.mapped.entity.entity

    @cached_property
    def is_equijoin(self) -> bool:
        """Whether its condition is the equality of its column pairs."""
        return is_equijoin(
            self.mapped, inspect(self.source), (*self.pairs, *self.association_pairs)
        )

    @cached_property
    def has_duplicates(self) -> bool:
        """Whether a join may return a row twice for one parent; the ORM returns it once."""
        if not self.is_equijoin:
            return True
        linked = [column for _, column in (*self.pairs, *self.association_pairs)]
        return self.association_table is not None and not is_unique(linked)

    @cached_property
    def at_most_one(self) -> bool:
        """Whether a unique key allows each parent at most one child row."""
        return (
            self.is_equijoin
            and self.association_table is None
            and is_unique([other for _, other in self.pairs])
        )

    @cached_property
    def writable(self) -> bool:
        """Whether bodies may write it: the ORM does, and by its column pairs alone."""
        mapped = self.mapped
        if mapped.viewonly or not isinstance(mapped.entity, Mapper):
            return False
        if mapped.secondary is not None:
            return self.association_table is not None
        # Pairs of source and destination.
        written = {frozenset(pair) for pair in mapped.synchronize_pairs}
        return written == {frozenset(pair) for pair in self.pairs}

    @property
    def foreign_key(self) -> tuple[Column[Any], ...]:
        """The parent's columns that a body sets by connecting a row (many-to-one); else empty."""
        if self.owned or self.mapped.secondary is not None or not self.writable:
            return ()
        return tuple(local for local, _ in self.pairs)

    @property
    def ordered_by(self) -> tuple[ColumnElement[Any], ...]:
        """The order of the child rows; empty if none is declared."""
        return self.order or tuple(cast("Any", self.mapped.order_by) or ())


def relations_of(model: Model) -> dict[str, Relation]:
    """Return every relation of a model, by its name."""
    mapper: Mapper[Any] = inspect(model)
    return {mapped.key: Relation.of(mapped, model) for mapped in mapper.relationships}
