"""The rows related to one row, under its path."""

from typing import Any

import pytest

from tests.fixtures.library import Api
from tests.fixtures.library_models import Book, Country, Loan, Node, Profile, Tag, User


@pytest.fixture
def library(api: Api) -> Api:
    for model in (User, Book, Profile, Tag, Node, Loan):
        api.crud.resource(model, associations=True)
    api.create("/users", firstName="Nobody")
    api.create(
        "/users",
        firstName="Ada",
        profile={"nickname": "countess"},
        books=[{"title": f"t{n}", "pages": n + 1} for n in range(5)],
    )
    api.create("/books", title="orphan", tags=[{"label": "x"}, {"label": "y"}])
    api.create("/books", title="tagged", author={"id": 2}, tags=[{"id": 1}])
    return api


LISTS: list[tuple[str, str, list[Any], str]] = [
    ("/users/2/books", "title", ["t0", "t1", "t2", "t3", "t4", "tagged"], "items 0-5/6"),
    ("/users/1/books", "title", [], "items 0-0/0"),
    ("/users/99/books", "title", [], "items 0-0/0"),
    ("/users/2/books?count=2&page=1", "title", ["t2", "t3"], "items 2-3/6"),
    ("/users/2/books?sort=-pages&count=1&pages__is_null=false", "title", ["t4"], "items 0-0/5"),
    ("/users/2/books?pages__gte=2&q=t2", "title", ["t2"], "items 0-0/1"),
    ("/users/2/books?fields=title&title=t1", "title", ["t1"], "items 0-0/1"),
    ("/books/6/tags", "label", ["x", "y"], "items 0-1/2"),
    ("/tags/1/books", "title", ["orphan", "tagged"], "items 0-1/2"),
    ("/tags/2/books", "title", ["orphan"], "items 0-0/1"),
]


@pytest.mark.parametrize(("path", "field", "values", "content_range"), LISTS)
def test_nested_list_is_paged_filtered_and_sorted(
    library: Api, path: str, field: str, values: list[Any], content_range: str
) -> None:
    answer = library.get(path)
    assert [row[field] for row in answer.json()] == values
    assert answer.headers["content-range"] == content_range


FOUND = [
    ("/users/2/books/1", "title", "t0"),
    ("/users/2/profile", "nickname", "countess"),
    ("/books/1/author", "firstName", "Ada"),
    ("/profiles/1/user", "firstName", "Ada"),
    ("/books/6/tags/2", "label", "y"),
    ("/tags/1/books/7", "title", "tagged"),
]


@pytest.mark.parametrize(("path", "field", "value"), FOUND)
def test_nested_row_is_read_below_parent(library: Api, path: str, field: str, value: str) -> None:
    assert library.read(path)[field] == value


MISSING = [
    "/users/1/books/1",
    "/users/2/books/6",
    "/users/99/books/1",
    "/users/1/profile",
    "/users/99/profile",
    "/books/6/author",  # It has none.
    "/books/99/author",
    "/books/6/tags/99",
    "/books/7/tags/2",
    "/users/x/books",
    "/users/2/books/x",
    "/users/2/nothing",
]


@pytest.mark.parametrize("path", MISSING)
def test_unrelated_row_below_parent_is_not_found(library: Api, path: str) -> None:
    assert library.get(path).status_code == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_nested_resource_rejects_writes(library: Api, method: str) -> None:
    for path in ("/users/2/books", "/users/2/books/1", "/users/2/profile"):
        answer = library.request(method, path, json={})
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD, OPTIONS")


def test_nested_paths_of_self_reference_lead_both_ways(library: Api) -> None:
    library.create("/nodes", name="root", children=[{"name": "a"}, {"name": "b"}])
    assert [row["name"] for row in library.read("/nodes/1/children")] == ["a", "b"]
    assert library.read("/nodes/1/children/3")["name"] == "b"
    assert library.read("/nodes/3/parent")["name"] == "root"
    assert library.get("/nodes/1/parent").status_code == 404
    assert library.get("/nodes/2/children/3").status_code == 404


def test_nested_composite_key_has_parent_key_in_path(library: Api) -> None:
    library.create("/loans", user_id=1, number=7)
    library.create("/loans", user_id=2, number=8)
    assert library.read("/users/1/loans") == [{"user_id": 1, "number": 7}]
    assert library.read("/users/1/loans/1/7")["number"] == 7
    assert library.get("/users/1/loans/2/8").status_code == 404


def test_nested_resource_runs_its_hooks(api: Api) -> None:
    users = api.crud.resource(User, associations=True)
    assert set(users.nested_resources) == {"books", "profile", "loans"}
    seen: list[str] = []
    users.nested_resources["books"].list.fetch.after(lambda c: seen.append(c.resource.name))
    api.create("/users", firstName="A")
    api.read("/users/1/books")
    assert seen == ["Book"]


def test_nested_path_below_parent_with_other_key_is_read(api: Api) -> None:
    api.crud.resource(Tag, endpoints=("/labels", "/labels/{label}"), associations=True)
    api.crud.resource(Country)
    api.create("/labels", label="new", books=[{"title": "B"}])
    assert [row["title"] for row in api.read("/labels/new/books")] == ["B"]
    assert api.read("/labels/old/books") == []
