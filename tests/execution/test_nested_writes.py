"""What a create or an update says of related rows: make, link, unlink, or nothing at all."""

from typing import Any

import pytest

from tests.fixtures.library import Api, assert_field_errors
from tests.fixtures.library_models import Book, Node, Profile, Seat, Tag, Ticket, User, book_tags


@pytest.fixture
def library(api: Api) -> Api:
    for model in (User, Book, Profile, Tag, Node, Seat, Ticket):
        api.crud.resource(model, associations=True)
    return api


def test_create_with_nested_rows_creates_them(library: Api) -> None:
    book = library.create(
        "/books",
        title="A",
        author={"firstName": "Ada", "email": "ada@x"},
        tags=[{"label": "x"}, {"label": "y"}],
    )
    assert book["author"]["email"] == "ada@x"
    assert book["authorId"] == book["author"]["id"]
    assert [tag["label"] for tag in book["tags"]] == ["x", "y"]
    user = library.create(
        "/users", firstName="Bob", profile={"nickname": "b"}, books=[{"title": "B"}]
    )
    assert user["profile"]["userId"] == user["id"]
    assert user["books"][0]["authorId"] == user["id"]
    assert all(row["addedAt"] is not None for row in library.rows(book_tags))


def test_create_with_keys_connects_existing_rows(library: Api) -> None:
    for title in ("A", "B"):
        library.create("/books", title=title)
    for label in ("x", "y"):
        library.create("/tags", label=label)
    library.create("/profiles", nickname="p")
    user = library.create(
        "/users", firstName="Ada", books=[{"id": 2}, {"id": 1}], profile={"id": 1}
    )
    assert [book["id"] for book in user["books"]] == [1, 2]
    assert user["profile"]["nickname"] == "p"
    book = library.create("/books", title="C", author={"id": 1}, tags=[{"id": 2}, {"label": "z"}])
    assert (book["author"]["firstName"], len(book["tags"])) == ("Ada", 2)


def test_update_with_key_connects_row_and_returns_it(library: Api) -> None:
    library.create("/books", title="A", author={"firstName": "Ada"})
    library.create("/users", firstName="Bob", profile={"nickname": "b"})
    answer = library.put("/books/1", {"author": {"id": 2}}).json()
    assert answer["author"]["firstName"] == "Bob"
    assert answer["authorId"] == 2
    assert library.read("/books/1") == answer


def test_update_with_object_creates_related_row(library: Api) -> None:
    library.create("/books", title="A")
    assert library.put("/books/1", {"author": {"firstName": "New"}}).status_code == 200
    assert library.read("/books/1")["author"]["firstName"] == "New"


@pytest.mark.parametrize("unlinked", [None, {"id": None}])
def test_update_with_null_disconnects_row(library: Api, unlinked: Any) -> None:
    library.create("/books", title="A", author={"firstName": "Ada"})
    library.create("/users", firstName="B", profile={"nickname": "p"})
    answer = library.put("/books/1", {"author": unlinked}).json()
    assert (answer["author"], answer["authorId"]) == (None, None)
    answer = library.put("/users/2", {"profile": unlinked}).json()
    assert answer["profile"] is None
    assert library.read("/profiles/1")["userId"] is None


def test_update_of_one_to_one_moves_row(library: Api) -> None:
    library.create("/users", firstName="A", profile={"nickname": "p"})
    library.create("/users", firstName="B", profile={"nickname": "q"})
    answer = library.put("/users/1", {"profile": {"id": 2}}).json()
    assert answer["profile"]["nickname"] == "q"
    assert library.read("/users/2")["profile"] is None
    assert library.read("/profiles/1")["user"] is None
    assert library.put("/users/1", {"profile": {"id": 2}}).json()["profile"]["id"] == 2
    assert library.put("/users/1", {"profile": {"nickname": "r"}}).json()["profile"]["id"] == 3


def test_connected_row_gets_new_updated_at_only(library: Api) -> None:
    before = library.create("/books", title="A", isbn="1")
    library.create("/users", firstName="Ada", books=[{"id": 1, "title": "A"}])
    after = library.read("/books/1")
    assert (after["title"], after["isbn"], after["createdAt"]) == ("A", "1", before["createdAt"])
    assert after["updatedAt"] >= before["updatedAt"]


MISSING = [
    ("POST", "/books", {"title": "A", "author": {"id": 99}}, "author"),
    ("POST", "/books", {"title": "A", "tags": [{"label": "x"}, {"id": 99}]}, "tags.1"),
    ("POST", "/users", {"firstName": "A", "books": [{"id": 99}]}, "books.0"),
    ("POST", "/users", {"firstName": "A", "profile": {"id": 99}}, "profile"),
    ("POST", "/nodes", {"name": "A", "parent": {"id": 99}}, "parent"),
    ("POST", "/tickets", {"seat": {"line": "Z", "number": 1}}, "seat"),
    ("PUT", "/books/1", {"title": "B", "author": {"id": 99}}, "author"),
    ("PUT", "/users/1", {"firstName": "B", "profile": {"id": 99}}, "profile"),
    ("POST", "/books", {"title": "A", "authorId": 99}, "authorId"),
    ("PUT", "/books/1", {"title": "A", "authorId": 99}, "authorId"),
    ("POST", "/users", {"firstName": "A", "books": [{"title": "B", "isbn": "i"}]}, "books.0.isbn"),
    ("POST", "/books", {"title": "A", "author": {"firstName": "x", "email": "e"}}, "author.email"),
    ("POST", "/books", {"title": "B", "tags": [{"label": "t"}]}, "tags.0.label"),
    ("POST", "/books", {"title": "B", "tags": [{"id": 1}, {"id": 1}]}, "tags.1"),
]


@pytest.mark.parametrize(("method", "path", "body", "field"), MISSING)
def test_nested_conflict_names_its_path_and_writes_nothing(
    library: Api, method: str, path: str, body: dict[str, Any], field: str
) -> None:
    library.create("/users", firstName="Ada", email="e", books=[{"title": "A", "isbn": "i"}])
    library.create("/tags", label="t")
    before = [library.rows(model) for model in (User, Book, Profile, Tag, Node, Ticket)]
    assert_field_errors(library.request(method, path, json=body), 409, field)
    after = [library.rows(model) for model in (User, Book, Profile, Tag, Node, Ticket)]
    assert before == after


WRONG = [
    ("POST", "/users", {"firstName": "A", "books": {"title": "B"}}, ["books"]),
    ("POST", "/users", {"firstName": "A", "books": None}, ["books"]),
    ("POST", "/users", {"firstName": "A", "books": [1]}, ["books.0"]),
    ("POST", "/users", {"firstName": "A", "books": [{}] * 1_001}, ["books"]),
    ("POST", "/users", {"firstName": "A", "books": [{"title": "B"}, {"id": "x"}]}, ["books.1.id"]),
    ("POST", "/users", {"firstName": "A", "books": [{"pages": "x"}]}, None),
    (
        "POST",
        "/users",
        {"firstName": "A", "books": [{"title": "B", "pages": 0}]},
        ["books.0.pages"],
    ),
    ("POST", "/users", {"firstName": "A", "profile": []}, ["profile"]),
    ("POST", "/users", {"profile": {}}, ["profile.nickname", "firstName"]),
    ("POST", "/tickets", {"seat": {"line": "A", "number": "x"}}, ["seat.number"]),
    ("POST", "/tickets", {"seat": {"line": "A", "number": None}}, ["seat.number"]),
    ("PUT", "/users/1", {"firstName": "B", "books": [{"title": "changed"}]}, ["books"]),
    ("PATCH", "/users/1", {"firstName": "B", "books": []}, ["books"]),
    ("PUT", "/users/1", {"firstName": "B", "books": None}, ["books"]),
]


@pytest.mark.parametrize(("method", "path", "body", "fields"), WRONG)
def test_invalid_nested_body_is_rejected_and_writes_nothing(
    library: Api, method: str, path: str, body: dict[str, Any], fields: list[str] | None
) -> None:
    library.create("/users", firstName="Ada", books=[{"title": "A"}])
    before = [library.rows(model) for model in (User, Book, Profile, Seat, Ticket)]
    answer = library.request(method, path, json=body)
    assert_field_errors(answer, 400, *(fields or ["books.0.title", "books.0.pages"]))
    assert before == [library.rows(model) for model in (User, Book, Profile, Seat, Ticket)]


def test_array_item_without_key_creates_row(library: Api) -> None:
    user = library.create("/users", firstName="A", books=[{"id": None, "title": "B"}])
    assert [book["title"] for book in user["books"]] == ["B"]


def test_relation_with_read_only_foreign_key_is_read_only(api: Api) -> None:
    api.crud.resource(Book, include=["author"], read_only_attributes=["authorId"])
    api.crud.resource(User)
    api.create("/users", firstName="Ada")
    refused = api.post("/books", {"title": "A", "author": {"id": 1}, "authorId": 1})
    assert_field_errors(refused, 400, "author")
    api.create("/books", title="A")
    assert_field_errors(api.put("/books/1", {"author": {"id": 1}}), 400, "author")
    assert api.put("/books/1", {"author": None, "authorId": None}).status_code == 200


def test_add_to_children_overrides_client_and_sets_read_only_fields(
    api: Api,
) -> None:
    users = api.crud.resource(User, associations=True)
    tenants = {"title": "from the service", "isbn": None}

    @users.create.write.before
    def add(context: Any) -> None:
        context.add_to_children = tenants

    user = api.create("/users", firstName="A", books=[{"isbn": "client"}, {"title": "client"}])
    assert [(b["title"], b["isbn"]) for b in user["books"]] == [("from the service", None)] * 2


def test_add_to_children_applies_to_update(api: Api) -> None:
    users = api.crud.resource(User, associations=True)

    @users.update.write.before
    async def add(context: Any) -> None:
        context.add_to_children = {"nickname": "given"}

    api.create("/users", firstName="A")
    answer = api.put("/users/1", {"profile": {"nickname": "mine"}}).json()
    assert answer["profile"]["nickname"] == "given"


def test_nested_row_without_required_field_names_it(api: Api) -> None:
    users = api.crud.resource(User, associations=True)
    users.create.start.before(lambda _: None)
    answer = api.post("/users", {"firstName": "A", "books": [{"title": "ok"}, {}]})
    assert_field_errors(answer, 400, "books.1.title")
    assert (api.rows(User), api.rows(Book)) == ([], [])


def test_reload_instances_false_omits_related_rows(api: Api) -> None:
    api.crud.resource(User, associations=True, reload_instances=False)
    assert "books" not in api.create("/users", firstName="A", books=[{"title": "B"}])
    assert len(api.read("/users/1")["books"]) == 1
