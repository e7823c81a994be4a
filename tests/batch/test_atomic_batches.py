"""Batches in one transaction: results, references, and failures that undo everything."""

from typing import Any

import pytest
from sqlalchemy import select

from encore.database.statement import Statement
from encore.errors import Conflict
from encore.execution.context import Context, Response
from encore.execution.hooks import Stop, stop
from tests.batch.conftest import BatchApi, operation, statuses
from tests.fixtures.library import assert_field_errors
from tests.fixtures.library_models import Book, Tag, User

ADA = operation("POST", "/users", {"firstName": "Ada"}, id="ada")


def test_batch_runs_operations_in_order_and_sees_its_own_writes(api: BatchApi) -> None:
    results = api.results(
        ADA,
        operation("POST", "/books", {"title": "Notes", "authorId": {"$ref": "ada.id"}}),
        operation("PATCH", "/users/{ada.id}", {"firstName": "Augusta"}),
        operation("GET", "/users"),
        operation("DELETE", "/books/1"),
        operation("GET", "/books?count=5"),
    )
    assert statuses(results) == [201, 201, 200, 200, 200, 200]
    assert results[0]["id"] == "ada"
    assert results[0]["headers"]["Location"] == "/users/1"
    assert results[1]["body"]["authorId"] == 1
    assert [row["firstName"] for row in results[3]["body"]] == ["Augusta"]
    assert results[5]["body"] == []
    assert [row["firstName"] for row in api.rows(User)] == ["Augusta"]


@pytest.mark.parametrize("failing", range(6))
def test_failure_at_any_index_leaves_nothing(api: BatchApi, failing: int) -> None:
    api.create("/tags", label="taken")
    operations = [operation("POST", "/tags", {"label": f"new-{n}"}) for n in range(6)]
    operations[failing]["body"]["label"] = "taken"
    response = api.batch(*operations)
    assert_field_errors(response, 409, f"operations[{failing}].body.label")
    assert response.json()["operation"] == {"index": failing}
    assert [row["label"] for row in api.rows(Tag)] == ["taken"]


@pytest.mark.parametrize(
    ("broken", "status", "field"),
    [
        (
            operation("POST", "/books", {"title": "y", "titel": "x"}),
            400,
            "operations[1].body.titel",
        ),
        (operation("POST", "/books", {"title": []}), 400, "operations[1].body.title"),
        (operation("POST", "/books", {}), 400, "operations[1].body.title"),
        (operation("POST", "/books", 7), 400, "operations[1].body"),
        (operation("GET", "/books?sort=nothing"), 400, "operations[1].path"),
        (operation("GET", "/books/7"), 404, "operations[1]"),
        (operation("PATCH", "/books/7", {"title": "x"}), 404, "operations[1]"),
        (operation("PUT", "/books", {}), 405, "operations[1]"),
        (operation("GET", "/books/x%ff"), 400, "operations[1].path"),
        (operation("GET", "/nothing"), 400, "operations[1].path"),
        (operation("GET", "/openapi.json"), 400, "operations[1].path"),
        (operation("POST", "/batch", {"operations": []}), 400, "operations[1].path"),
        (operation("DELETE", "/users/1", {"a": 1}), 400, "operations[1].body"),
        (operation("GET", "/users/{ada.name}"), 400, "operations[1].path"),
        (operation("GET", "/users/{ada.email}"), 400, "operations[1].path"),
        (
            operation("POST", "/books", {"title": "x", "authorId": {"$ref": "ada.id.x"}}),
            400,
            "operations[1].body.authorId",
        ),
        (operation("POST", "/books", {"title": "x", "authorId": 99}), 409, None),
    ],
)
def test_failed_operation_is_the_response(
    api: BatchApi, broken: dict[str, Any], status: int, field: str | None
) -> None:
    response = api.batch(ADA, broken)
    assert_field_errors(response, status, field or "operations[1].body.authorId")
    assert response.json()["operation"]["index"] == 1
    assert api.rows(User) == api.rows(Book) == []


def test_work_after_commit_runs_in_order_after_the_one_commit(api: BatchApi) -> None:
    users = api.crud.resource(User, endpoints=("/people", "/people/{id}"))
    seen: list[tuple[str, int]] = []
    rows = Statement(select(User.id), api.database.dialect)

    async def remember(context: Context) -> None:
        name = context.attributes["first_name"]

        async def count() -> None:
            async with api.database.reading() as connection:
                seen.append((name, len(await connection.fetch_all(rows, ()))))

        context.after_commit(count)

    users.create.write.after(remember)
    api.results(*(operation("POST", "/people", {"firstName": name}) for name in ("Ada", "Bob")))
    assert seen == [("Ada", 2), ("Bob", 2)]
    api.batch(operation("POST", "/people", {"firstName": "Cy"}), operation("GET", "/users/99"))
    assert len(seen) == 2


def test_hook_that_stops_with_an_error_undoes_the_batch(api: BatchApi) -> None:
    users = api.crud.resource(User, endpoints=("/people", "/people/{id}"))

    def refuse(_: Context) -> Stop:
        return stop(Response(409, [(b"content-type", b"application/json")], b'{"no": "way"}'))

    users.create.write.after(refuse)
    response = api.batch(ADA, operation("POST", "/people", {"firstName": "Bob"}))
    assert_field_errors(response, 409, "operations[1]")
    assert response.json()["operation"]["body"] == {"no": "way"}
    assert api.rows(User) == []
    results = api.results(ADA, operation("POST", "/people", {"firstName": "B"}), atomic=False)
    assert (statuses(results), results[1]["body"]) == ([201, 409], {"no": "way"})
    assert len(api.rows(User)) == 2  # As in a request of its own.


def test_formatter_of_errors_does_not_hide_a_failure(api: BatchApi) -> None:
    users = api.crud.resource(User, endpoints=("/people", "/people/{id}"))
    users.create.on_error(lambda *_: Response(200, [], b"all is well"))

    def fail(_: Context) -> None:
        raise Conflict("no")

    users.create.write.after(fail)
    response = api.batch(ADA, operation("POST", "/people", {"firstName": "Bob"}))
    assert_field_errors(response, 409, "operations[1]")
    assert response.json()["operation"]["body"] == "all is well"
    assert api.rows(User) == []


def test_body_of_hook_that_is_no_json_is_a_string(api: BatchApi) -> None:
    tags = api.crud.resource(Tag, endpoints=("/labels", "/labels/{id}"))
    json_type = [(b"content-type", b"application/json")]
    tags.list.send.after(lambda _: stop(Response(200, json_type, b"{no json")))
    tags.read.start.before(lambda _: stop(Response(200, json_type, b"\xff")))
    (result,) = api.results(operation("GET", "/labels"))
    assert result["body"] == "{no json"
    assert_field_errors(api.batch(operation("GET", "/labels/1")), 406, "operations[0]")


def test_first_request_of_a_service_may_be_a_batch_with_tags(api: BatchApi) -> None:
    created = api.results(ADA)[0]
    changed = operation(
        "PATCH", "/users/1", {"firstName": "A"}, headers={"If-Match": created["headers"]["ETag"]}
    )
    results = api.results(changed, operation("GET", "/users/1"))
    assert statuses(results) == [200, 200]
    assert results[0]["headers"]["ETag"] == results[1]["headers"]["ETag"]
