"""Batches whose operations are transactions of their own: ``"atomic": false``."""

import asyncio

from encore.batch.results import MAX_RESULT_BYTES
from encore.errors import Conflict
from encore.execution.context import Context, Response
from encore.execution.hooks import stop
from tests.batch.conftest import BatchApi, operation, statuses
from tests.fixtures.library import assert_field_errors
from tests.fixtures.library_models import Tag, User

ADA = operation("POST", "/users", {"firstName": "Ada", "email": "ada"}, id="ada")


def test_failed_operation_undoes_only_itself(api: BatchApi) -> None:
    results = api.results(
        ADA,
        {**ADA, "id": "again"},
        operation("GET", "/users/{ada.id}"),
        operation("GET", "/users/{again.id}"),
        operation("POST", "/books", {"title": "x", "authorId": {"$ref": "again.id"}}),
        operation("GET", "/users/{ada.none}"),
        operation("GET", "/nothing"),
        operation("DELETE", "/users/{ada.id}"),
        atomic=False,
    )
    assert statuses(results) == [201, 409, 200, 424, 424, 400, 400, 200]
    conflict, late = results[1]["body"], results[3]["body"]
    assert conflict["errors"] == [{"field": "email", "message": "email must be unique"}]
    assert (conflict["instance"], results[1]["id"]) == ("/users", "again")
    assert [error["field"] for error in late["errors"]] == ["operations[3].path"]
    assert results[4]["body"]["errors"][0]["field"] == "operations[4].body.authorId"
    assert api.rows(User) == []


def test_failure_of_a_hook_is_a_problem_in_its_result(api: BatchApi) -> None:
    users = api.crud.resource(User, endpoints=("/people", "/people/{id}"))
    users.delete.start.before(lambda _: stop(Response(303, [(b"location", b"/x")], b"")))

    def fail(context: Context) -> None:
        raise RuntimeError(str(context.attributes))

    def refuse(_: Context) -> None:
        raise Conflict("no", headers={"Retry-After": "7"})

    users.create.write.after(fail)
    users.update.write.after(refuse)
    api.create("/users", firstName="Ada")
    results = api.results(
        operation("POST", "/people", {"firstName": "Bob"}),
        operation("PATCH", "/people/1", {"firstName": "Bob"}),
        operation("DELETE", "/people/1"),
        atomic=False,
    )
    assert statuses(results) == [500, 409, 303]
    assert results[0]["body"]["detail"] == "internal error"
    assert results[1]["headers"]["Retry-After"] == "7"
    assert results[2] == {"status": 303, "headers": {"Location": "/x"}, "body": None}
    assert [row["firstName"] for row in api.rows(User)] == ["Ada"]
    response = api.batch(operation("POST", "/people", {"firstName": "Bob"}))
    assert_field_errors(response, 500, "operations[0]")


def test_operations_after_the_time_limit_are_not_run(hasty: BatchApi) -> None:
    tags = hasty.crud.resource(Tag)

    async def wait(_: Context) -> None:
        await asyncio.sleep(0.2)

    tags.create.write.after(wait)
    operations = [operation("POST", "/tags", {"label": f"{n}"}) for n in range(3)]
    results = hasty.results(*operations, atomic=False)
    assert statuses(results) == [201, 503, 503]
    assert "was not run" in results[1]["body"]["detail"]
    assert len(hasty.rows(Tag)) == 1


def test_atomic_batch_over_the_time_limit_writes_nothing(hasty: BatchApi) -> None:
    tags = hasty.crud.resource(Tag)

    async def wait(context: Context) -> None:
        if context.attributes["label"] == "slow":
            await asyncio.sleep(30)

    tags.create.write.after(wait)
    operations = [operation("POST", "/tags", {"label": name}) for name in ("quick", "slow")]
    response = hasty.batch(*operations)
    assert response.status_code == 503, response.text
    assert "longer than 0.1 seconds, so nothing was written" in response.json()["detail"]
    assert hasty.rows(Tag) == []
    assert hasty.create("/tags", label="quick")  # Nothing is locked.


def test_results_have_a_limit(api: BatchApi) -> None:
    tags = api.crud.resource(Tag, endpoints=("/labels", "/labels/{id}"))
    text = b"x" * (MAX_RESULT_BYTES // 2 - 2)  # A string has two quotation marks.
    tags.list.start.before(lambda _: stop(Response(200, [], text)))
    operations = [operation("GET", "/labels")] * 3
    assert_field_errors(api.batch(*operations), 400, "operations[2].path")
    assert statuses(api.results(*operations, atomic=False)) == [200, 200, 200]
    assert statuses(api.results(*operations, operations[0], atomic=False))[3] == 400
