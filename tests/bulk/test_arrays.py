"""Arrays as bodies: POST creates many rows, PATCH changes the rows that its objects name."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from encore.errors import Forbidden
from encore.execution.context import Context
from tests.fixtures.library import Api
from tests.fixtures.library_models import Book, Country, Seat, Tag, Token, User

COUNTS = {"created": 0, "updated": 0, "unchanged": 0, "rejected": 0}


def report_of(response: Any) -> dict[str, Any]:
    assert response.status_code == 200, response.text
    report: dict[str, Any] = response.json()
    return report


@pytest.mark.parametrize("path", ["/users", "/users/bulk"])
def test_array_creates_its_rows_in_order_and_reports_them(api: Api, path: str) -> None:
    api.crud.resource(User)
    names = [f"n{n}" for n in range(150)]
    report = report_of(api.post(path, [{"firstName": name} for name in names]))
    rows = api.read("/users?sort=id&count=200")
    assert [row["firstName"] for row in rows] == names
    assert report == {
        **COUNTS,
        "created": 150,
        "mode": "atomic",
        "dry_run": False,
        "rows": [
            {"line": n, "status": "created", "id": row["id"]} for n, row in enumerate(rows, 1)
        ],
    }


def test_array_of_plain_rows_takes_few_statements(api: Api) -> None:
    api.crud.resource(User)
    api.database.sql.clear()
    api.post("/users", [{"firstName": "x", "age": n} for n in range(70)])
    assert sum("INSERT" in sql for sql in api.database.sql) == 7  # 64, then one by one.


@pytest.mark.parametrize(
    "parts",
    [
        [b"\xef", b"\xbb", b"\xbf", b'[{"label":"a"}]'],
        [b"\xef\xbb", b"\xbf[", b'{"label":"a"}]'],
        [b"", b" \n", b"", b"\t[", b'{"label":"a"}]'],
    ],
)
def test_array_is_one_however_its_bytes_arrive(api: Api, parts: list[bytes]) -> None:
    api.crud.resource(Tag)

    async def send() -> AsyncIterator[bytes]:
        for part in parts:
            yield part

    headers = {"Content-Type": "application/json"}
    assert report_of(api.request("POST", "/tags", content=send(), headers=headers))["created"] == 1


def test_empty_array_creates_nothing(api: Api) -> None:
    api.crud.resource(User)
    report = {**COUNTS, "mode": "atomic", "dry_run": False, "rows": []}
    assert report_of(api.post("/users", [])) == report
    assert report_of(api.request("PATCH", "/users", json=[])) == report


def test_body_of_bulk_that_is_no_array_is_400(api: Api) -> None:
    api.crud.resource(User)
    for body in ({"firstName": "x"}, 7, None, "x"):
        response = api.post("/users/bulk", body)
        assert (response.status_code, response.json()["type"]) == (
            400,
            "urn:problem-type:malformed-body",
        )
    assert api.read("/users") == []


def test_invalid_row_rejects_all_and_is_named(api: Api) -> None:
    api.crud.resource(User)
    response = api.post("/users", [{"firstName": "a"}, {"firstName": {}}, 3])
    assert response.status_code == 400
    problem = response.json()
    assert problem["errors"] == [{"field": "", "message": "line 3: The row must be a JSON object"}]
    response = api.post("/users", [{"firstName": "a"}, {"firstName": {}}, {"firstName": None}])
    lines = [(error["field"], error["message"][:7]) for error in response.json()["errors"]]
    assert lines == [("firstName", "line 2:"), ("firstName", "line 3:")]
    assert [row["line"] for row in response.json()["rows"]] == [2, 3]
    assert response.json()["rejected"] == 2
    assert api.read("/users") == []


def test_row_that_the_database_rejects_is_named_with_its_status(api: Api) -> None:
    api.crud.resource(Tag)
    api.create("/tags", label="b")
    response = api.post("/tags", [{"label": label} for label in "abc"])
    assert response.status_code == 409
    assert response.json()["errors"] == [
        {"field": "label", "message": "line 2: label must be unique"}
    ]
    assert [row["label"] for row in api.read("/tags")] == ["b"]


def test_partial_mode_creates_the_other_rows(api: Api) -> None:
    api.crud.resource(Tag)
    api.create("/tags", label="b")
    rows = [{"label": "a"}, {"label": "b"}, {"lable": "x"}, {"label": "c"}, 1]
    report = report_of(api.post("/tags?mode=partial", rows))
    assert [row["status"] for row in report["rows"]] == [
        "created",
        "rejected",
        "rejected",
        "created",
        "rejected",
    ]
    assert (report["created"], report["rejected"], report["mode"]) == (2, 3, "partial")
    assert report["rows"][1]["errors"] == [{"field": "label", "message": "label must be unique"}]
    assert sorted(row["label"] for row in api.read("/tags")) == ["a", "b", "c"]
    report = report_of(api.post("/tags/bulk?mode=partial&report=rejected", [{"label": "a"}]))
    assert [row["line"] for row in report["rows"]] == [1]


def test_dry_run_of_an_array_creates_nothing(api: Api) -> None:
    api.crud.resource(Tag)
    response = api.post("/tags?dry_run=true", [{"label": "a"}, {"label": "b"}])
    assert report_of(response)["dry_run"] is True
    assert response.headers["dry-run"] == "true"
    assert api.read("/tags") == []


@pytest.mark.parametrize("hooked", [False, True])
def test_representation_of_an_array_is_its_rows(api: Api, *, hooked: bool) -> None:
    api.crud.resource(User)
    books = api.crud.resource(Book, include=["author"])
    author = api.create("/users", firstName="ada")
    if hooked:
        books.create.write.before(lambda _: None)
    headers = {"Prefer": "return=representation"}
    response = api.post(
        "/books", [{"title": t, "authorId": author["id"]} for t in "ab"], headers=headers
    )
    assert response.headers["preference-applied"] == "return=representation"
    assert response.json() == api.read("/books?sort=id")
    response = api.post("/books", [{"title": "c"}], headers={"Prefer": "return=minimal"})
    assert (response.status_code, response.content) == (204, b"")


def test_hooks_see_each_row_of_an_array(api: Api) -> None:
    users = api.crud.resource(User)

    @users.create.write.before
    def rank(context: Context) -> None:
        context.attributes["rank"] = len(context.request_body["firstName"])

    @users.create.write.after
    def refuse(context: Context) -> None:
        if context.instance.first_name == "eve":
            raise Forbidden("not eve")

    report_of(api.post("/users", [{"firstName": "a"}, {"firstName": "bob"}]))
    assert [row["rank"] for row in api.read("/users?sort=id")] == [1, 3]
    response = api.post("/users", [{"firstName": "x"}, {"firstName": "eve"}])
    assert response.status_code == 403
    assert response.json()["errors"] == [{"field": "", "message": "line 2: not eve"}]
    assert len(api.read("/users")) == 2
    report = report_of(api.post("/users?mode=partial", [{"firstName": "x"}, {"firstName": "eve"}]))
    assert (report["created"], report["rejected"]) == (1, 1)
    assert len(api.read("/users")) == 3


def test_work_after_the_commit_runs_for_written_rows_alone(api: Api) -> None:
    users, done = api.crud.resource(User), []

    @users.create.write.after
    def note(context: Context) -> None:
        name = context.instance.first_name
        context.after_commit(lambda: done.append(name))
        if name == "eve":
            raise Forbidden("not eve")

    api.post("/users?mode=partial", [{"firstName": "x"}, {"firstName": "eve"}])
    assert done == ["x"]
    api.post("/users?dry_run=true", [{"firstName": "y"}])
    api.post("/users", [{"firstName": "z"}, {"firstName": "eve"}])
    assert done == ["x"]


def test_nested_rows_of_an_array_are_created(api: Api) -> None:
    api.crud.resource(User, include=["books"])
    api.crud.resource(Book)
    rows = [{"firstName": "a", "books": [{"title": "x"}]}, {"firstName": "b", "books": []}]
    assert report_of(api.post("/users", rows))["created"] == 2
    assert [row["title"] for row in api.read("/books")] == ["x"]


def test_keys_of_clients_advance_the_numbering(api: Api) -> None:
    api.crud.resource(User)
    report_of(api.post("/users", [{"id": 10, "firstName": "a"}, {"id": 5, "firstName": "b"}]))
    assert api.create("/users", firstName="c")["id"] == 11


def test_array_with_text_uuid_and_composite_keys(api: Api) -> None:
    api.crud.resource(Country)
    api.crud.resource(Token)
    api.crud.resource(Seat)
    codes = [{"code": "bulk", "name": "x"}, {"code": "b", "name": "y"}]
    assert [row["id"] for row in report_of(api.post("/countries", codes))["rows"]] == ["bulk", "b"]
    assert api.read("/countries/bulk")["name"] == "x"
    assert api.request("PATCH", "/countries/bulk", json={"name": "z"}).status_code == 200
    ids = [
        row["id"] for row in report_of(api.post("/tokens", [{"note": "a"}, {"note": "b"}]))["rows"]
    ]
    assert sorted(ids) == sorted(row["id"] for row in api.read("/tokens"))
    seats = [{"line": "a", "number": 1}, {"line": "a", "number": 2}]
    rows = report_of(api.post("/seats", seats))["rows"]
    assert [row["id"] for row in rows] == seats
    changes = [{**seats[1], "note": "x"}, {**seats[0], "note": "y"}]
    assert report_of(api.request("PATCH", "/seats", json=changes))["updated"] == 2
    assert [row["note"] for row in api.read("/seats")] == ["y", "x"]


def test_array_changes_the_rows_that_it_names(api: Api) -> None:
    api.crud.resource(User)
    a, b = (api.create("/users", firstName=name)["id"] for name in "ab")
    changes = [{"id": b, "rank": 2}, {"id": a, "firstName": "x"}]
    report = report_of(api.request("PATCH", "/users", json=changes))
    assert report["rows"] == [
        {"line": 1, "status": "updated", "id": b},
        {"line": 2, "status": "updated", "id": a},
    ]
    rows = api.read("/users?sort=id")
    assert [(row["firstName"], row["rank"]) for row in rows] == [("x", 7), ("b", 2)]


def test_missing_row_of_an_array_is_404_and_nothing_is_changed(api: Api) -> None:
    api.crud.resource(User)
    a = api.create("/users", firstName="a")["id"]
    response = api.request("PATCH", "/users", json=[{"id": a, "rank": 1}, {"id": a + 1, "rank": 1}])
    assert response.status_code == 404
    assert response.json()["rows"][0]["line"] == 2
    assert api.read(f"/users/{a}")["rank"] == 7


@pytest.mark.parametrize(
    ("changes", "field", "message"),
    [
        ([{"id": 1, "rank": 1}, {"id": 1, "age": 3}], "", "the same as that of line 1"),
        ([{"id": 1, "rank": 1}, {"rank": 1}], "id", "is required: it names the row"),
        ([{"id": 1, "rank": 1}, {"id": "1", "rank": 1}], "id", "must be an integer"),
        ([{"id": 1, "rank": 1}, {"id": None}], "id", "is required: it names the row"),
        ([{"id": 1, "rank": 1}, [1]], "", "must be a JSON object"),
    ],
)
def test_element_that_names_no_row_is_400(api: Api, changes: Any, field: str, message: str) -> None:
    api.crud.resource(User)
    api.create("/users", id=1, firstName="a")
    response = api.request("PATCH", "/users", json=changes)
    assert response.status_code == 400
    (error,) = response.json()["errors"]
    assert error["field"] == field
    assert error["message"].startswith("line 2: ")
    assert message in error["message"]
    assert api.read("/users/1")["rank"] == 7


def test_array_and_filter_together_are_400(api: Api) -> None:
    api.crud.resource(User)
    for query in ("age=1", "max_affected=5", "mode=partial"):
        assert api.request("PATCH", f"/users?{query}", json=[]).status_code == 400
    assert api.post("/users?mode=partial", {"firstName": "x"}).status_code == 400


def test_array_with_more_rows_than_the_limit_is_400(api: Api) -> None:
    api.crud.resource(User, bulk_limit=2)
    rows = [{"firstName": "x"}] * 3
    response = api.post("/users", rows)
    assert response.status_code == 400
    assert "at most 2 rows" in response.json()["message"]


def test_resource_without_bulk_refuses_arrays_and_filters(api: Api) -> None:
    api.crud.resource(User, bulk=False)
    api.crud.resource(Tag, bulk=["create"])
    assert api.post("/users", []).status_code == 400
    assert api.post("/users/bulk", []).status_code == 405
    assert api.delete("/users?age=1").status_code == 405
    assert api.post("/tags", []).status_code == 200
    assert api.delete("/tags?label=a").status_code == 405


@pytest.mark.parametrize("start", [b"", b" \n", b"\xef\xbb\xbf "])
def test_array_may_begin_with_whitespace_or_a_mark(api: Api, start: bytes) -> None:
    api.crud.resource(Tag)
    headers = {"Content-Type": "application/json"}
    response = api.post("/tags", content=start + b'[{"label": "a"}]', headers=headers)
    assert report_of(response)["created"] == 1
    response = api.post("/tags", content=start + b'{"label": "b"}', headers=headers)
    assert response.status_code == 201
