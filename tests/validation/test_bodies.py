"""Bodies: the response to a GET can be sent back; other unwritable members are rejected."""

from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from encore import ConfigurationError, Context, Include
from encore.types import Timestamps
from tests.fixtures.library import assert_field_errors
from tests.fixtures.models import ModelApi, Serve


class Base(DeclarativeBase):
    pass


shelved = sa.Table(
    "shelved",
    Base.metadata,
    sa.Column("bookId", sa.ForeignKey("books.id"), primary_key=True),
    sa.Column("tagId", sa.ForeignKey("tags.id"), primary_key=True),
)


class Author(Timestamps, Base):
    __tablename__ = "authors"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    secret: Mapped[str | None]
    books: Mapped[list["Book"]] = relationship(back_populates="author")
    desk: Mapped["Desk | None"] = relationship(back_populates="author")


class Desk(Timestamps, Base):
    __tablename__ = "desks"

    id: Mapped[int] = mapped_column(primary_key=True)
    room: Mapped[str | None]
    author_id: Mapped[int | None] = mapped_column("authorId", sa.ForeignKey("authors.id"))
    author: Mapped[Author | None] = relationship(back_populates="desk")


class Book(Timestamps, Base):
    __tablename__ = "books"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    notes: Mapped[Any] = mapped_column(sa.JSON, nullable=True)
    stars: Mapped[int] = mapped_column(server_default="3")
    author_id: Mapped[int | None] = mapped_column("authorId", sa.ForeignKey("authors.id"))
    author: Mapped[Author | None] = relationship(back_populates="books")
    tags: Mapped[list["Tag"]] = relationship(secondary=shelved, order_by="Tag.id")


class Tag(Base):
    __tablename__ = "tags"

    id: Mapped[int] = mapped_column(primary_key=True)
    label: Mapped[str]


TABLES = ("authors", "desks", "books", "tags", "shelved")
NOTES = {"a": [1, {"b": None}]}


def stored(api: ModelApi) -> list[Any]:
    """Return all rows of all tables."""
    return [sorted(map(repr, api.sql(f'SELECT * FROM "{name}"'))) for name in TABLES]


def fill(api: ModelApi) -> ModelApi:
    """Create related rows of every model."""
    api.create("/authors", name="Ursula", desk={"room": "7"})
    api.create("/authors", name="Isaac")
    tags = [{"label": "x"}, {"label": "y"}]
    api.create("/books", title="A", notes=NOTES, author={"id": 1}, tags=tags)
    api.create("/books", title="B")
    return api


@pytest.fixture
def api(serve: Serve) -> ModelApi:
    api = serve(Base.metadata)
    for model in (Author, Desk, Book, Tag):
        api.crud.resource(model, associations=True)
    return fill(api)


CHANGES: list[tuple[str, dict[str, Any]]] = [
    ("/authors/1", {"name": "changed"}),
    ("/authors/2", {"secret": "changed"}),
    ("/desks/1", {"room": None}),
    ("/books/1", {"title": "changed"}),
    ("/books/2", {"notes": [1]}),
    ("/tags/1", {"label": "changed"}),
]


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_put_of_a_get_response_writes_only_the_changes(api: ModelApi, method: str) -> None:
    for path, change in CHANGES:
        before, rows = api.read(path), stored(api)
        answer = api.request(method, path, json=before)
        assert (answer.status_code, answer.json()) == (200, before), path
        assert stored(api) == rows, path
        answer = api.request(method, path, json={**before, **change})
        assert answer.status_code == 200, answer.text
        changed = api.read(path)
        updated = {"updatedAt": changed["updatedAt"]} if "updatedAt" in changed else {}
        assert changed == answer.json() == {**before, **change, **updated}


def test_put_of_what_get_answered_holds_with_put_replaces_hooks_and_hidden_keys(
    serve: Serve,
) -> None:
    api = serve(Base.metadata)
    includes = [
        Include("author", attributes=["name"], include=["desk"]),
        Include("tags", attributes=["label"]),
    ]
    books = api.crud.resource(Book, include=includes, put_replaces=True)
    authors = api.crud.resource(Author, include=[Include("desk", attributes=["room"])])
    seen: list[str] = []

    @books.update.write.before
    @authors.update.write.before
    def look(context: Context) -> None:
        seen.append(context.action)

    fill(api)
    for path in ("/books/1", "/books/2", "/authors/1", "/authors/2"):
        before, rows = api.read(path), stored(api)
        assert api.put(path, before).json() == before
        assert stored(api) == rows, path
    assert len(seen) == 4


ACCEPTED = [
    # The changed one of a foreign key and its object counts.
    ("/books/1", {"authorId": 2}, {"authorId": 2}),
    ("/books/1", {"author": {"id": 2}}, {"authorId": 2}),
    ("/books/1", {"author": {"id": 2}, "authorId": 2}, {"authorId": 2}),
    ("/books/1", {"authorId": None}, {"authorId": None}),
    ("/books/1", {"author": None}, {"authorId": None}),
    ("/books/2", {"authorId": 1}, {"authorId": 1}),
    # The same instant, written another way; members of related rows left out.
    ("/books/1", {"tags": [{"id": 1}, {"id": 2, "label": "y"}]}, {}),
    ("/authors/1", {"desk": {"id": 1}}, {}),
]


@pytest.mark.parametrize(("path", "change", "expected"), ACCEPTED)
def test_a_change_beside_what_get_answered_is_carried_out(
    api: ModelApi, path: str, change: dict[str, Any], expected: dict[str, Any]
) -> None:
    before = api.read(path)
    answer = api.put(path, {**before, **change})
    assert answer.status_code == 200, answer.text
    after = api.read(path)
    assert after.items() >= expected.items()
    assert after == answer.json()
    for name in ("tags", "desk"):
        assert after.get(name) == before.get(name)
    if "authorId" in after:
        assert (after["author"] or {"id": None})["id"] == after["authorId"]


REFUSED: list[tuple[str, str, Any, int, list[str]]] = [
    # Unknown members, on every level; the model's own name is not the API's.
    ("POST", "/authors", {"name": "x", "nam": 1}, 400, ["nam"]),
    (
        "POST",
        "/authors",
        {"name": "x", "books": [{"title": "A", "titel": 1}]},
        400,
        ["books.0.titel"],
    ),
    ("POST", "/books", {"title": "x", "author": {"name": "y", "nme": 1}}, 400, ["author.nme"]),
    ("POST", "/books", {"title": "x", "author": {"id": 1, "nme": 1}}, 400, ["author.nme"]),
    ("POST", "/books", {"title": "x", "author_id": 1}, 400, ["author_id"]),
    ("PUT", "/books/1", {"title": "x", "a": 1, "b": 2}, 400, ["a", "b"]),
    # Read-only members with another value than the stored one.
    ("POST", "/books", {"title": "x", "createdAt": "2001-01-01T00:00:00.000Z"}, 400, ["createdAt"]),
    ("POST", "/books", {"title": "x", "tagsCount": 2}, 400, ["tagsCount"]),
    ("PUT", "/books/1", {"tagsCount": 2}, 400, ["tagsCount"]),
    ("PUT", "/books/1", {"id": 2, "title": "x"}, 400, ["id"]),
    ("PUT", "/books/1", {"id": True, "title": "x"}, 400, ["id"]),
    ("PUT", "/books/1", {"updatedAt": None, "createdAt": 1}, 400, ["updatedAt", "createdAt"]),
    ("PUT", "/books/99", {"createdAt": 1}, 404, []),
    ("PUT", "/books/1", {"title": "x", "tags": [{"id": 1}]}, 400, ["tags"]),
    ("PUT", "/books/1", {"title": "x", "tags": [{"id": 2}, {"id": 1}]}, 400, ["tags"]),
    ("PUT", "/books/1", {"tags": [{"id": 1, "label": "z"}, {"id": 2}]}, 400, ["tags"]),
    # A related row is linked, not changed.
    ("PUT", "/books/1", {"author": {"id": 1, "name": "z"}}, 400, ["author.name"]),
    ("PUT", "/books/2", {"author": {"id": 1, "name": "Isaac"}}, 400, ["author.name"]),
    ("PUT", "/authors/1", {"desk": {"id": 1, "room": "8"}}, 400, ["desk.room"]),
    ("POST", "/authors", {"name": "x", "books": [{"id": 1, "title": "z"}]}, 400, ["books.0.title"]),
    ("PUT", "/books/1", {"author": {"id": None, "name": "z"}}, 400, ["author.name"]),
    (
        "POST",
        "/authors",
        {"name": "x", "books": [{"title": "A", "authorId": 1}]},
        400,
        ["books.0.authorId"],
    ),
    # Two members that contradict each other.
    ("POST", "/books", {"title": "x", "authorId": 1, "author": {"id": 2}}, 400, ["author"]),
    ("POST", "/books", {"title": "x", "authorId": 1, "author": None}, 400, ["author"]),
    ("POST", "/books", {"title": "x", "authorId": 1, "author": {"name": "n"}}, 400, ["author"]),
    ("PUT", "/books/2", {"authorId": 1, "author": {"id": 2}}, 400, ["author"]),
]


def test_what_a_body_must_not_hold_is_named_and_nothing_is_written(api: ModelApi) -> None:
    rows = stored(api)
    for method, path, body, status, names in REFUSED:
        answer = api.request(method, path, json=body)
        assert answer.status_code == status, (body, answer.text)
        assert_field_errors(answer, status, *names)
        assert stored(api) == rows, body


def test_suggestion_never_names_a_hidden_field(serve: Serve) -> None:
    api = serve(Base.metadata)
    api.crud.resource(Author, exclude_attributes=["secret"])
    answer = api.post("/authors", {"name": "x", "secret_": 1})
    (error,) = answer.json()["errors"]
    assert error["message"] == "secret_ is not a member of this body; did you mean createdAt?"


def test_a_lenient_caller_has_what_is_not_written_passed_over(api: ModelApi) -> None:
    headers = {"Prefer": "handling=lenient"}
    body = {
        "title": "C",
        "zzz": 1,
        "createdAt": 1,
        "author": {"name": "n", "zzz": 1, "createdAt": 1},
    }
    made = api.post("/books", body, headers=headers)
    assert made.status_code == 201, made.text
    path = made.headers["location"]
    changed = api.put(path, {"id": 0, "title": "D", "tags": [1], "zzz": 1}, headers=headers)
    assert changed.json() == {**made.json(), "title": "D", "updatedAt": changed.json()["updatedAt"]}


@pytest.mark.parametrize(
    ("option", "tags", "status"),
    [
        ("refuse", [{"id": 1}, {"id": 2}], 400),
        ("ignore", [{"anything": 1}], 200),
        ("ignore", None, 200),
        ("unchanged", [{"id": 1}, {"id": 2}], 200),
        ("unchanged", None, 400),
    ],
)
def test_nested_arrays_says_what_an_update_does_with_arrays(
    serve: Serve, option: str, tags: Any, status: int
) -> None:
    api = serve(Base.metadata)
    api.crud.resource(Author)
    api.crud.resource(Book, include=["tags"], nested_arrays=option)
    labels = [{"label": "x"}, {"label": "y"}]
    api.create("/books", title="A", tags=labels)
    answer = api.put("/books/1", {"title": "B", "tags": tags})
    assert answer.status_code == status, answer.text
    assert api.read("/books/1")["title"] == ("B" if status == 200 else "A")
    assert len(api.read("/books/1")["tags"]) == 2


def test_new_row_of_nulls_is_rejected(serve: Serve) -> None:
    api = serve(Base.metadata)
    desks = api.crud.resource(Desk, associations=True)
    refused = api.post("/desks", {})
    assert_field_errors(refused, 400)
    assert refused.json()["message"] == "The body is empty: the row would hold nothing but nulls"
    assert api.post("/desks", {"room": None}).status_code == 201
    assert api.post("/desks", {"author": {"name": "n"}}).status_code == 201

    @desks.create.write.before
    def stamp(context: Context) -> None:
        context.attributes["room"] = "from the hook"

    assert api.post("/desks", {}).json()["room"] == "from the hook"


class Shelf(Base):
    __tablename__ = "shelves"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    boxes: Mapped[list["Box"]] = relationship(cascade="all, delete-orphan", order_by="Box.id")


class Box(Base):
    __tablename__ = "boxes"

    id: Mapped[int] = mapped_column(primary_key=True)
    label: Mapped[str] = mapped_column(unique=True)
    shelf_id: Mapped[int] = mapped_column("shelfId", sa.ForeignKey("shelves.id"))


SYNCED: list[tuple[str, str, list[Any], list[dict[str, Any]]]] = [
    # Rows that are left out are unlinked, those without a key made, the others linked or changed.
    ("/books/1", "tags", [], []),
    ("/books/1", "tags", [{"id": 2}], [{"id": 2, "label": "y"}]),
    (
        "/books/1",
        "tags",
        [{"id": 3}, {"id": 1}],
        [{"id": 1, "label": "x"}, {"id": 3, "label": "z"}],
    ),
    ("/books/1", "tags", [{"id": 1, "label": "X"}], [{"id": 1, "label": "X"}]),
    ("/books/1", "tags", [{"label": "n"}, {"id": 2}], [{"id": 2, "label": "y"}, {"label": "n"}]),
    ("/authors/1", "books", [], []),
    ("/authors/1", "books", [{"title": "new"}], [{"title": "new", "authorId": 1}]),
    (
        "/authors/1",
        "books",
        [{"id": 1, "title": "other"}],
        [{"title": "other", "stars": 3}],
    ),
    ("/authors/2", "books", [{"id": 1}, {"id": 2, "title": "B"}], [{"id": 1}, {"id": 2}]),
    # Deleted where the relationship says so.
    ("/shelves/1", "boxes", [{"id": 2, "shelfId": 1}], [{"id": 2, "label": "b"}]),
    ("/shelves/1", "boxes", [{"label": "a"}], [{"label": "a"}]),
]
NOT_SYNCED: list[tuple[str, dict[str, Any], int, list[str]]] = [
    ("/books/1", {"tags": [{"id": 99}]}, 409, ["tags.0"]),
    ("/books/1", {"tags": [{"id": 1}, {"id": 1}]}, 400, ["tags.1"]),
    ("/books/1", {"tags": [{"id": 3, "label": "not linked yet"}]}, 400, ["tags.0.label"]),
    ("/books/1", {"tags": [{"id": 1, "label": None}]}, 400, ["tags.0.label"]),
    ("/books/1", {"tags": [{"label": "n", "lable": "n"}]}, 400, ["tags.0.lable"]),
    ("/books/1", {"tags": None}, 400, ["tags"]),
    ("/authors/1", {"books": [{"id": 1, "authorId": 2}]}, 400, ["books.0.authorId"]),
    (
        "/authors/1",
        {"books": [{"id": 1, "createdAt": "2001-01-01T00:00:00.000Z"}]},
        400,
        ["books.0.createdAt"],
    ),
    ("/shelves/1", {"boxes": [{"label": "b"}, {"label": "b"}]}, 409, ["boxes.1.label"]),
]


@pytest.fixture
def synced(serve: Serve) -> ModelApi:
    api = serve(Base.metadata)
    for model in (Author, Book, Tag, Shelf, Box):
        api.crud.resource(model, associations=True, nested_arrays="sync")
    api.create("/tags", label="x"), api.create("/tags", label="y"), api.create("/tags", label="z")
    api.create("/authors", name="Ursula")
    api.create("/authors", name="Isaac")
    api.create("/books", title="A", author={"id": 1}, tags=[{"id": 1}, {"id": 2}])
    api.create("/books", title="B")
    api.create("/shelves", name="S", boxes=[{"label": "a"}, {"label": "b"}])
    return api


@pytest.mark.parametrize(("path", "name", "given", "expected"), SYNCED)
def test_sync_makes_an_array_the_stored_set(
    synced: ModelApi, path: str, name: str, given: list[Any], expected: list[dict[str, Any]]
) -> None:
    before = synced.read(path)
    answer = synced.put(path, {**before, name: given})
    assert answer.status_code == 200, answer.text
    shown = answer.json()[name]
    assert shown == synced.read(path)[name]
    assert len(shown) == len(expected)
    assert all(row.items() >= part.items() for row, part in zip(shown, expected, strict=True))
    if name == "boxes":
        assert synced.sql("SELECT count(*) FROM boxes") == [(1,)]
    else:
        rows = synced.sql(f"SELECT count(*) FROM {name}")[0][0]
        assert rows == {"tags": 3, "books": 2}[name] + sum("id" not in one for one in given)


def test_unsupported_sync_is_rejected_and_writes_nothing(synced: ModelApi) -> None:
    rows = stored(synced)
    for path, body, status, names in NOT_SYNCED:
        answer = synced.request("PATCH", path, json=body)
        assert answer.status_code == status, (body, answer.text)
        assert_field_errors(answer, status, *names)
        assert stored(synced) == rows, body


@pytest.mark.parametrize("narrowed", [{"limit": 1}, {"where": Tag.label == "x"}])
def test_sync_of_a_truncated_array_is_a_conflict(serve: Serve, narrowed: dict[str, Any]) -> None:
    api = serve(Base.metadata)
    api.crud.resource(Tag)
    api.crud.resource(Book, include=[Include("tags", **narrowed)], nested_arrays="sync")
    api.create("/books", title="A", tags=[{"label": "x"}, {"label": "y"}])
    before, rows = api.read("/books/1"), stored(api)
    assert api.put("/books/1", before).json() == before
    assert_field_errors(api.put("/books/1", {"tags": []}), 409, "tags")
    assert stored(api) == rows


def test_sync_without_the_rows_key_stops_the_start(serve: Serve) -> None:
    api = serve(Base.metadata)
    with pytest.raises(ConfigurationError, match="the key of the rows of 'tags' is not shown"):
        api.crud.resource(
            Book, include=[Include("tags", attributes=["label"])], nested_arrays="sync"
        )
