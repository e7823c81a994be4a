"""Operations of a batch are judged as requests to their own routes, by the same caller."""

from typing import Any

import pytest
from fastapi import FastAPI

from encore import Access, Action, Crud, open_database, public
from encore.errors import Unauthorized
from encore.execution.context import Context
from encore.http.access import PUBLIC
from encore.http.request_state import RequestState
from tests.batch.conftest import BatchApi, operation, statuses
from tests.fixtures.library import assert_field_errors
from tests.fixtures.library_models import Book, Tag, User

ADA = operation("POST", "/users", {"firstName": "Ada"})


def secured(api: BatchApi) -> None:
    """Expose users that anyone may list, callers read, and administrators write."""
    api.crud.resource(
        User, access={"all": ("admin",), "list": PUBLIC, "read": Access(any_of=("admin", "read"))}
    )


@pytest.mark.parametrize(
    ("granted", "expected"),
    [
        ("admin", [200, 404, 201]),
        ("read", [200, 404, 403]),
        ("other", [200, 403, 403]),
        ("unknown", [200, 403, 403]),
    ],
)
def test_each_operation_demands_the_scopes_of_its_route(
    bare: BatchApi, granted: str, expected: list[int]
) -> None:
    secured(bare)
    operations = [operation("GET", "/users"), operation("GET", "/users/7"), ADA]
    headers = {"Granted": granted}
    results = bare.results(*operations, atomic=False, headers=headers)
    assert statuses(results) == expected
    if granted != "unknown":  # Outside, such a middleware has compared the scopes itself.
        alone = [
            bare.request(one["method"], one["path"], json=one.get("body"), headers=headers)
            for one in operations
        ]
        assert [response.status_code for response in alone] == expected
    response = bare.batch(ADA, *operations, headers=headers)
    assert response.status_code == (404 if granted == "admin" else 403)
    assert len(bare.rows(User)) == (2 if granted == "admin" else 0)


def test_batch_needs_a_caller(bare: BatchApi) -> None:
    secured(bare)
    response = bare.batch(operation("GET", "/users"), headers={"Granted": "none"})
    assert response.status_code == Unauthorized.status


def test_batch_is_public_without_a_gate() -> None:
    database = open_database("sqlite:///unopened.sqlite")
    Crud(app := FastAPI(), database, gate=None).resource(User)
    (batch,) = (route for route in app.routes if getattr(route, "path", "") == "/batch")
    assert batch.operation.access is PUBLIC  # type: ignore[attr-defined] # of PipelineRoute


def test_operation_sees_its_own_request_and_the_batch_s_caller(api: BatchApi) -> None:
    users = api.crud.resource(User, endpoints=("/people", "/people/{id}"))
    seen: list[Any] = []

    def look(context: Context) -> None:
        scope, state = context.scope, RequestState.from_scope(context.scope)
        headers = dict(scope["headers"])
        seen.append(
            (
                scope["method"],
                scope["path"],
                scope["query_string"],
                dict(context.path_params),
                [headers.get(name) for name in (b"x-tenant", b"prefer", b"content-type")],
                (state.route, state.claims["sub"], state.request_id),
                "content-length" in headers,
            )
        )

    users.read.start.before(look)
    users.update.start.before(look)
    response = api.batch(
        operation("POST", "/people", {"firstName": "Ada"}, id="a"),
        operation("GET", "/people/{a.id}?fields=id"),
        operation("PATCH", "/people/1", {"rank": 1}, headers={"prefer": "handling=lenient"}),
        headers={"X-Tenant": "acme", "Prefer": "return=minimal", "X-Request-Id": "the-request"},
    )
    assert response.status_code == 200, response.text
    who = ("/people/{id}", "tester", "the-request")
    assert seen == [
        ("GET", "/people/1", b"fields=id", {"id": "1"}, [b"acme", None, None], who, False),
        (
            "PATCH",
            "/people/1",
            b"",
            {"id": "1"},
            [b"acme", b"handling=lenient", b"application/json"],
            who,
            False,
        ),
    ]


def test_preferences_and_preconditions_of_operations_count(api: BatchApi) -> None:
    minimal = {"headers": {"Prefer": "return=minimal"}}
    results = api.results(
        operation("POST", "/users", {"firstName": "Ada"}, **minimal),
        operation("PATCH", "/users/1", {"firstName": "Bob"}, **minimal),
    )
    assert [(result["status"], result["body"]) for result in results] == [(201, None), (204, None)]
    assert results[0]["headers"]["Preference-Applied"] == "return=minimal"
    stale = {"headers": {"If-Match": '"stale"'}}
    response = api.batch(ADA, operation("PATCH", "/users/1", {"firstName": "Cy"}, **stale))
    assert response.status_code == 412, response.text
    assert [row["firstName"] for row in api.rows(User)] == ["Bob"]


def test_path_with_encoded_slash_is_one_segment(bare: BatchApi) -> None:
    bare.crud.resource(Tag, endpoints=("/tags", "/tags/{label}"))
    results = bare.results(
        operation("POST", "/tags", {"label": "a/b ü"}, id="a"),
        operation("GET", "/tags/{a.label}"),
        operation("GET", "/tags/a%2Fb%20%C3%BC"),
    )
    assert results[1]["body"] == results[2]["body"] == {"id": 1, "label": "a/b ü"}


class Promote(Action):
    """Promote everyone."""

    name = "promote"
    writes = True

    async def write(self, context: Context) -> None:
        """Return a word."""
        context.instance = "done"


def test_links_custom_actions_and_bulk_writes_are_operations(bare: BatchApi) -> None:
    bare.crud.resource(Tag)
    books = bare.crud.resource(Book, include=("tags",), links=True, associations=True)
    bare.crud.custom_action(
        action=Promote(books), method="POST", path="/promotion", access="library"
    )
    results = bare.results(
        operation("POST", "/books", {"title": "Notes"}, id="book"),
        operation("POST", "/tags", {"label": "old"}, id="tag"),
        operation("POST", "/books/{book.id}/tags", {"id": {"$ref": "tag.id"}}),
        operation("GET", "/books/{book.id}/tags"),
        operation("POST", "/books/promotion"),
        operation("PATCH", "/books?title=Notes", {"pages": 3}),
        operation("GET", "/books/{book.id}"),
    )
    assert results[3]["body"] == [{"id": 1, "label": "old"}]
    assert results[4]["body"] == "done"
    assert results[6]["body"]["pages"] == 3


def test_failed_bulk_write_undoes_the_batch(api: BatchApi) -> None:
    response = api.batch(ADA, operation("PATCH", "/users?firstName=Ada", {"rank": "x"}))
    assert response.status_code == 400, response.text
    assert api.rows(User) == []


def test_other_routes_are_not_operations(api: BatchApi) -> None:
    tags = api.crud.resource(Tag, endpoints=("/labels", "/labels/{id}"))
    api.crud.upload(tags, natural_key=("label",))
    handled: list[str] = []

    @public
    async def own(id_: str) -> None:
        handled.append(id_)

    api.app.add_api_route("/users/special/{id_}", own, methods=["GET"])
    api.app.add_api_route("/users/7", own, methods=["DELETE"])
    for unsupported in (
        operation("POST", "/labels/upload", {"label": "x"}),
        operation("POST", "/batch", {"operations": []}),
        operation("GET", "/users/special/1"),
        operation("DELETE", "/users/7"),  # Not the resource's: a request would reach the other.
        operation("GET", "//users"),
    ):
        response = api.batch(ADA, unsupported)
        assert_field_errors(response, 400, "operations[1].path")
    assert api.batch(operation("GET", "/users/7")).status_code == 404
    assert not handled
    assert not api.rows(User)


def test_entity_tags_of_rows_count_within_a_batch(api: BatchApi) -> None:
    tag = api.post("/users", {"firstName": "Ada"}).headers["ETag"]
    change = operation("PATCH", "/users/1", {"firstName": "Bob"}, headers={"If-Match": tag})
    unchanged = operation("GET", "/users/1", headers={"If-None-Match": tag})
    results = api.results(unchanged, change, operation("GET", "/users/1"))
    assert statuses(results) == [304, 200, 200]
    assert (results[0]["body"], results[0]["headers"]["ETag"]) == (None, tag)
    # What the first operation of a batch has changed, the second may no longer base itself on.
    fresh = {"If-Match": results[1]["headers"]["ETag"]}
    response = api.batch(
        *(operation("PATCH", "/users/1", {"rank": n}, headers=fresh) for n in (1, 2))
    )
    assert response.status_code == 412, response.text
    assert response.json()["operation"]["headers"]["ETag"] != fresh["If-Match"]
    assert api.rows(User)[0]["rank"] == 7
