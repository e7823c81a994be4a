"""Upserts, PUTs that create, dry runs and ``Prefer`` as operations of a batch."""

import asyncio

import pytest

from encore.execution.context import Context
from tests.batch.conftest import BatchApi, operation, statuses
from tests.fixtures.library_models import Tag, User


@pytest.fixture
def api(bare: BatchApi) -> BatchApi:
    bare.crud.resource(User, upsert=True, put_creates=True)
    bare.crud.resource(Tag, upsert=True, put_creates=True)
    return bare


def merge(label: str, **members: str) -> dict[str, object]:
    return operation("POST", "/tags?on_conflict=merge", {"label": label}, **members)


def test_operations_see_the_rows_of_earlier_ones(api: BatchApi) -> None:
    results = api.results(
        merge("a", id="a"),
        merge("a"),
        operation("POST", "/tags?on_conflict=ignore&on=label", {"label": "a"}),
        operation("PUT", "/tags/{a.id}", {"label": "b"}),
        operation("PUT", "/tags/77", {"label": "c"}),
        operation("PUT", "/tags/77", {"label": "d"}),
    )
    assert statuses(results) == [201, 200, 200, 200, 201, 200]
    assert results[1]["headers"]["Location"] == results[0]["headers"]["Location"]
    assert [row["label"] for row in api.rows(Tag)] == ["b", "d"]


def test_failure_after_an_upsert_undoes_it(api: BatchApi) -> None:
    api.create("/tags", id=50, label="stored")
    operations = [
        operation("POST", "/tags?on_conflict=merge", {"id": 50, "label": "changed"}),
        operation("PUT", "/tags/51", {"label": "new"}),
        operation("POST", "/tags", {"label": "changed"}),
    ]
    assert api.batch(*operations).status_code == 409
    assert [row["label"] for row in api.rows(Tag)] == ["stored"]


def test_create_that_gives_way_is_undone_and_the_batch_goes_on(api: BatchApi) -> None:
    own = api.crud.resource(User, endpoints=("/people", "/people/{id}"), upsert=["email"])
    done: list[str] = []

    @own.create.write.before
    async def write(context: Context) -> None:
        context.after_commit(lambda: done.append("create"))
        await context.orm(lambda session: session.add(Tag(label=f"t{len(done)}")))

    @own.update.write.before
    def change(context: Context) -> None:
        context.after_commit(lambda: done.append("update"))

    body = {"firstName": "Ada", "email": "a"}
    path = "/people?on_conflict=merge"
    results = api.results(operation("POST", path, body), operation("POST", "/tags", {"label": "x"}))
    assert statuses(results) == [201, 201]
    results = api.results(operation("POST", path, body), operation("POST", "/tags", {"label": "y"}))
    assert statuses(results) == [200, 201]
    assert done == ["create", "update"]
    assert sorted(row["label"] for row in api.rows(Tag)) == ["t0", "x", "y"]


def test_dry_run_of_one_operation_is_refused(api: BatchApi) -> None:
    response = api.batch(operation("POST", "/tags?dry_run=true", {"label": "a"}))
    assert response.status_code == 400
    upsert = operation("POST", "/tags?on_conflict=merge&dry_run=true", {"label": "a"})
    assert api.batch(upsert).status_code == 400
    assert api.rows(Tag) == []


def test_operations_apart_have_their_own_dry_runs_and_upserts(api: BatchApi) -> None:
    results = api.results(
        operation("POST", "/tags?dry_run=true", {"label": "a"}),
        merge("b"),
        merge("b"),
        operation("PUT", "/tags/77", {"label": "c"}, headers={"Prefer": "return=minimal"}),
        atomic=False,
    )
    assert statuses(results) == [201, 201, 200, 201]
    assert results[3].get("body") is None
    assert sorted(row["label"] for row in api.rows(Tag)) == ["b", "c"]


def test_simultaneous_batches_of_upserts_all_succeed(api: BatchApi) -> None:
    async def send(number: int) -> int:
        labels = [f"{number}-{n}" for n in range(5)]
        body = {"operations": [merge(label) for label in labels]}
        responses = await asyncio.gather(*(api.call("POST", "/batch", json=body) for _ in range(4)))
        return sum(response.status_code == 200 for response in responses)

    assert [api.run(send(number)) for number in range(5)] == [4] * 5
    assert len(api.rows(Tag)) == 25
