"""PATCH and DELETE of the rows that a filter matches."""

from typing import Any

import pytest

from encore.errors import Forbidden
from encore.execution.context import Context
from tests.fixtures.library import Api, assert_field_errors
from tests.fixtures.library_models import Book, Country, Tag, User


@pytest.fixture
def tags(api: Api) -> Api:
    api.crud.resource(Tag)
    for label in ("a", "b", "c", "d"):
        api.create("/tags", label=label)
    return api


def patch(api: Api, path: str, body: Any, **options: Any) -> Any:
    return api.request("PATCH", path, json=body, **options)


def users(api: Api, **options: Any) -> Api:
    api.crud.resource(User, **options)
    for n, name in enumerate(("ada", "bob", "cleo", "dan")):
        api.create("/users", firstName=name, age=20 + n)
    return api


def test_update_by_filter_changes_the_rows_that_match(api: Api) -> None:
    users(api)
    response = patch(api, "/users?age__gte=22", {"rank": 1})
    assert (response.status_code, response.json()) == (200, {"affected": 2})
    assert [row["rank"] for row in api.read("/users?sort=id")] == [7, 7, 1, 1]


def test_update_by_filter_is_one_statement_where_nothing_works_row_by_row(api: Api) -> None:
    users(api)
    before = [row["updatedAt"] for row in api.read("/users?sort=id")]
    api.database.sql.clear()
    patch(api, "/users?age__gte=22", {"rank": 1})
    assert sum("UPDATE" in sql for sql in api.database.sql) == 1
    after = [row["updatedAt"] for row in api.read("/users?sort=id")]
    assert after[:2] == before[:2]
    assert after[2] == after[3] > before[3]


def test_delete_by_filter_deletes_the_rows_that_match(tags: Api) -> None:
    response = tags.delete("/tags?label=a&label=c")
    assert (response.status_code, response.json()) == (200, {"affected": 2})
    assert [row["label"] for row in tags.read("/tags?sort=id")] == ["b", "d"]


@pytest.mark.parametrize("query", ["", "?max_affected=5", "?dry_run=true", "?q="])
def test_request_without_a_filter_is_400(tags: Api, query: str) -> None:
    for response in (tags.delete(f"/tags{query}"), patch(tags, f"/tags{query}", {"label": "x"})):
        assert response.status_code == 400
        assert "filter is required" in response.json()["message"]
    assert len(tags.read("/tags")) == 4


@pytest.mark.parametrize(
    "parameter", ["sort=id", "count=1", "offset=1", "page=1", "cursor=x", "fields=id", "labl=a"]
)
def test_parameter_that_chooses_no_rows_is_400(tags: Api, parameter: str) -> None:
    response = tags.delete(f"/tags?label=a&{parameter}", headers={"Prefer": "handling=lenient"})
    assert_field_errors(response, 400, parameter.partition("=")[0])
    assert len(tags.read("/tags")) == 4


def test_filter_that_matches_too_many_rows_is_409_with_the_number(api: Api) -> None:
    api.crud.resource(Country)
    for n in range(101):
        api.create("/countries", code=f"c{n:03}", name=f"n{n}")
    response = api.delete("/countries?name__ne=x")
    assert response.status_code == 409
    assert response.json()["matched"] == 101
    assert "101 rows, more than max_affected (100)" in response.json()["message"]
    assert len(api.read("/countries?count=200")) == 101
    response = api.delete("/countries?name__ne=x&max_affected=101")
    assert response.json() == {"affected": 101}


@pytest.mark.parametrize("value", ["0", "-1", "x", "10001", "1&max_affected=2", ""])
def test_max_affected_beyond_the_limit_or_no_number_is_400(tags: Api, value: str) -> None:
    assert_field_errors(tags.delete(f"/tags?id__gt=0&max_affected={value}"), 400, "max_affected")


def test_option_bulk_limit_is_the_most_that_max_affected_may_be(api: Api) -> None:
    users(api, bulk_limit=3)
    assert_field_errors(api.delete("/users?age__gt=0&max_affected=4"), 400, "max_affected")
    assert api.delete("/users?age__gt=0").json()["matched"] == 4


def test_preferred_representation_is_the_rows(api: Api) -> None:
    users(api)
    headers = {"Prefer": "return=representation"}
    response = patch(api, "/users?age__gte=22", {"rank": 1}, headers=headers)
    assert response.headers["preference-applied"] == "return=representation"
    assert response.json() == api.read("/users?age__gte=22&sort=id")
    stored = api.read("/users?sort=id&age__gte=22")
    response = api.delete("/users?age__gte=22", headers=headers)
    assert response.json() == stored


def test_preferred_minimal_response_has_no_content(tags: Api) -> None:
    response = tags.delete("/tags?label=a", headers={"Prefer": "return=minimal"})
    assert (response.status_code, response.content) == (204, b"")
    assert response.headers["preference-applied"] == "return=minimal"


def test_dry_run_reports_the_number_and_changes_nothing(tags: Api) -> None:
    response = tags.delete("/tags?label=a&dry_run=true")
    assert response.json() == {"affected": 1}
    assert response.headers["dry-run"] == "true"
    assert len(tags.read("/tags")) == 4


def test_body_of_delete_is_400(tags: Api) -> None:
    response = tags.request("DELETE", "/tags?label=a", json={"label": "a"})
    assert response.status_code == 400
    assert len(tags.read("/tags")) == 4


@pytest.mark.parametrize("header", ["If-Match", "If-None-Match", "If-Unmodified-Since"])
def test_precondition_of_many_rows_is_400(tags: Api, header: str) -> None:
    assert tags.delete("/tags?label=a", headers={header: "*"}).status_code == 400
    assert len(tags.read("/tags")) == 4


def test_hooks_run_for_each_row_and_their_criteria_apply(api: Api) -> None:
    users = api.crud.resource(User)
    for n, name in enumerate(("ada", "bob", "cleo", "dan")):
        api.create("/users", firstName=name, age=20 + n)
    seen = []

    @users.update.start.before
    def only_even(context: Context) -> None:
        context.criteria["age"] = [20, 22]

    @users.update.write.before
    def see(context: Context) -> None:
        seen.append(context.path_params["id"])
        context.attributes["rank"] = 3

    response = patch(api, "/users?age__gte=21", {"email": None})
    assert response.json() == {"affected": 1}
    assert len(seen) == 1
    assert [row["rank"] for row in api.read("/users?sort=id")] == [7, 7, 3, 7]


def test_error_of_a_row_undoes_all_and_names_it(api: Api) -> None:
    users = api.crud.resource(User)
    ids = [api.create("/users", firstName=name)["id"] for name in ("ada", "bob", "cleo")]

    @users.update.write.after
    def refuse(context: Context) -> None:
        if context.instance.first_name == "bob":
            raise Forbidden("not bob", [{"field": "rank", "message": "rank stays"}])

    response = patch(api, "/users?age__is_null=true", {"rank": 1})
    assert response.status_code == 403
    assert f"id {ids[1]}: not bob" in response.json()["message"]
    assert response.json()["errors"] == [{"field": "rank", "message": f"id {ids[1]}: rank stays"}]
    assert {row["rank"] for row in api.read("/users")} == {7}


def test_filters_through_relations_choose_rows(api: Api) -> None:
    api.crud.resource(User)
    api.crud.resource(Book, include=["author", "tags"])
    ada = api.create("/users", firstName="ada")["id"]
    api.create("/books", title="a", authorId=ada)
    api.create("/books", title="b", tags=[])
    response = patch(api, "/books?author.firstName=ada", {"pages": 5})
    assert response.json() == {"affected": 1}
    assert [row["pages"] for row in api.read("/books?sort=id")] == [5, None]


def test_criteria_of_list_narrow_the_rows_and_their_number(api: Api) -> None:
    tags = api.crud.resource(Tag)
    for n in range(103):
        api.create("/tags", label=f"{'own' if n < 2 else 'other'} {n}")

    @tags.list.start.before
    def tenant(context: Context) -> None:
        context.criteria = Tag.label.startswith("own")
        assert context.list_query is not None

    assert patch(api, "/tags?id__gt=0&dry_run=true", {}).status_code == 400
    assert api.delete("/tags?id__gt=0&max_affected=1").json()["matched"] == 2
    assert api.delete("/tags?id__gt=0").json() == {"affected": 2}
    tags.delete.write.after(lambda _: None)
    assert api.delete("/tags?id__gt=0").json() == {"affected": 0}


def test_list_that_a_hook_rejects_chooses_no_rows(api: Api) -> None:
    tags = api.crud.resource(Tag)
    api.create("/tags", label="a")

    @tags.list.auth
    def reject(_: Context) -> None:
        raise Forbidden("no list")

    assert api.delete("/tags?label=a").status_code == 403


def test_invalid_body_is_400_even_if_no_row_matches(api: Api) -> None:
    users = api.crud.resource(User)
    assert_field_errors(patch(api, "/users?id=0", {"rank": "x"}), 400, "rank")
    users.update.start.before(lambda _: None)
    assert_field_errors(patch(api, "/users?id=0", {"rank": "x"}), 400, "rank")
    assert_field_errors(patch(api, "/users?id=0", {"rnak": 1}), 400, "rnak")
    assert patch(api, "/users?id=0", {"rank": 1}).json() == {"affected": 0}
