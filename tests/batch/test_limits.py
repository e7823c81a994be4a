"""What a batch counts as, what ends it, and what it does not hold up."""

import asyncio
from typing import Any

import httpx
import pytest
from starlette.types import Message

from encore import BatchOptions
from encore.execution.context import Context
from tests.batch.conftest import BatchApi, operation, statuses
from tests.fixtures.gate import RunningGate, StartGate
from tests.fixtures.library import assert_field_errors
from tests.fixtures.library_models import Book, Tag, User
from tests.fixtures.problems import assert_problem

ADA = operation("POST", "/users", {"firstName": "Ada"}, id="ada")


@pytest.fixture(scope="module")
def limited(start_gate: StartGate) -> RunningGate:
    return start_gate(RATE_LIMIT_CLIENTS="5/hour")


def create_items(gate: RunningGate, number: int, headers: dict[str, str]) -> httpx.Response:
    operations = [operation("POST", "/items", {"name": f"item {n}"}) for n in range(number)]
    return httpx.post(f"{gate.url}/batch", json={"operations": operations}, headers=headers)


def test_batch_counts_as_its_operations_and_is_one_line(limited: RunningGate) -> None:
    headers = limited.bearer(cid="batches", sub="batches")
    response = create_items(limited, 3, headers)
    assert response.status_code == 200, response.text
    assert response.headers["ratelimit"].startswith('"clients";r=2;t=')
    assert len(response.headers.get_list("ratelimit-policy")) == 1
    line = limited.log_line_of(response)
    assert (line["route"], line["operations"], line["status"]) == ("/batch", 3, 200)
    too_many = create_items(limited, 3, headers)
    assert_problem(too_many, 429, "too-many-requests", "Too many requests of this user or client")
    assert len(limited.rows()) == 3
    assert create_items(limited, 1, headers).status_code == 200  # The others were not counted.


def test_batch_has_its_own_limits(library_url: str) -> None:
    options = BatchOptions(path="/many", max_operations=2, body_limit=500)
    api = BatchApi(library_url, batch=options, base="/v1", body_limit=100)
    api.crud.resource(User)
    try:
        body = {"operations": [operation("GET", "/v1/users")] * 2}
        assert api.post("/v1/many", body).status_code == 200
        body["operations"] *= 2
        assert_field_errors(api.post("/v1/many", body), 400, "operations")
        body["operations"] = [operation("POST", "/v1/users", {"firstName": "x" * 200})]
        assert_field_errors(api.post("/v1/many", body), 413, "operations[0].body")
        body["operations"] = [operation("GET", "/v1/users?x=" + "x" * 500)]
        assert api.post("/v1/many", body).status_code == 413
        assert api.post("/batch", body).status_code == 404
    finally:
        api.close()


def test_key_makes_an_atomic_batch_run_once(api: BatchApi) -> None:
    key = {"headers": {"Idempotency-Key": "0123456789abcdef"}}
    first, again = api.batch(ADA, **key), api.batch(ADA, **key)
    assert first.status_code == again.status_code == 200, first.text
    assert (first.content, again.headers["idempotency-replayed"]) == (again.content, "true")
    assert len(api.rows(User)) == 1
    assert api.batch(ADA, ADA | {"id": "other"}, **key).status_code == 422
    apart = api.batch(ADA, atomic=False, headers={"Idempotency-Key": "fedcba9876543210"})
    assert apart.status_code == 400


def test_failed_batch_may_be_sent_again_with_its_key(api: BatchApi) -> None:
    key = {"headers": {"Idempotency-Key": "0123456789abcdef"}}
    operations = (ADA, operation("GET", "/books/1"))
    assert api.batch(*operations, **key).status_code == 404
    api.create("/books", title="Notes")
    assert api.batch(*operations, **key).status_code == 200


def test_twins_with_a_key_run_once(api: BatchApi) -> None:
    key = {"Idempotency-Key": "0123456789abcdef"}
    body = {"operations": [ADA]}

    async def send_all() -> list[httpx.Response]:
        twins = (api.call("POST", "/batch", json=body, headers=key) for _ in range(10))
        return await asyncio.gather(*twins)

    responses = api.run(send_all())
    assert {response.content for response in responses} == {responses[0].content}
    assert len(api.rows(User)) == 1


def test_many_batches_at_once_need_one_connection_each(api: BatchApi) -> None:
    """More batches than connections, half of which fail and have their failure explained."""

    async def send_all() -> list[httpx.Response]:
        bodies = [
            [
                operation("POST", "/tags", {"label": f"{n}"}),
                operation("POST", "/books", {"title": "x", "authorId": 99 if n % 2 else None}),
                operation("GET", "/tags?count=1"),
            ]
            for n in range(50)
        ]
        calls = (api.call("POST", "/batch", json={"operations": body}) for body in bodies)
        return await asyncio.gather(*calls)

    responses = api.run(send_all())
    assert [r.status_code for r in responses] == [200, 409] * 25
    fields = {error["field"] for r in responses[1::2] for error in r.json()["errors"]}
    assert fields == {"operations[1].body.authorId"}
    assert (len(api.rows(Tag)), len(api.rows(Book))) == (25, 25)


def test_client_that_disconnects_undoes_its_batch(api: BatchApi) -> None:
    tags = api.crud.resource(Tag, endpoints=("/labels", "/labels/{id}"))
    begun = asyncio.Event()

    async def wait(_: Context) -> None:
        begun.set()
        await asyncio.sleep(0.02)

    tags.create.write.after(wait)
    operations = [operation("POST", "/labels", {"label": f"{n}"}) for n in range(50)]

    async def send_and_leave() -> list[Message]:
        import json  # noqa: PLC0415

        body = json.dumps({"operations": operations}).encode()
        messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]
        sent: list[Message] = []

        async def receive() -> Message:
            if messages:
                return messages.pop()
            await begun.wait()
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            sent.append(message)

        scope: dict[str, Any] = {
            "type": "http",
            "http_version": "1.0",
            "method": "POST",
            "path": "/batch",
            "raw_path": b"/batch",
            "query_string": b"",
            "headers": [(b"content-type", b"application/json")],
        }
        await api.app(scope, receive, send)
        return sent

    start, *_ = api.run(send_and_leave())
    assert start["status"] == 499
    assert api.rows(Tag) == []


def test_reads_go_on_while_a_batch_writes(api: BatchApi) -> None:
    tags = api.crud.resource(Tag, endpoints=("/labels", "/labels/{id}"))
    finished: list[str] = []

    async def wait(_: Context) -> None:
        await asyncio.sleep(0.05)

    tags.create.write.after(wait)
    operations = [operation("POST", "/labels", {"label": f"{n}"}) for n in range(4)]

    async def both() -> None:
        async def write() -> None:
            response = await api.call("POST", "/batch", json={"operations": operations})
            assert statuses(response.json()["results"]) == [201] * 4
            finished.append("batch")

        async def read() -> None:
            await asyncio.sleep(0.02)
            assert (await api.call("GET", "/tags")).json() == []
            finished.append("read")

        await asyncio.gather(write(), read())

    api.run(both())
    assert finished == ["read", "batch"]


def test_body_is_no_larger_with_its_references_than_its_route_reads(api: BatchApi) -> None:
    title = operation("POST", "/books", {"title": "x" * 100_000}, id="a")
    many = operation("POST", "/books", [{"title": {"$ref": "a.title"}}] * 10_000)
    assert_field_errors(api.batch(title, many), 413, "operations[1].body")
    assert api.rows(Book) == []
