"""A service that soft-deletes rows and its twin that really deletes them must answer the same.

Neither has foreign keys in the database, so that a deleted row leaves what refers to it unchanged
in both; relationships join without them. The same requests build and delete the rows of both.
"""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    column_property,
    foreign,
    mapped_column,
    relationship,
    remote,
)

from encore import Include, SearchOptions
from encore.database.search_index import add_search_index
from encore.types import UtcDateTime
from tests.execution.test_soft_delete import Api
from tests.fixtures.in_process import postgres_with, sqlite_with

if TYPE_CHECKING:
    from pathlib import Path

SECRET: Final = "twins " * 8
JSON: Final = ("application/json", "application/problem+json")
WORDS: Final = ("ada", "bob", "cy", "dune", "emma", "fox")


def make_models() -> SimpleNamespace:
    """Return a set of mapped classes of a registry of its own."""

    class Base(DeclarativeBase):
        pass

    class Deletable:
        __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012 - SQLAlchemy's name
        deletedAt: Mapped[datetime | None] = mapped_column(UtcDateTime)  # noqa: N815 - in JSON

    links = sa.Table(
        "book_tags",
        Base.metadata,
        sa.Column("book_id", sa.Integer, primary_key=True),
        sa.Column("tag", sa.String, primary_key=True),
    )

    class Tag(Deletable, Base):
        __tablename__ = "tags"
        __table_args__ = {}  # noqa: RUF012 - SQLAlchemy's name

        name: Mapped[str] = mapped_column(primary_key=True)
        rank: Mapped[int | None]

    class Chapter(Deletable, Base):
        __tablename__ = "chapters"

        id: Mapped[int] = mapped_column(primary_key=True)
        heading: Mapped[str]
        book_id: Mapped[int | None]

    class Book(Deletable, Base):
        __tablename__ = "books"

        id: Mapped[int] = mapped_column(primary_key=True)
        title: Mapped[str]
        price: Mapped[int | None]
        author_id: Mapped[int | None]

    class Person(Deletable, Base):
        __tablename__ = "persons"

        id: Mapped[int] = mapped_column(primary_key=True)
        name: Mapped[str]
        age: Mapped[int | None]
        boss_id: Mapped[int | None]

    class Item(Deletable, Base):
        __tablename__ = "items"

        id: Mapped[int] = mapped_column(primary_key=True)
        kind: Mapped[str]
        label: Mapped[str]
        __mapper_args__ = {  # noqa: RUF012 - SQLAlchemy's name
            "polymorphic_on": "kind",
            "polymorphic_identity": "item",
        }

    class Disc(Item):
        __tablename__ = "discs"
        __table_args__ = {}  # noqa: RUF012 - SQLAlchemy's name

        id: Mapped[int] = mapped_column(sa.ForeignKey("items.id"), primary_key=True)
        minutes: Mapped[int]
        __mapper_args__ = {"polymorphic_identity": "disc"}  # noqa: RUF012 - SQLAlchemy's name

    add_search_index(Book.__table__, ["title"])
    chapters, books, persons = Chapter.__table__, Book.__table__, Person.__table__
    Book.chapters = relationship(
        Chapter,
        primaryjoin=books.c.id == foreign(chapters.c.book_id),
        cascade="all, delete-orphan",
        order_by=chapters.c.id,
    )
    Book.author = relationship(
        Person,
        primaryjoin=foreign(books.c.author_id) == persons.c.id,
        back_populates="books",
    )
    Book.tags = relationship(
        Tag,
        secondary=links,
        primaryjoin=books.c.id == foreign(links.c.book_id),
        secondaryjoin=foreign(links.c.tag) == Tag.__table__.c.name,
        order_by=Tag.__table__.c.name,
        back_populates="books",
    )
    Tag.books = relationship(
        Book,
        secondary=links,
        primaryjoin=Tag.__table__.c.name == foreign(links.c.tag),
        secondaryjoin=foreign(links.c.book_id) == books.c.id,
        order_by=books.c.id,
        back_populates="tags",
    )
    Person.boss = relationship(
        Person,
        primaryjoin=foreign(persons.c.boss_id) == remote(persons.c.id),
        back_populates="reports",
    )
    Person.reports = relationship(
        Person,
        primaryjoin=persons.c.id == remote(foreign(persons.c.boss_id)),
        order_by=persons.c.id,
        passive_deletes="all",
        back_populates="boss",
    )
    Person.books = relationship(
        Book,
        primaryjoin=persons.c.id == foreign(books.c.author_id),
        order_by=books.c.id,
        passive_deletes="all",
        back_populates="author",
    )
    Person.published = column_property(
        select(func.count(books.c.id)).where(books.c.author_id == persons.c.id).scalar_subquery()
    )
    return SimpleNamespace(
        Base=Base, Tag=Tag, Chapter=Chapter, Book=Book, Person=Person, Item=Item, Disc=Disc
    )


def make_api(url: str, models: SimpleNamespace, *, soft: bool) -> Api:
    """Return a service over a set of models."""
    api = Api(url, secret=SECRET)
    options: dict[str, Any] = {"read_only_attributes": ["deletedAt"]}
    if soft:
        options = {"soft_delete": "deletedAt", "access": {"restore": "library:restore"}}
    book, chapter = models.Book, models.Chapter
    cheap = Include("books", where=book.price < 6, limit=2, order_by="-price")
    resource = api.crud.resource
    resource(models.Person, include=[cheap, "boss", "reports"], associations=True, **options)
    resource(
        book,
        include=[
            Include("author", include=["boss"]),
            "chapters",
            Include("tags", include=["books"]),
        ],
        links=True,
        presets={"long": lambda: book.id.in_(select(chapter.book_id))},
        search=[
            SearchOptions("q", ["title", "author.name", "chapters.heading"]),
            SearchOptions("indexed", ["title"], index=True),
        ],
        **options,
    )
    resource(chapter, **options)
    resource(models.Tag, associations=True, **options)
    resource(models.Item, **options)
    resource(models.Disc, **options)
    return api


@dataclass(frozen=True)
class Twins:
    """The two services."""

    soft: Api
    hard: Api

    def send(self, method: str, path: str, json: Any = None, **headers: str) -> Any:
        """Send a request to both, compare the responses, and return the JSON of one."""
        responses = [
            api.request(method, path, json=json, headers=headers) for api in (self.soft, self.hard)
        ]
        soft, hard = [
            (
                response.status_code,
                response.headers.get("content-range"),
                response.headers.get("link"),
                response.headers.get("location"),
                _body(response),
            )
            for response in responses
        ]
        assert soft == hard, (method, path, json)
        return soft[-1]


def _body(response: Any) -> Any:
    if response.headers.get("content-type") not in JSON:
        return response.text
    body = response.json()
    if isinstance(body, Mapping):
        return {name: value for name, value in body.items() if name != "request_id"}
    return body


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def twins(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Twins]:
    sets = [make_models(), make_models()]
    if request.param == "sqlite":
        folders: list[Path] = [tmp_path_factory.mktemp(name) for name in ("soft", "hard")]
        urls = [sqlite_with(s.Base.metadata, f) for s, f in zip(sets, folders, strict=True)]
        yield from _filled(urls, sets)
        return
    server = request.getfixturevalue("postgres_url")
    with (
        postgres_with(sets[0].Base.metadata, server) as soft,
        postgres_with(sets[1].Base.metadata, server) as hard,
    ):
        yield from _filled([soft, hard], sets)


def _filled(urls: list[str], sets: list[SimpleNamespace]) -> Iterator[Twins]:
    soft, hard = make_api(urls[0], sets[0], soft=True), make_api(urls[1], sets[1], soft=False)
    twins = Twins(soft, hard)
    _fill(twins, random.Random(7))
    yield twins
    soft.close()
    hard.close()


def _fill(twins: Twins, chance: random.Random) -> None:
    """Create rows and delete a third of them."""
    maybe = [None, 1, 2, 3, 4, 5, 6, 7, 8, 9]
    for word in WORDS:
        twins.send("POST", "/tags", {"name": word, "rank": chance.choice(maybe)})
    for _ in range(12):
        person = {"name": chance.choice(WORDS), "age": chance.choice(maybe)}
        twins.send("POST", "/persons", person | {"boss_id": chance.choice(maybe)})
    for _ in range(20):
        book = {
            "title": chance.choice(WORDS),
            "price": chance.choice(maybe),
            "author_id": chance.choice(maybe),
            "chapters": [{"heading": chance.choice(WORDS)} for _ in range(chance.randrange(4))],
            "tags": [{"name": name} for name in chance.sample(WORDS, chance.randrange(4))],
        }
        twins.send("POST", "/books", book)
    for number in range(12):
        item = {"label": chance.choice(WORDS)}
        path, more = ("/discs", {"minutes": number}) if number % 2 else ("/items", {})
        twins.send("POST", path, item | more)
    for path, count in {"persons": 12, "books": 20, "chapters": 30, "items": 12}.items():
        for id_ in chance.sample(range(1, count + 1), count // 3):
            twins.send("DELETE", f"/{path}/{id_}")
    for name in WORDS[::3]:
        twins.send("DELETE", f"/tags/{name}")


VALUES: Final = st.sampled_from([*WORDS, "1", "3", "7", "null", "u"])
FIELDS: Final[dict[str, list[str]]] = {
    "/persons": [
        *("id", "name", "age", "boss_id", "published"),
        *("boss.name", "reports.age", "books.title", "books.price"),
    ],
    "/books": [
        *("id", "title", "price", "author_id", "author.name", "author.age"),
        *("author.boss.name", "chapters.heading", "tags.name", "tags.books.price"),
    ],
    "/chapters": ["heading", "book_id"],
    "/tags": ["name", "rank", "books.title"],
    "/items": ["label", "kind"],
    "/discs": ["label", "minutes"],
}
SORTS: Final[dict[str, list[str]]] = {
    "/persons": ["name", "-age", "boss.name", "-boss.age", "published"],
    "/books": ["title", "-price", "author.name", "-author.age"],
    "/chapters": ["heading", "-book_id"],
    "/tags": ["-rank"],
    "/items": ["-label"],
    "/discs": ["label", "-minutes"],
}
OTHERS: Final[dict[str, list[str]]] = {
    "/books": [
        "q=ad",
        "q=e",
        "indexed=dun",
        "indexed=emma",
        "preset=long",
        "children=author|tags",
        "fields=id,tags,author",
    ],
    "/persons": ["q=a", "children=books|reports", "fields=name,boss,published"],
}
NESTED: Final = ["books", "boss", "reports"]


@st.composite
def queries(draw: st.DrawFn) -> str:
    """Return the path and query of a list."""
    path = draw(st.sampled_from(sorted(FIELDS)))
    operator = st.sampled_from(["", "", "__ne", "__gte", "__lt", "__is_null", "__in"])
    parts = []
    for _ in range(draw(st.integers(0, 2))):
        name = draw(st.sampled_from(FIELDS[path])) + draw(operator)
        value = draw(VALUES)
        form = draw(st.sampled_from(["{}={}", "{}={}", "not={}={}", "or={}={}|id=3"]))
        parts.append(form.format(name, value))
    if draw(st.booleans()):
        parts.append("sort=" + draw(st.sampled_from(SORTS[path])))
    if path in OTHERS and draw(st.booleans()):
        parts.append(draw(st.sampled_from(OTHERS[path])))
    if draw(st.booleans()):
        parts.append(f"count={draw(st.integers(1, 7))}")
        parts.append(draw(st.sampled_from(["offset=3", "page=1", "page=0"])))
    return f"{path}?{'&'.join(parts)}"


EXAMPLES: Final = settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@EXAMPLES
@given(queries())
def test_lists_of_twins_are_the_same(twins: Twins, query: str) -> None:
    twins.send("GET", query)


@settings(EXAMPLES, max_examples=20)
@given(queries(), st.sampled_from(["text/csv", "application/x-ndjson"]))
def test_streams_of_twins_are_the_same(twins: Twins, query: str, accept: str) -> None:
    twins.send("GET", query, Accept=accept)


@pytest.mark.parametrize("path", sorted(FIELDS))
def test_cursors_of_twins_lead_to_the_same_rows(twins: Twins, path: str) -> None:
    for sort in SORTS[path]:
        next_ = f"{path}?count=3&sort={sort}"
        while next_:
            twins.send("GET", next_)
            response = twins.soft.request("GET", next_)
            next_ = response.links.get("next", {}).get("url", "")


def test_rows_and_nested_paths_of_twins_are_the_same(twins: Twins) -> None:
    for id_ in range(1, 14):
        for path in ("persons", "books", "chapters", "items", "discs"):
            twins.send("GET", f"/{path}/{id_}")
        for relation in NESTED:
            twins.send("GET", f"/persons/{id_}/{relation}")
    for name in WORDS:
        twins.send("GET", f"/tags/{name}/books?sort=-price")


def test_changes_of_twins_are_the_same(twins: Twins) -> None:
    chance = random.Random(11)
    for _ in range(60):
        id_, other = chance.randrange(1, 15), chance.randrange(1, 15)
        word = chance.choice(WORDS)
        method, path, body = chance.choice(
            [
                ("PATCH", f"/books/{id_}", {"author": {"id": other}}),
                ("PATCH", f"/books/{id_}", {"price": other}),
                ("PUT", f"/persons/{id_}", {"name": word, "boss": None}),
                ("POST", "/persons", {"name": word, "books": [{"id": other}]}),
                ("POST", f"/books/{id_}/tags", word),
                ("PUT", f"/books/{id_}/tags", [word]),
                ("DELETE", f"/books/{id_}/tags/{word}", None),
                ("DELETE", f"/books/{id_}", None),
                ("PATCH", f"/items/{id_}", {"label": word}),
                ("DELETE", f"/discs/{id_}", None),
                ("PATCH", f"/persons?age={other}", {"age": id_}),
                ("DELETE", f"/chapters?heading={word}&id__lt={id_}", None),
            ]
        )
        twins.send(method, path, body)
    for path in FIELDS:
        twins.send("GET", path)
