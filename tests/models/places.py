"""Every form of relationship that SQLAlchemy's manual knows, most of them on one model, ``Place``.

See "Configuring how Relationship Joins" and "Adjacency List Relationships" there.
"""

import sqlalchemy as sa
from sqlalchemy.orm import (
    DeclarativeBase,
    DynamicMapped,
    Mapped,
    WriteOnlyMapped,
    aliased,
    attribute_keyed_dict,
    foreign,
    mapped_column,
    relationship,
    remote,
)


class PlaceBase(DeclarativeBase):
    pass


# No key: a place may hold a thing twice, and the ORM shows it once.
holds = sa.Table(
    "holds",
    PlaceBase.metadata,
    sa.Column("place_id", sa.ForeignKey("places.id")),
    sa.Column("thing_id", sa.ForeignKey("things.id")),
    sa.Column("role", sa.String(10)),
    sa.Column("position", sa.Integer),
)
roads = sa.Table(
    "roads",
    PlaceBase.metadata,
    sa.Column("start", sa.ForeignKey("places.id"), primary_key=True),
    sa.Column("end", sa.ForeignKey("places.id"), primary_key=True),
)


class Thing(PlaceBase):
    __tablename__ = "things"
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "thing"}  # noqa: RUF012

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    kind: Mapped[str]
    code: Mapped[str | None]
    rank: Mapped[int | None]
    deleted: Mapped[bool]
    place_id: Mapped[int | None] = mapped_column(sa.ForeignKey("places.id"))
    found_at_id: Mapped[int | None] = mapped_column("foundAt", sa.ForeignKey("places.id"))
    place: Mapped["Place | None"] = relationship(foreign_keys=[place_id], viewonly=True)
    place_if_live: Mapped["Place | None"] = relationship(
        primaryjoin="and_(Place.id == Thing.place_id, Thing.deleted == False)", viewonly=True
    )


class Tool(Thing):
    __mapper_args__ = {"polymorphic_identity": "tool"}  # noqa: RUF012


class Place(PlaceBase):
    __tablename__ = "places"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    code: Mapped[str | None]
    low: Mapped[int | None]
    high: Mapped[int | None]
    path: Mapped[str | None]
    size: Mapped[str]
    parent_id: Mapped[int | None] = mapped_column(sa.ForeignKey("places.id"))
    b_id: Mapped[int | None] = mapped_column(sa.ForeignKey("b.id"))

    # Multiple join paths, specified foreign keys.
    things: Mapped[list[Thing]] = relationship(foreign_keys=Thing.place_id)
    found: Mapped[list[Thing]] = relationship(
        foreign_keys=Thing.found_at_id, order_by=Thing.rank.desc()
    )
    # Alternate join conditions: constants, of the child and of the parent.
    live: Mapped[list[Thing]] = relationship(
        primaryjoin="and_(Place.id == Thing.place_id, Thing.deleted == False)", viewonly=True
    )
    of_big: Mapped[list[Thing]] = relationship(
        primaryjoin="and_(Place.id == Thing.place_id, Place.size == 'big')", viewonly=True
    )
    # Functions, casts, ranges and operators.
    coded: Mapped[list[Thing]] = relationship(
        primaryjoin=lambda: sa.func.lower(Place.code) == remote(foreign(Thing.code)),
        viewonly=True,
        uselist=True,
    )
    casted: Mapped[list[Thing]] = relationship(
        primaryjoin=lambda: sa.cast(Place.id, sa.String) == remote(foreign(Thing.code)),
        viewonly=True,
        uselist=True,
    )
    ranged: Mapped[list[Thing]] = relationship(
        primaryjoin=lambda: sa.and_(
            remote(foreign(Thing.rank)) >= Place.low, remote(foreign(Thing.rank)) <= Place.high
        ),
        viewonly=True,
        uselist=True,
        order_by=Thing.name,
    )
    above: Mapped[list[Thing]] = relationship(
        primaryjoin=lambda: remote(foreign(Thing.rank)).op(">", is_comparison=True)(Place.high),
        viewonly=True,
        uselist=True,
    )
    # Link tables: duplicates, conditions on the link and on the target, order by the link.
    held: Mapped[list[Thing]] = relationship(secondary=holds, viewonly=True)
    shown: Mapped[list[Thing]] = relationship(
        secondary=holds,
        primaryjoin=lambda: sa.and_(Place.id == holds.c.place_id, holds.c.role == "show"),
        order_by=holds.c.position.desc(),
        viewonly=True,
    )
    held_live: Mapped[list[Thing]] = relationship(
        secondary=holds,
        secondaryjoin=lambda: sa.and_(Thing.id == holds.c.thing_id, ~Thing.deleted),
        order_by=[holds.c.position, Thing.name],
        viewonly=True,
    )
    # Self-referential: adjacency, many-to-many, materialized path.
    parent: Mapped["Place | None"] = relationship(remote_side="Place.id", back_populates="children")
    children: Mapped[list["Place"]] = relationship(
        back_populates="parent", order_by="Place.name.desc()"
    )
    big_children: Mapped[list["Place"]] = relationship(
        primaryjoin=lambda: sa.and_(
            Place.id == remote(foreign(Place.parent_id)), remote(Place.size) == "big"
        ),
        viewonly=True,
    )
    reachable: Mapped[list["Place"]] = relationship(
        secondary=roads,
        primaryjoin=lambda: Place.id == roads.c.start,
        secondaryjoin=lambda: Place.id == roads.c.end,
        order_by="Place.name",
    )
    below: Mapped[list["Place"]] = relationship(
        primaryjoin=lambda: remote(foreign(Place.path)).like(Place.path.concat("/%")),
        viewonly=True,
        uselist=True,
        order_by="Place.path",
    )
    # Inheritance: the target shares a table with others.
    tools: Mapped[list[Tool]] = relationship(foreign_keys=Thing.place_id, viewonly=True)
    # Ways to load, and collections.
    dynamic: DynamicMapped[Thing] = relationship(
        foreign_keys=Thing.place_id, viewonly=True, order_by=Thing.name
    )
    write_only: WriteOnlyMapped[Thing] = relationship(foreign_keys=Thing.place_id, viewonly=True)
    raising: Mapped[list[Thing]] = relationship(
        foreign_keys=Thing.place_id, lazy="raise", viewonly=True
    )
    keyed: Mapped[dict[str, Thing]] = relationship(
        foreign_keys=Thing.place_id,
        collection_class=attribute_keyed_dict("name"),
        viewonly=True,
    )
    as_set: Mapped[set[Thing]] = relationship(foreign_keys=Thing.place_id, viewonly=True)
    # To one row, of several.
    best: Mapped[Thing | None] = relationship(
        foreign_keys=Thing.place_id, order_by=Thing.rank.desc(), viewonly=True, uselist=False
    )
    # Composite secondary, and a target that is an alias: the manual's A, B, C and D.
    d: Mapped["D | None"] = relationship(
        secondary=lambda: sa.join(B, D, D.id == B.d_id).join(C, C.d_id == D.id),
        primaryjoin="and_(Place.b_id == B.id, Place.id == C.place_id)",
        secondaryjoin="D.id == B.d_id",
        uselist=False,
        viewonly=True,
    )


class B(PlaceBase):
    __tablename__ = "b"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    d_id: Mapped[int | None] = mapped_column(sa.ForeignKey("d.id"))


class C(PlaceBase):
    __tablename__ = "c"

    id: Mapped[int] = mapped_column(primary_key=True)
    place_id: Mapped[int | None] = mapped_column(sa.ForeignKey("places.id"))
    d_id: Mapped[int | None] = mapped_column(sa.ForeignKey("d.id"))


class D(PlaceBase):
    __tablename__ = "d"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


_joined = sa.join(B, D, D.id == B.d_id).join(C, C.d_id == D.id)
JoinedB = aliased(B, _joined, flat=True)
_ranked = sa.select(
    Thing,
    sa.func.row_number()
    .over(order_by=[Thing.rank.desc(), Thing.id], partition_by=Thing.place_id)
    .label("index"),
).subquery()
RankedThing = aliased(Thing, _ranked)

# To an alias of a join, and to the first rows of each parent by a window function.
Place.via = relationship(JoinedB, primaryjoin=Place.b_id == JoinedB.id, viewonly=True)
Place.top = relationship(
    RankedThing,
    primaryjoin=sa.and_(foreign(RankedThing.place_id) == Place.id, _ranked.c.index <= 2),
    viewonly=True,
    order_by=RankedThing.rank,
)
