"""Unusual mappings of SQLAlchemy: supported on every path, or rejected at start."""

import uuid
from datetime import datetime
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.declarative import ConcreteBase
from sqlalchemy.ext.hybrid import Comparator, hybrid_property
from sqlalchemy.orm import (
    DeclarativeBase,
    DynamicMapped,
    Mapped,
    MappedAsDataclass,
    WriteOnlyMapped,
    attribute_keyed_dict,
    column_property,
    composite,
    mapped_column,
    relationship,
    validates,
)

from encore import ConfigurationError
from tests.fixtures.models import Serve


class Base(DeclarativeBase):
    pass


TAGGED = sa.Table(
    "tagged",
    Base.metadata,
    sa.Column("box", sa.ForeignKey("boxes.code"), primary_key=True),
    sa.Column("tag", sa.ForeignKey("tags.tid"), primary_key=True),
)


class Tag(Base):
    """Computed by SQL from the association table, and its key is not its first column."""

    __tablename__ = "tags"

    label: Mapped[str]
    tid: Mapped[int] = mapped_column(primary_key=True)
    boxes: Mapped[int] = column_property(
        sa.select(sa.func.count(TAGGED.c.box)).where(TAGGED.c.tag == tid).scalar_subquery()
    )


class Item(Base):
    __tablename__ = "items"

    note: Mapped[str | None]
    id: Mapped[int] = mapped_column(primary_key=True)
    box: Mapped[str | None] = mapped_column(sa.ForeignKey("boxes.code"))

    @hybrid_property
    def loud(self) -> Any:
        return sa.func.upper(self.note, type_=sa.String)


class Seal(Base):
    __tablename__ = "seals"

    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str]
    box: Mapped[str | None] = mapped_column(sa.ForeignKey("boxes.code"))


class Box(Base):
    __tablename__ = "boxes"

    code: Mapped[str] = mapped_column(primary_key=True)
    items: Mapped[list[Item]] = relationship(order_by=Item.id)
    tags: Mapped[list[Tag]] = relationship(secondary=TAGGED, order_by=Tag.tid)
    seal: Mapped[Seal | None] = relationship(cascade="all, delete-orphan")
    count: Mapped[int] = column_property(
        sa.select(sa.func.count(Item.id)).where(Item.box == code).scalar_subquery()
    )


def test_computed_fields_of_nested_rows_are_output_as_stored_after_the_write(
    serve: Serve,
) -> None:
    api = serve(Base.metadata)
    api.crud.resource(Box, associations=True, nested_arrays="sync")
    items = [{"note": "a"}, {"note": "b", "loud": "B"}]
    answers = [
        api.post("/boxes", {"code": "x", "items": items, "tags": [{"label": "t"}]}),
        api.get("/boxes?tags.boxes=1"),
        api.put("/boxes/x", {"items": [{"id": 1}], "tags": []}),
    ]
    bodies = [one.json()[0] if isinstance(one.json(), list) else one.json() for one in answers]
    assert [one["count"] for one in bodies] == [2, 2, 1]
    assert [[item["loud"] for item in one["items"]] for one in bodies] == [["A", "B"]] * 2 + [["A"]]
    tag = {"label": "t", "tid": 1, "boxes": 1}
    assert [one["tags"] for one in bodies] == [[tag], [tag], []]


def test_one_to_one_row_that_is_replaced_is_deleted_where_orphans_are(serve: Serve) -> None:
    api = serve(Base.metadata)
    api.crud.resource(Box, associations=True)
    api.post("/boxes", {"code": "x", "seal": {"text": "old"}})
    api.put("/boxes/x", {"seal": {"text": "new"}})
    assert api.sql("SELECT text, box FROM seals") == [("new", "x")]
    api.put("/boxes/x", {"seal": None})
    assert api.sql("SELECT text, box FROM seals") == []


class ParentBase(DeclarativeBase):
    pass


class Animal(ParentBase):
    __tablename__ = "animals"

    id: Mapped[int] = mapped_column("animalId", primary_key=True)
    name: Mapped[str]
    kind: Mapped[str]
    __mapper_args__: Any = {"polymorphic_on": "kind", "polymorphic_identity": "animal"}  # noqa: RUF012 - SQLAlchemy's form


class Bird(Animal):
    __tablename__ = "birds"

    id: Mapped[int] = mapped_column("birdId", sa.ForeignKey("animals.animalId"), primary_key=True)
    wings: Mapped[int] = mapped_column(default=2)
    eggs: Mapped[list["Egg"]] = relationship()
    __mapper_args__: Any = {"polymorphic_identity": "bird"}  # noqa: RUF012


class Parrot(Bird):
    __tablename__ = "parrots"

    parrot: Mapped[int] = mapped_column(sa.ForeignKey("birds.birdId"), primary_key=True)
    says: Mapped[str | None]
    __mapper_args__: Any = {"polymorphic_identity": "parrot"}  # noqa: RUF012


class Egg(ParentBase):
    __tablename__ = "eggs"

    id: Mapped[int] = mapped_column(primary_key=True)
    bird: Mapped[int | None] = mapped_column(sa.ForeignKey("birds.birdId"))


def test_keys_of_joined_tables_with_other_names_are_one_key(serve: Serve) -> None:
    api = serve(ParentBase.metadata)
    api.crud.resource(Parrot, associations=True, exclude_attributes=["parrot"])
    api.crud.resource(Bird, associations=True)
    first = api.post("/parrots", {"name": "a", "says": "hi", "eggs": [{}]})
    assert first.json() == {
        "animalId": 1,
        "name": "a",
        "kind": "parrot",
        "wings": 2,
        "says": "hi",
        "eggs": [{"id": 1, "bird": 1}],
    }
    assert api.post("/birds", {"animalId": 7, "name": "b"}).headers["location"] == "/birds/7"
    assert api.post("/parrots", {"name": "c"}).json()["animalId"] == 8
    assert [one["animalId"] for one in api.get("/birds").json()] == [1, 7, 8]
    assert api.get("/birds/1/eggs").json() == [{"id": 1, "bird": 1}]
    assert api.get("/parrots/1/eggs/1").json() == {"id": 1, "bird": 1}
    assert api.orm(lambda session: session.get_one(Parrot, 8).parrot) == 8


class ValueBase(DeclarativeBase):
    pass


class Measured(ValueBase):
    """SQLite's RETURNING returns floats only if the first column is one."""

    __tablename__ = "measured"

    id: Mapped[float] = mapped_column(sa.Float, primary_key=True)
    n: Mapped[int]


class Priced(ValueBase):
    __tablename__ = "priced"

    id: Mapped[Any] = mapped_column(sa.Numeric(8, 2), primary_key=True)
    n: Mapped[int] = mapped_column("a.b")


class Lenient(ValueBase):
    __table__ = sa.Table(
        "lenient", ValueBase.metadata, sa.Column("id", sa.Integer), sa.Column("n", sa.Integer)
    )
    __mapper_args__: Any = {"primary_key": [__table__.c.id]}  # noqa: RUF012


class Whole(ValueBase):
    __tablename__ = "whole"

    id: Mapped[int] = mapped_column(primary_key=True)
    n: Mapped[int]
    secret: Mapped[str] = mapped_column(default="s")


class Part(ValueBase):
    __table__ = Whole.__table__
    __mapper_args__: Any = {"exclude_properties": ["secret"]}  # noqa: RUF012


@pytest.mark.parametrize(
    ("model", "body", "answer", "query"),
    [
        (Measured, {"id": 1.5, "n": 2}, (201, {"id": 1.5, "n": 2}), "id=1.5"),
        (Priced, {"id": "1.50", "a.b": 2}, (201, {"id": "1.50", "a.b": 2}), "a.b__gt=1"),
        (Part, {"n": 2}, (201, {"id": 1, "n": 2}), "n=2"),
        (Lenient, {"n": 2}, (400, "lenient.id cannot be null"), "id__is_null=true"),
    ],
)
def test_created_row_is_the_one_that_is_stored(
    serve: Serve, model: type, body: Any, answer: Any, query: str
) -> None:
    api = serve(ValueBase.metadata)
    api.crud.resource(model, endpoints=["/rows", "/rows/{id}"])
    response = api.post("/rows", body)
    found = api.get(f"/rows?{query}").json()
    if response.status_code == 201:
        assert (response.status_code, response.json()) == answer
        assert found == [answer[1]]
        assert api.get(response.headers["location"]).json() == answer[1]
    else:
        assert (response.status_code, response.json()["errors"][0]["message"]) == answer
        assert found == []


class DefaultBase(DeclarativeBase):
    pass


class Defaults:
    id: Mapped[int] = mapped_column(primary_key=True)
    area: Mapped[int] = mapped_column(sa.Computed("2 * 2"))
    price: Mapped[Any] = mapped_column(sa.Numeric(8, 2), server_default="1.5")
    made: Mapped[datetime] = mapped_column(server_default=sa.func.now())
    more: Mapped[Any] = mapped_column(sa.JSON, server_default='{"a": 1}')
    name: Mapped[str | None]


class Compiled(Defaults, DefaultBase):
    __tablename__ = "compiled"


class Versioned(Defaults, DefaultBase):
    __tablename__ = "versioned"

    version: Mapped[int]
    token: Mapped[uuid.UUID] = mapped_column(default=uuid.uuid4)

    @validates("name")
    def strip(self, _: str, value: str | None) -> str | None:
        return value and value.strip()


Versioned.__mapper__.version_id_col = Versioned.__table__.c.version


@pytest.mark.parametrize("model", [Compiled, Versioned])
def test_replacement_sets_every_default_of_the_database(serve: Serve, model: type) -> None:
    api = serve(DefaultBase.metadata)
    api.crud.resource(model, endpoints=["/rows", "/rows/{id}"], put_replaces=True)
    made = api.post("/rows", {"name": "n", "price": 3, "more": {}}).json()
    assert (made["price"], made["more"], made["area"]) == ("3.00", {}, 4)
    put = api.put("/rows/1", {"name": "m"})
    assert (put.status_code, put.json()["name"]) == (200, "m")
    assert (put.json()["price"], put.json()["more"]) == ("1.50", {"a": 1})
    assert api.get("/rows/1").json() == put.json()


class TriggerBase(DeclarativeBase):
    pass


class Shout(TriggerBase):
    __tablename__ = "shouts"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    loud: Mapped[str | None] = mapped_column(
        server_default=sa.FetchedValue(), server_onupdate=sa.FetchedValue(for_update=True)
    )


@pytest.mark.parametrize("event", ["INSERT", "UPDATE"])
def test_column_set_by_trigger_is_output_as_set(serve: Serve, event: str) -> None:
    set_loud = "UPDATE shouts SET loud = upper(name) WHERE id = NEW.id AND loud IS NULL;"
    sqlite = f"CREATE TRIGGER t AFTER {event} ON shouts BEGIN {set_loud} END"
    body = f"BEGIN {set_loud} RETURN NEW; END"
    postgres = [
        f"CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$",
        f"CREATE TRIGGER t AFTER {event} ON shouts FOR EACH ROW EXECUTE FUNCTION f()",
    ]

    def make(connection: sa.Connection) -> None:
        is_sqlite = connection.dialect.name == "sqlite"
        for statement in [sqlite] if is_sqlite else postgres:
            connection.exec_driver_sql(statement)

    api = serve(TriggerBase.metadata, ddl=[make])
    api.crud.resource(Shout)
    made = api.post("/shouts", {"name": "a"})
    if event == "UPDATE":
        assert made.json()["loud"] is None
        made = api.put("/shouts/1", {"name": "a!"})
    assert made.json() == api.get("/shouts/1").json()
    assert made.json()["loud"] == made.json()["name"].upper()


class RuleBase(DeclarativeBase):
    pass


class Point:
    def __init__(self, x: int, y: int) -> None:
        self.x, self.y = x, y

    def __composite_values__(self) -> tuple[int, int]:
        return self.x, self.y


class Team(RuleBase):
    __tablename__ = "teams"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[Point] = composite(mapped_column("x", sa.Integer), mapped_column("y", sa.Integer))
    members: Mapped[list["Member"]] = relationship(cascade="all", order_by="Member.id")

    @validates("members", include_removes=True)
    def check(self, _: str, member: "Member", is_remove: bool) -> "Member":  # noqa: FBT001 - SQLAlchemy's form
        if member.name == "founder" and is_remove:
            raise ValueError("must keep the founder")
        return member


class Member(RuleBase):
    __tablename__ = "members"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    team: Mapped[int | None] = mapped_column(sa.ForeignKey("teams.id"))
    badges: Mapped[list["Badge"]] = relationship()


class Badge(RuleBase):
    __tablename__ = "badges"

    id: Mapped[int] = mapped_column(primary_key=True)
    member: Mapped[int] = mapped_column(sa.ForeignKey("members.id"))


@sa.event.listens_for(Team, "before_delete")
def keep(_: Any, __: Any, team: Team) -> None:
    if team.at.x == 0:
        raise AssertionError("stays at the origin")


def test_mapping_errors_name_the_relation_or_keep_their_reason(serve: Serve) -> None:
    api = serve(RuleBase.metadata)
    api.crud.resource(Team, associations=True, nested_arrays="sync")
    api.crud.resource(Badge)
    api.post("/teams", {"x": 0, "y": 1, "members": [{"name": "founder"}]})
    removed = api.put("/teams/1", {"members": []})
    text = "members must keep the founder"
    assert (removed.status_code, removed.json()["errors"]) == (
        400,
        [{"field": "members", "message": text}],
    )
    deleted = api.delete("/teams/1")
    assert (deleted.status_code, deleted.json()["detail"]) == (
        400,
        "Validation error: stays at the origin",
    )
    api.post("/badges", {"member": 1})
    api.put("/teams/1", {"x": 5})
    deleted = api.delete("/teams/1")  # The ORM would set the badge's NOT NULL key to null.
    assert (deleted.status_code, deleted.json()["detail"]) == (409, "Other rows depend on this row")


class LinkBase(DeclarativeBase):
    pass


PLAYS = sa.Table(
    "plays",
    LinkBase.metadata,
    sa.Column("band", sa.ForeignKey("bands.id"), primary_key=True),
    sa.Column("player", sa.ForeignKey("players.id"), primary_key=True),
)


class Band(LinkBase):
    __tablename__ = "bands"

    id: Mapped[int] = mapped_column(primary_key=True)
    players: Mapped[list["Player"]] = relationship(secondary=PLAYS, back_populates="bands")

    @validates("players", include_removes=True)
    def check(self, _: str, player: "Player", is_remove: bool) -> "Player":  # noqa: FBT001 - SQLAlchemy's form
        if player.id == (1 if is_remove else 3):
            raise ValueError("must not")
        return player


class Player(LinkBase):
    __tablename__ = "players"

    id: Mapped[int] = mapped_column(primary_key=True)
    bands: Mapped[list[Band]] = relationship(secondary=PLAYS, back_populates="players")
    leader_id: Mapped[int | None] = mapped_column(sa.ForeignKey("players.id"))
    leader: Mapped["Player | None"] = relationship(remote_side="Player.id")

    def __init__(self, leader: "Player | None" = None) -> None:
        self.leader = leader


@pytest.mark.parametrize(
    ("request_line", "body", "status", "linked"),
    [
        ("PUT /bands/1/players", [1, 2], 200, [(1, 1), (1, 2)]),
        ("PUT /bands/1/players", [2], 400, [(1, 1)]),
        ("POST /bands/1/players", 2, 201, [(1, 1), (1, 2)]),
        ("POST /bands/1/players", 3, 400, [(1, 1)]),
        ("POST /players/3/bands", 1, 400, [(1, 1)]),
        ("POST /players/2/bands", 1, 201, [(1, 1), (1, 2)]),
        ("DELETE /bands/1/players/1", None, 400, [(1, 1)]),
        ("DELETE /bands/1/players/2", None, 404, [(1, 1)]),
    ],
)
def test_validators_of_a_relationship_run_where_links_are_changed(
    serve: Serve, request_line: str, body: Any, status: int, linked: Any
) -> None:
    api = serve(LinkBase.metadata)
    for model in (Band, Player):
        api.crud.resource(model, associations=True, links=True)
    for leader in (None, 1, None):
        made = api.post("/players", {"leader_id": leader})
        assert made.json()["leader_id"] == leader  # What the constructor says of it is not meant.
    api.post("/bands", {"players": [{"id": 1}]})
    assert api.request(*request_line.split(), json=body).status_code == status
    assert sorted(api.sql("SELECT band, player FROM plays")) == linked


class ConcreteDocuments(DeclarativeBase):
    pass


class Paper(ConcreteBase, ConcreteDocuments):
    __tablename__ = "papers"

    id: Mapped[int] = mapped_column(primary_key=True)
    __mapper_args__: Any = {"polymorphic_identity": "paper", "concrete": True}  # noqa: RUF012


class Invoice(Paper):
    __tablename__ = "invoices"

    id: Mapped[int] = mapped_column(primary_key=True)
    amount: Mapped[int]
    __mapper_args__: Any = {"polymorphic_identity": "invoice", "concrete": True}  # noqa: RUF012

    @validates("amount")
    def check(self, _: str, amount: int) -> int:
        return abs(amount)


def test_concrete_class_is_written_through_a_session(serve: Serve) -> None:
    api = serve(ConcreteDocuments.metadata)
    api.crud.resource(Invoice)
    assert api.post("/invoices", {"amount": -3}).json() == {"id": 1, "amount": 3}
    assert api.put("/invoices/1", {"amount": -4}).json() == {"id": 1, "amount": 4}
    assert api.delete("/invoices/1").status_code == 200


class CollectionBase(DeclarativeBase):
    pass


class Shelf(CollectionBase):
    __tablename__ = "shelves"

    id: Mapped[int] = mapped_column(primary_key=True)
    dynamic: DynamicMapped["Book"] = relationship(cascade="all, delete-orphan", order_by="Book.n")
    write_only: WriteOnlyMapped["Disc"] = relationship(
        cascade="all, delete-orphan", passive_deletes=True, order_by="Disc.n"
    )
    keyed: Mapped[dict[int, "Map"]] = relationship(
        cascade="all, delete-orphan", collection_class=attribute_keyed_dict("n")
    )

    @validates("dynamic", "write_only", "keyed")
    def check(self, _: str, value: Any) -> Any:
        return value


class OnShelf:
    shelf: Mapped[int] = mapped_column(sa.ForeignKey("shelves.id"), primary_key=True)
    n: Mapped[int] = mapped_column(primary_key=True)


class Book(OnShelf, CollectionBase):
    __tablename__ = "books"


class Disc(OnShelf, CollectionBase):
    __tablename__ = "discs"


class Map(CollectionBase):
    __tablename__ = "maps"

    id: Mapped[int] = mapped_column(primary_key=True)
    n: Mapped[int]
    shelf: Mapped[int | None] = mapped_column(sa.ForeignKey("shelves.id"))


@pytest.mark.parametrize(
    ("name", "array", "field"),
    [
        ("dynamic", [{"shelf": 1, "n": 2}, {"n": 3}], None),
        ("write_only", [{"n": 3}], None),
        ("write_only", [], None),
        ("keyed", [{"id": 2}, {"n": 3}], None),
        ("keyed", [{"id": 2}, {"n": 2}], "keyed"),
    ],
)
def test_array_becomes_the_stored_set_in_every_kind_of_collection(
    serve: Serve, name: str, array: list[dict[str, int]], field: str | None
) -> None:
    api = serve(CollectionBase.metadata)
    api.crud.resource(Shelf, associations=True, nested_arrays="sync")
    assert api.post("/shelves", {name: [{"n": 1}, {"n": 2}]}).status_code == 201
    response = api.put("/shelves/1", {name: array})
    stored = [one["n"] for one in api.get("/shelves/1").json()[name]]
    if field is None:
        assert response.json()[name] == api.get("/shelves/1").json()[name]
        assert stored == [one.get("n", 2) for one in array]
    else:
        assert (response.status_code, response.json()["errors"][0]["field"]) == (400, field)
        assert stored == [1, 2]


class OrderBase(DeclarativeBase):
    pass


class Line(OrderBase):
    __tablename__ = "lines"
    __table_args__ = (sa.ForeignKeyConstraint(["tenant", "no"], ["orders.tenant", "orders.no"]),)

    tenant: Mapped[int] = mapped_column(primary_key=True)
    no: Mapped[int] = mapped_column(primary_key=True)
    place: Mapped[int] = mapped_column(primary_key=True)


class Order(OrderBase):
    __tablename__ = "orders"

    tenant: Mapped[int] = mapped_column(primary_key=True)
    no: Mapped[int] = mapped_column(primary_key=True)
    lines: Mapped[list[Line]] = relationship(order_by=Line.place)


@pytest.mark.parametrize(("tenant", "status"), [(None, 201), (1, 201), (2, 400)])
def test_nested_key_of_another_parent_is_rejected(
    serve: Serve, tenant: int | None, status: int
) -> None:
    api = serve(OrderBase.metadata)
    api.crud.resource(Order, associations=True)
    line = {"place": 1} if tenant is None else {"place": 1, "tenant": tenant}
    made = api.post("/orders", {"tenant": 1, "no": 5, "lines": [line]})
    assert made.status_code == status
    assert api.sql("SELECT * FROM lines") == ([(1, 5, 1)] if status == 201 else [])


class RefusedBase(DeclarativeBase):
    pass


class Quoted(RefusedBase):
    __tablename__ = "quoted"

    id: Mapped[int] = mapped_column(primary_key=True)
    inches: Mapped[int] = mapped_column('in "')


class Clashing(RefusedBase):
    __tablename__ = "clashing"

    id: Mapped[int] = mapped_column(primary_key=True)
    quoted_id: Mapped[int] = mapped_column("quoted", sa.ForeignKey("quoted.id"))
    quoted: Mapped[Quoted] = relationship()


class Document(RefusedBase):
    __tablename__ = "documents"

    id: Mapped[Any] = mapped_column(sa.JSON, primary_key=True)


class Untyped(RefusedBase):
    __tablename__ = "untyped"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]

    @hybrid_property
    def loud(self) -> Any:
        return sa.func.upper(self.name)


class AnyCase(Comparator[str]):
    def __eq__(self, other: object) -> Any:
        return sa.func.lower(self.__clause_element__()) == sa.func.lower(other)

    __hash__ = None  # type: ignore[assignment] # as Python has it


class Compared(RefusedBase):
    __tablename__ = "compared"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]

    @hybrid_property
    def word(self) -> Any:
        return self.name.lower()

    @word.inplace.comparator
    @classmethod
    def _compare_word(cls) -> AnyCase:
        return AnyCase(cls.name)


class Record(MappedAsDataclass, RefusedBase):
    __tablename__ = "records"

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    name: Mapped[str] = mapped_column(default_factory=lambda: "new")


class Contextual(RefusedBase):
    __tablename__ = "contextual"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(default=lambda context: f"of {context}")


class Numbered(RefusedBase):
    __tablename__ = "numbered"

    id: Mapped[int] = mapped_column(primary_key=True)
    bits: Mapped[Any] = mapped_column(sa.dialects.postgresql.BIT(3))


@pytest.mark.parametrize(
    ("model", "options", "text"),
    [
        (Quoted, {}, "has a quote, a backslash or a control character in its name"),
        (Clashing, {"include": ["quoted"]}, "quoted: a column has that name in JSON"),
        (Document, {}, "id is JSON, which has no one form in a path"),
        (Compared, {}, "word: has a custom comparator"),
        (
            Team,
            {"endpoints": ["/teams/{id}"]},
            "list: .* names one row; give",
        ),
        (Team, {"endpoints": ["/x/{id}"] * 2, "actions": ["create", "read"]}, "create: '/x/{id}'"),
        (Untyped, {}, "SQLAlchemy does not know its type"),
        (Record, {"put_replaces": True}, "the default of name is known to the constructor alone"),
        (Contextual, {"put_replaces": True}, "the default of name is known to an INSERT alone"),
        (Numbered, {}, "no JSON form is known for the column type BIT"),
    ],
)
def test_mapping_that_cannot_be_carried_out_stops_the_start(
    serve: Serve, model: type, options: dict[str, Any], text: str
) -> None:
    api = serve(sa.MetaData())
    with pytest.raises(ConfigurationError, match=text):
        api.crud.resource(model, **options)


class Broken(DeclarativeBase):
    pass


class Dangling(Broken):
    __tablename__ = "dangling"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    others: Mapped[list["Dangling"]] = relationship(
        primaryjoin="foreign(Dangling.id) == Dangling.id", order_by="Dangling.nothing"
    )


@pytest.mark.parametrize(
    ("model", "presets", "text"),
    [
        (Dangling, {}, "cannot be mapped: .*does not have a mapped column"),
        (Untyped, {"odd": lambda: 1 // 0}, "odd: raised ZeroDivisionError"),
    ],
)
def test_model_code_that_raises_stops_the_start_with_a_message(
    serve: Serve, model: type, presets: dict[str, Any], text: str
) -> None:
    api = serve(sa.MetaData())
    with pytest.raises(ConfigurationError, match=text):
        api.crud.resource(model, presets=presets, exclude_attributes=["loud"] if presets else [])


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"natural_key": ["id"]}, "'id' is not a field that can identify a row"),
        ({"natural_key": "name"}, "must be a list of names"),
        ({"natural_key": 5}, "must be a list of names"),
        ({"path": "uploads"}, "must begin with /"),
        ({"idempotency_keys": 1}, "must be True or False"),
        ({"row_flags": "late"}, "option row_flags: must be a list of names"),
        ({"row_flags": [1]}, "option row_flags: must be a list of names"),
        ({"row_flags": ["late", "late"]}, "option row_flags: must be different names"),
        ({"row_flags": [f"f{n}" for n in range(63)]}, "at most 63 fields and row_flags"),
    ],
)
def test_invalid_upload_option_stops_the_start_with_a_message(
    serve: Serve, options: dict[str, Any], text: str
) -> None:
    api = serve(sa.MetaData())
    rows = api.crud.resource(Untyped, exclude_attributes=["loud"])
    with pytest.raises(ConfigurationError, match=text):
        api.crud.upload(rows, **{"natural_key": ["name"], **options})
