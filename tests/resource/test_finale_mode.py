"""``compatible="finale"``: requests and responses beside a strict resource of the same rows."""

from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import httpx
import jsonschema_rs
import pytest
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship, validates

from encore import ConfigurationError, Context, Crud, SearchOptions, SortOptions
from encore.errors import Conflict
from encore.openapi.document import make_document
from encore.types import Timestamps
from tests.fixtures.item_service import Item, ItemBase
from tests.fixtures.models import ModelApi, Serve
from tests.fixtures.openapi import resolve, resolved

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class Base(DeclarativeBase):
    pass


labels = sa.Table(
    "labels",
    Base.metadata,
    sa.Column("bookId", sa.ForeignKey("books.id"), primary_key=True),
    sa.Column("tagId", sa.ForeignKey("tags.id"), primary_key=True),
)


class User(Timestamps, Base):
    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(sa.String(20), unique=True)
    age: Mapped[int | None]
    active: Mapped[bool | None]
    height: Mapped[float | None]
    balance: Mapped[Decimal | None] = mapped_column(sa.Numeric(8, 2))
    born: Mapped[date | None]
    secret: Mapped[str | None]
    owner: Mapped[str | None]
    books: Mapped[list["Book"]] = relationship(back_populates="author", order_by="Book.id")


class Book(Base):
    __tablename__ = "books"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    pages: Mapped[int | None]
    author_id: Mapped[int | None] = mapped_column("authorId", sa.ForeignKey("users.id"))
    author: Mapped[User | None] = relationship(back_populates="books")
    tags: Mapped[list["Tag"]] = relationship(secondary=labels, order_by="Tag.id")


class Tag(Base):
    __tablename__ = "tags"

    id: Mapped[int] = mapped_column(primary_key=True)
    label: Mapped[str]


def check_refused(response: httpx.Response, status: int) -> None:
    """Check that a response is a problem of this status."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"


OPTIONS: dict[str, Any] = {
    "associations": True,
    "exclude_attributes": ["secret"],
    "read_only_attributes": ["owner"],
    "presets": {"adults": lambda: User.age >= 18},
}


def both(serve: Serve) -> ModelApi:
    """Serve users and books twice, below ``/strict`` without the mode; two rows of each."""
    api = serve(Base.metadata)
    strict = Crud(api.app, api.database, base="/strict", scopes=("library",))
    finale = Crud(api.app, api.database, scopes=("library",), compatible="finale")
    for crud in (strict, finale):
        crud.resource(User, **OPTIONS)
        crud.resource(Book, associations=True)

    def fill(session: Any) -> None:
        tags = [Tag(label="x"), Tag(label="y")]
        ann = User(id=1, username="ann", age=42, secret="alpha", owner="staff")
        session.add_all([ann, User(id=2, username="bob", age=7), *tags])
        session.flush()
        session.add_all([Book(title="A", author=ann, tags=tags), Book(title="B", author=ann)])

    api.orm(fill)
    if api.database.dialect.name == "postgresql":
        api.sql("SELECT setval('users_id_seq', 2)")
    return api


IGNORED: list[dict[str, Any]] = [
    {"colour": "brown"},
    {"createdAt": "2001-01-01T00:00:00.000Z", "updatedAt": 1},
    {"owner": "me"},
    {"secret": "stolen"},
    {"id": 70},
    {"books": [{"title": "changed"}]},
    {"books": None},
    {"books": "nothing of the kind", "booksCount": 9},
]


def test_members_that_are_not_written_are_ignored_on_update(serve: Serve) -> None:
    api = both(serve)
    for body in IGNORED:
        before = api.read("/users/1")
        check_refused(api.put("/strict/users/1", {**body, "age": 50}), 400)
        for method in ("PUT", "PATCH"):
            answer = api.request(method, "/users/1", json={**body, "age": 50})
            assert answer.status_code == 200, (body, answer.text)
            shown = answer.json()
            assert shown == {**before, "age": 50, "updatedAt": shown["updatedAt"]}, body
            assert shown == api.read("/users/1")
        assert api.put("/users/1", {**body, "age": 42}).status_code == 200
    assert api.sql("SELECT id, owner, secret FROM users ORDER BY id")[0] == (1, "staff", "alpha")


def test_members_that_are_not_written_are_ignored_on_create(serve: Serve) -> None:
    api = both(serve)
    ignored = {**IGNORED[0], **IGNORED[1], **IGNORED[2], **IGNORED[3]}
    nested = {"username": "dan", "colour": 1, "createdAt": 1, "books": [{"title": "deep"}]}
    body = {"title": "C", "author": nested, "tags": [{"id": 1, "label": "x", "zzz": 1}]}
    check_refused(api.post("/strict/users", {**ignored, "username": "cid"}), 400)
    check_refused(api.post("/strict/books", body), 400)
    made = api.create("/users", **ignored, username="cid")
    assert made["owner"] is None
    assert not made["createdAt"].startswith("2001")
    book = api.create("/books", **body)
    assert (book["author"]["username"], book["tags"]) == ("dan", [{"id": 1, "label": "x"}])
    assert api.sql("SELECT secret FROM users WHERE secret <> 'alpha'") == []
    assert api.sql("SELECT count(*) FROM books") == [(3,)]


def test_body_without_writable_members_is_rejected(serve: Serve) -> None:
    api = serve(ItemBase.metadata)
    api.crud.resource(Item, compatible="finale")
    for body in ({}, {"colour": "brown"}):
        check_refused(api.post("/items", body), 400)
    assert api.read("/items") == []


COERCED: list[tuple[str, str, Any]] = [
    ("age", "12", 12),
    ("age", "-1", -1),
    ("active", "true", True),
    ("active", "false", False),
    ("height", "1.5", 1.5),
    ("balance", "12.50", "12.50"),
    ("born", "2001-02-03", "2001-02-03"),
    ("username", "12", "12"),
    ("username", "true", "true"),
]
REFUSED: list[tuple[str, str]] = [
    ("age", "old"),
    ("age", "1.5"),
    ("age", ""),
    ("age", "null"),
    ("age", "99999999999999999999"),
    ("active", "yes"),
    ("active", "1"),
    ("height", "nan"),
    ("height", "1e999"),
    ("balance", "1.234"),
    ("born", "yesterday"),
    ("username", "x" * 21),
    ("username", "a\0b"),
]


def test_string_in_json_and_form_is_converted_to_column_type(serve: Serve) -> None:
    api = both(serve)
    for name, text, value in COERCED:
        for sent in ({"json": {name: text}}, form(**{name: text})):
            answer = api.request("PUT", "/users/2", **sent)
            assert answer.status_code == 200, (name, text, answer.text)
            assert answer.json()[name] == value, (name, text)
            assert api.put("/users/2", {"username": "bob", "age": None}).status_code == 200
    for name, text in REFUSED:
        before = api.read("/users/2")
        for sent in ({"json": {name: text}}, form(**{name: text})):
            answer = api.request("PUT", "/users/2", **sent)
            check_refused(answer, 400)
            assert [error["field"] for error in answer.json()["errors"]] == [name], (name, text)
        assert api.read("/users/2") == before
    check_refused(api.put("/strict/users/2", {"age": "12"}), 400)


def form(**values: str) -> dict[str, Any]:
    body = "&".join(f"{quote(name)}={quote(text)}" for name, text in values.items())
    return {"content": body, "headers": FORM}


def test_related_row_with_key_as_string_is_connected(serve: Serve) -> None:
    api = both(serve)
    assert api.put("/books/1", {"author": {"id": "2"}}).json()["author"]["username"] == "bob"
    answer = api.request("PUT", "/books/1", content="author[id]=1", headers=FORM)
    assert answer.json()["author"]["username"] == "ann"
    assert api.put("/books/1", {"authorId": "2"}).json()["authorId"] == 2


FORMS: list[tuple[str, int, Any]] = [
    ("title=A+B%20C%C3%A4", 201, {"title": "A B Cä", "pages": None}),
    ("title=A&pages=12&colour=brown", 201, {"title": "A", "pages": 12}),
    ("title=A&tags[0][label]=new&tags[1][label]=newer", 201, {"tags": ["new", "newer"]}),
    ("title=A&tags[][label]=new", 201, {"tags": ["new"]}),
    ("title=A&author[username]=eve", 201, {"author": "eve"}),
    ("title=A&a]=2&=3&;", 201, {"title": "A"}),
    ("title=A&[x]=1", 400, []),
    ("title=A&a[b=1", 400, []),
    ("title=A&a[b]c=1", 400, []),
    ("title=", 201, {"title": ""}),
    ("pages=12", 400, ["title"]),
    ("title=A&title=B", 400, ["title"]),
    ("title[x]=A", 400, ["title"]),
    ("title=A&tags=x", 400, ["tags"]),
    ("title=A&tags=x&tags[a]=y", 400, []),
    ("title=A&tags[a]=y&tags=x", 400, []),
    ("title=%FF", 400, []),
    ("title=A&" + "a" + "[b]" * 6 + "=1", 400, []),
    ("&".join(f"a{n}=1" for n in range(1_001)), 400, []),
]


def test_form_is_parsed_as_by_express(serve: Serve) -> None:
    api = both(serve)
    for body, status, expected in FORMS:
        check_refused(api.request("POST", "/strict/books", content=body, headers=FORM), 415)
        answer = api.request("POST", "/books", content=body, headers=FORM)
        assert answer.status_code == status, (body, answer.text)
        if status == 400:
            assert [error["field"] for error in answer.json()["errors"]] == expected, body
            continue
        made = answer.json()
        tags, author = [tag["label"] for tag in made["tags"]], made["author"]
        shown = {**made, "tags": tags, "author": author and author["username"]}
        assert {name: shown[name] for name in expected} == expected, body
    for kind, status in [
        ("application/x-www-form-urlencoded; charset=utf-8", 201),
        ("application/x-www-form-urlencoded; charset=latin1", 415),
        ("multipart/form-data", 415),
        ("text/plain", 415),
    ]:
        headers = {"Content-Type": kind}
        answer = api.request("POST", "/books", content="title=A", headers=headers)
        assert answer.status_code == status, kind
    assert answer.headers["accept"] == "application/json, application/x-www-form-urlencoded"


READ: list[tuple[str, int, Any]] = [
    ("/users?colour=brown&age__foo=1&books.zzz=1", 200, [1, 2]),
    ("/users?scope=adults", 200, [1]),
    ("/users?preset=adults&scope=adults", 200, [1]),
    ("/users?scope=zzz", 400, None),
    ("/books?scope=adults", 400, None),
    ("/users?secret=alpha", 200, [1, 2]),
    ("/users?secret=nothing&secret__like=z", 200, [1, 2]),
    ("/users?sort=secret", 400, None),
    ("/users?q=%25", 200, []),
    ("/users?age=old", 400, None),
    ("/users?count=1&count=2", 200, [1, 2]),
    ("/users?count=1&offset=1&offset=2", 200, [1]),
    ("/users?count=1&page=1&page=2", 200, [1]),
    ("/users?count=undefined&offset=NaN&page=", 200, [1, 2]),
    ("/users?count=1.5", 400, None),
    ("/users?offset=-1", 400, None),
    ("/users?page=99999999999999999999", 400, None),
    ("/users?or=zzz=1", 400, None),
    ("/users/1/books?colour=brown", 200, [1, 2]),
]


def test_unknown_parameters_of_get_are_ignored_but_values_validated(serve: Serve) -> None:
    api = both(serve)
    for path, status, ids in READ:
        answer = api.get(path)
        assert answer.status_code == status, (path, answer.text)
        assert ids is None or [row["id"] for row in answer.json()] == ids, path
        assert api.request("HEAD", path).status_code == status, path
    assert api.read("/users/1?colour=brown&scope=adults")["id"] == 1
    check_refused(api.get("/users/2?scope=adults"), 404)
    check_refused(api.get("/strict/users?colour=brown"), 400)
    check_refused(api.get("/strict/users?scope=adults"), 400)
    check_refused(api.get("/strict/users?count=1&count=2"), 400)
    check_refused(api.get("/strict/users?count=undefined"), 400)


def test_unknown_parameters_of_write_are_rejected(serve: Serve) -> None:
    api = both(serve)
    for method, path in [("POST", "/users"), ("PUT", "/users/1"), ("DELETE", "/users/2")]:
        check_refused(api.request(method, f"{path}?colour=brown", json={"username": "x"}), 400)
    check_refused(api.put("/users/2?scope=adults", {"age": 8}), 404)
    assert api.put("/users/1?scope=adults", {"age": 50}).json()["age"] == 50


CONFLICTS: list[tuple[str, str, Any, list[str]]] = [
    ("POST", "/users", {"username": "ann"}, ["username"]),
    ("PUT", "/users/2", {"username": "ann"}, ["username"]),
    ("POST", "/users", {"id": 1, "username": "new"}, ["id"]),
    ("POST", "/books", {"title": "C", "authorId": 99}, ["authorId"]),
    ("POST", "/books", {"title": "C", "author": {"id": 99}}, ["author"]),
    ("PUT", "/books/1", {"authorId": 99}, ["authorId"]),
    ("PUT", "/books/1", {"author": {"id": 99}}, ["author"]),
    ("POST", "/books", {"title": "C", "tags": [{"id": 1}, {"id": 1}]}, ["tags.1"]),
    ("POST", "/users", {"username": "new", "books": [{"id": 99}]}, ["books.0"]),
]


def test_conflict_returns_400_in_finales_form(serve: Serve) -> None:
    api = both(serve)
    for method, path, body, fields in CONFLICTS:
        strict = api.request(method, f"/strict{path}", json=body)
        answer = api.request(method, path, json=body)
        assert (strict.status_code, answer.status_code) == (409, 400), (path, body, answer.text)
        problem = answer.json()
        assert [error["field"] for error in problem["errors"]] == fields, body
        for member in ("message", "errors"):
            assert problem[member] == strict.json()[member], body
    assert api.sql("SELECT count(*) FROM users") == [(2,)]


def test_conflict_raised_by_hook_keeps_its_status(serve: Serve) -> None:
    api = serve(Base.metadata)
    users = api.crud.resource(User, compatible="finale")

    @users.create.write.before
    def refuse(_: Context) -> None:
        raise Conflict("approved already")

    check_refused(api.post("/users", {"username": "x"}), 409)


def test_links_in_finale_mode_follow_its_rules(serve: Serve) -> None:
    api = serve(Base.metadata)
    api.crud.resource(Book, associations=True, links=True, compatible="finale")
    made = api.create("/books", title="A", tags=[{"label": "x"}, {"label": "y"}])
    path, (first, second) = f"/books/{made['id']}/tags", made["tags"]
    check_refused(api.post(path, {"id": 99}), 400)
    check_refused(api.post(f"{path}?colour=brown", {"id": first["id"]}), 400)
    body = {"id": str(second["id"]), "colour": "brown", "label": "z"}
    assert api.post(path, body).status_code == 200
    assert api.put(path, [body]).json() == [second]


def test_pages_in_finale_mode_are_larger_and_end_as_in_finale(serve: Serve) -> None:
    api = both(serve)
    rows = ",".join(f"('b{n}')" for n in range(10_020))
    api.sql(f"INSERT INTO books (title) VALUES {rows}")
    for path, count, shown in [
        ("/books?fields=id&count=5000", 5_000, "items 0-4999/10022"),
        ("/books?fields=id&count=20000", 10_000, "items 0-9999/10022"),
        ("/books?fields=id&offset=20000", 0, "items 20000-19999/10022"),
        ("/books?title=none&offset=5", 0, "items 5-4/0"),
        ("/users/2/books", 0, "items 0-0/0"),
        ("/users/1/books?offset=5", 0, "items 5-4/2"),
        ("/strict/books?fields=id&count=20000", 1_000, "items 0-999/10022"),
        ("/strict/books?fields=id&offset=20000", 0, "items */10022"),
    ]:
        answer = api.get(path)
        assert (len(answer.json()), answer.headers["content-range"]) == (count, shown), path


def test_hooks_in_finale_mode_run_as_in_strict_mode(serve: Serve) -> None:
    api = serve(Base.metadata)
    users = api.crud.resource(User, compatible="finale")
    ended = []

    @users.list.auth.before
    def narrow(context: Context) -> None:
        context.criteria["username"] = "ann"

    @users.update.write.after
    def fail(_: Context) -> None:
        raise Conflict("undone")

    @users.all.complete
    def end(context: Context) -> None:
        ended.append(context.action)

    ann = api.create("/users", username="ann", age="42")
    api.create("/users", username="bob")
    assert [row["id"] for row in api.read("/users?username=bob&zzz=1")] == []
    assert [row["id"] for row in api.read("/users?zzz=1")] == [ann["id"]]
    check_refused(api.put(f"/users/{ann['id']}", {"age": "43", "zzz": 1}), 409)
    assert api.read(f"/users/{ann['id']}")["age"] == 42
    assert ended == ["create", "create", "list", "list", "update", "read"]


def test_model_with_strict_and_finale_resource_serves_both(serve: Serve) -> None:
    api = serve(ItemBase.metadata)
    api.crud.resource(Item)
    api.crud.resource(Item, endpoints=("/finale", "/finale/{id}"), compatible="finale")
    body = {"source": 12, "name": "Banana Bread", "colour": "brown"}
    check_refused(api.post("/items", body), 400)
    made = api.create("/finale", **body)
    assert made == api.read(f"/items/{made['id']}")
    check_refused(api.put(f"/items/{made['id']}", {"colour": "brown"}), 400)
    assert api.put(f"/finale/{made['id']}", {**made, "createdAt": 1}).status_code == 200
    check_refused(api.get("/items?colour=brown"), 400)
    assert len(api.read("/finale?colour=brown")) == 1


class Member(Base):
    __tablename__ = "members"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    age: Mapped[int | None]
    host_id: Mapped[int | None] = mapped_column("hostId", sa.ForeignKey("members.id"))
    host: Mapped["Member | None"] = relationship(remote_side="Member.id", back_populates="guests")
    guests: Mapped[list["Member"]] = relationship(back_populates="host")

    @validates("name")
    def check_name(self, _: str, value: str) -> str:
        return value.strip()


def test_finale_mode_applies_to_session_writes(serve: Serve) -> None:
    api = serve(Base.metadata)
    api.crud.resource(Member, associations=True, compatible="finale")
    ann = api.create("/members", name=" ann ", age="42", colour="brown")
    assert (ann["name"], ann["age"]) == ("ann", 42)
    path = f"/members/{ann['id']}"
    bob = api.create("/members", name="bob", host={"id": str(ann["id"]), "colour": 1}, zzz=1)
    changed = api.put(path, {"age": "43", "guests": [], "zzz": 1}).json()
    assert (changed["age"], [guest["id"] for guest in changed["guests"]]) == (43, [bob["id"]])
    for body in ({"name": "bob"}, {"hostId": "99"}, {"host": {"id": 99}}):
        check_refused(api.put(path, body), 400)
        check_refused(api.post("/members", {"name": "new", **body}), 400)
    assert [row["name"] for row in api.read("/members?zzz=1")] == ["ann", "bob"]


@pytest.mark.parametrize("value", ["Finale", "strict", "", True, ["finale"], 1])
def test_invalid_compatible_option_stops_start(serve: Serve, value: Any) -> None:
    api = serve(Base.metadata)
    text = "option compatible: must be None or 'finale'"
    with pytest.raises(ConfigurationError, match=f"resource Tag: {text}"):
        api.crud.resource(Tag, compatible=value)
    with pytest.raises(ConfigurationError, match=f"resource Crud: {text}"):
        Crud(api.app, api.database, compatible=value)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"nested_arrays": "unchanged"}, "option nested_arrays: 'unchanged' contradicts"),
        ({"search": SearchOptions("scope")}, "option search: param: 'scope' chooses presets"),
        ({"sort": SortOptions("scope")}, "option sort: param: 'scope' chooses presets"),
    ],
)
def test_options_contradicting_finale_mode_stop_start(
    serve: Serve, options: dict[str, Any], text: str
) -> None:
    api = serve(Base.metadata)
    with pytest.raises(ConfigurationError, match=text):
        api.crud.resource(Book, compatible="finale", associations=True, **options)
    api.crud.resource(Book, associations=True, **options)


def test_strict_resource_overrides_crud_in_finale_mode(serve: Serve) -> None:
    api = serve(Base.metadata)
    crud = Crud(api.app, api.database, scopes=("library",), compatible="finale")
    crud.resource(Tag, compatible=None)
    crud.resource(Book, nested_arrays="refuse", include=["tags"])
    check_refused(api.post("/tags", {"label": "x", "zzz": 1}), 400)
    book = api.create("/books", title="A", zzz=1)
    check_refused(api.put(f"/books/{book['id']}", {"tags": []}), 400)


def test_openapi_describes_finale_mode(serve: Serve) -> None:
    api = both(serve)
    document = resolved(make_document(api.app))
    paths, form = document["paths"], FORM["Content-Type"]
    for base, forms, most, presets in [("/strict", 0, 1_000, 1), ("", 2, 10_000, 2)]:
        operations = [paths[f"{base}/users"]["post"], paths[f"{base}/users/{{id}}"]["put"]]
        contents = [one["requestBody"]["content"] for one in operations]
        assert all("application/json" in content for content in contents)
        assert sum(form in content for content in contents) == forms
        conflicts = [one["responses"]["409"]["description"] for one in operations]
        assert sum("unique" not in text for text in conflicts) == forms
        parameters = {p["name"]: p for p in paths[f"{base}/users"]["get"]["parameters"]}
        assert f"more than {most} " in parameters["count"]["description"]
        assert len({"preset", "scope"} & parameters.keys()) == presets
    for content in contents:
        schema = resolve(document, content[form]["schema"])
        assert "additionalProperties" not in schema
        age = jsonschema_rs.validator_for(schema["properties"]["age"])
        assert [age.is_valid(value) for value in (1, None, True)] == [True, True, False]
        assert "A string is accepted for a value of another type" in schema["description"]
