"""A relationship of a model, as SQLAlchemy maps it, and the SQL that it lends to queries."""

from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import Column, ColumnElement, Table, and_, inspect, select
from sqlalchemy.orm import Mapper, RelationshipProperty

from api.crud.views.fields import Model

Pairs = tuple[tuple[Column[Any], Column[Any]], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Relation:
    """One relationship, seen from its parent.

    Attributes:
        name: The mapped attribute's name, in Python and in JSON.
        many: Whether there can be several related rows.
        owned: The foreign key stands in the related rows (one-to-many, one-to-one).
        target: The related model.
        pairs: Columns that are equal: the parent's (or the link table's own, see ``link``) and
            the related rows'. For a link table: the parent's and the link's.
        link: The link table of a many-to-many relationship; None otherwise.
        link_pairs: The related rows' columns and the link table's, likewise.
    """

    name: str
    many: bool
    owned: bool
    target: Model
    pairs: Pairs
    link: Table | None
    link_pairs: Pairs
    mapped: RelationshipProperty[Any]

    @classmethod
    def of(cls, mapped: RelationshipProperty[Any]) -> "Relation":
        """Read a relationship off its mapping."""
        link = cast("Table | None", mapped.secondary)
        joined = mapped.synchronize_pairs if link is not None else mapped.local_remote_pairs
        return cls(
            name=mapped.key,
            many=bool(mapped.uselist),
            owned=mapped.direction.name == "ONETOMANY",
            target=mapped.mapper.class_,
            pairs=cast("Pairs", tuple(joined or ())),
            link=link,
            link_pairs=cast("Pairs", tuple(mapped.secondary_synchronize_pairs or ())),
            mapped=mapped,
        )

    @property
    def foreign_key(self) -> tuple[Column[Any], ...]:
        """The parent's columns that refer to the related row; empty unless many-to-one."""
        if self.owned or self.link is not None:
            return ()
        return tuple(local for local, _ in self.pairs)

    def exists(self, criterion: ColumnElement[bool]) -> ColumnElement[bool]:
        """Make the condition that a related row meets the criterion."""
        attribute = self.mapped.class_attribute
        there: ColumnElement[bool] = (attribute.any if self.many else attribute.has)(criterion)
        return there

    def scalar(self, column: Column[Any]) -> ColumnElement[Any]:
        """Make the expression for a column of the one related row; null where there is none."""
        table = cast("Table", inspect(self.target).local_table)
        alias = table.alias()
        of_alias = [alias.c[remote.name] == local for local, remote in self.pairs]
        return select(alias.c[column.name]).where(and_(*of_alias)).scalar_subquery()


def relations_of(model: Model) -> dict[str, Relation]:
    """Give every relationship of a model, under its name."""
    mapper: Mapper[Any] = inspect(model)
    return {mapped.key: Relation.of(mapped) for mapped in mapper.relationships}
