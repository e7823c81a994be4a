"""Resources with some of the dialects, and with related rows."""

from typing import Any

import pytest

from tests.dialects.conftest import ids, with_kinds
from tests.dialects.test_react_admin import query
from tests.fixtures.library import Api, error_fields
from tests.fixtures.library_models import Book, Kind, User


@pytest.mark.parametrize("nested", [{"author": {"firstName": "Ada"}}, {"author.firstName": "Ada"}])
def test_filter_leads_through_relations_and_compares_exactly(
    api: Api, nested: dict[str, Any]
) -> None:

    api.crud.resource(User)
    api.crud.resource(Book, include=["author"], dialects=["react-admin"])
    for name in ("Ada", "Adam"):
        user = api.create("/users", firstName=name)
        api.create("/books", title=f"of {name}", authorId=user["id"])
    found = api.read(f"/books?{query(filter=nested)}")
    assert [row["title"] for row in found] == ["of Ada"]


@pytest.mark.parametrize("embed", ["books", ["books"], []])
def test_embed_shows_the_named_relations_alone(users: Api, embed: Any) -> None:
    user = users.create("/users", firstName="Ada", books=[{"title": "x"}])
    for path in ("/users", f"/users/{user['id']}"):
        found = users.read(f"{path}?{query(embed=embed)}")
        row = found[0] if isinstance(found, list) else found
        assert ("books" in row) == bool(embed)


@pytest.mark.parametrize("parameters", ['embed="nope"', 'embed="books"&fields=id', "embed=books"])
def test_embed_of_one_row_is_alone_and_valid(users: Api, parameters: str) -> None:
    user = users.create("/users", firstName="Ada")
    assert users.get(f"/users/{user['id']}?{parameters}").status_code == 400


def test_resource_without_the_dialect_knows_nothing_of_it(api: Api) -> None:
    with_kinds(api, ["json-server"])
    for parameters in (query(filter={}), query(range=[0, 1]), query(sort=["id", "ASC"])):
        assert api.get(f"/kinds?{parameters}").status_code == 400


@pytest.mark.parametrize(
    "query",
    ["id=[1,2]&id=4", "id=null&id=1", "text=null", "count=1&sort=-id", "whole__gte=5", "q=nu", ""],
)
def test_query_in_our_own_language_means_what_it_means_without_dialects(
    api: Api, query: str
) -> None:

    with_kinds(api, ["react-admin", "refine", "json-server"], endpoints=["/kinds", "/kinds/{id}"])
    api.crud.resource(Kind, endpoints=["/own", "/own/{id}"])
    own, with_dialects = api.get(f"/own?{query}"), api.get(f"/kinds?{query}")
    assert with_dialects.json() == own.json()
    for name in ("content-range", "link"):
        expected = own.headers.get(name, "").replace("/own?", "/kinds?").partition("cursor=")[0]
        assert with_dialects.headers.get(name, "").partition("cursor=")[0] == expected


def test_many_keys_are_one_page_of_all_of_them(api: Api) -> None:
    with_kinds(api, ["refine"])
    rows = [{"id": number} for number in range(10, 160)]
    assert api.post("/kinds", rows).status_code == 200
    assert len(ids(api, "&".join(f"id={row['id']}" for row in rows))) == 150
    too_many = "&".join(f"id={number}" for number in range(200))
    assert api.get(f"/kinds?{too_many}&id=7").status_code == 400


def test_list_without_a_page_has_the_most_rows_of_one_and_tells_the_total(api: Api) -> None:
    with_kinds(api, ["json-server"])
    rows = [{"id": number} for number in range(10, 1_010)]
    assert api.post("/kinds", rows).status_code == 200
    response = api.get("/kinds?_sort=id")
    assert len(response.json()) == 1_000
    assert response.headers["content-range"] == "items 0-999/1004"
    assert response.headers["x-total-count"] == "1004"


@pytest.mark.parametrize("parameter", ["_page=1", "_limit=1", "_embed=x", "_expand=x"])
def test_refine_alone_does_not_know_what_it_never_sends(api: Api, parameter: str) -> None:
    with_kinds(api, ["refine"])
    assert ids(api, "_start=0&_end=1&_sort=id&_order=asc&text_like=n") == [1]
    assert api.get(f"/kinds?{parameter}").status_code == 400
    assert api.get(f"/kinds?_end=1&{parameter}").status_code == 400


@pytest.mark.parametrize("pattern", ["^N", "t$", "N.t", "N|b", "(x)", "[a-z]", "N*", r"\d"])
def test_regular_expression_is_rejected_without_refine(api: Api, pattern: str) -> None:
    with_kinds(api, ["json-server"])
    response = api.get("/kinds", params={"text_like": pattern})
    assert response.status_code == 400
    assert error_fields(response) == ["text_like"]


@pytest.mark.parametrize(("pattern", "found"), [("nu", [1, 3]), (r"1\.5 \(x\)", [4]), ("-", [])])
def test_plain_text_as_a_regular_expression_is_found(
    api: Api, pattern: str, found: list[int]
) -> None:
    with_kinds(api, ["json-server"])
    response = api.get("/kinds", params={"text_like": pattern})
    assert [row["id"] for row in response.json()] == found


def test_compatible_with_finale_understands_dialects_too(api: Api) -> None:
    with_kinds(api, ["refine"], compatible="finale")
    assert ids(api, "_start=1&_end=3&_sort=id&_order=desc") == [3, 2]
    assert ids(api, "_foo=1&count=2") == [1, 2]


@pytest.mark.parametrize("name", ["_embed", "_expand"])
def test_embed_and_expand_show_the_named_relations(users: Api, name: str) -> None:
    user = users.create("/users", firstName="Ada", books=[{"title": "x"}])
    for path in ("/users", f"/users/{user['id']}"):
        found = users.read(f"{path}?{name}=books")
        row = found[0] if isinstance(found, list) else found
        assert row["books"][0]["title"] == "x"
        assert users.get(f"{path}?{name}=nope").status_code == 400
        assert users.get(f"{path}?{name}=books&fields=id").status_code == 400
