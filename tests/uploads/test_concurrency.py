"""Concurrent uploads, uploads with other writers, and clients that disconnect."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from starlette.types import Message

from encore.http.error_handling import ResponseAborted
from tests.fixtures.upload_models import Delivery
from tests.fixtures.uploads import NDJSON, DepotApi, delivery, ndjson, statuses

MANY = 3_000
Send = Callable[[Message], Awaitable[None]]


def scope_of(depot: DepotApi, query: bytes = b"") -> dict[str, Any]:
    """Return the scope of an upload that the test calls as an ASGI application."""
    return {
        "type": "http",
        "method": "POST",
        "path": "/deliveries/upload",
        "query_string": query,
        "headers": [(b"content-type", NDJSON.encode()), (b"transfer-encoding", b"chunked")],
        "app": depot.app,
    }


def feeding(*chunks: bytes) -> Callable[[], Awaitable[Message]]:
    """Return a receive channel with these chunks, which then never ends."""
    left = list(chunks)

    async def receive() -> Message:
        if not left:
            await asyncio.Event().wait()
        chunk = left.pop(0)
        return {"type": "http.request", "body": chunk, "more_body": bool(left)}

    return receive


async def ignore(_: Message) -> None:
    """Discard a message."""


def test_concurrent_uploads_of_same_rows_store_each_row_once(depot: DepotApi) -> None:
    rows = [delivery(n) for n in range(200)]

    async def all_at_once() -> list[Any]:
        sent = (depot.uploading(ndjson(rows), NDJSON) for _ in range(6))
        return [response.json() for response in await asyncio.gather(*sent)]

    reports = depot.run(all_at_once())
    assert sorted(report["created"] for report in reports) == [0, 0, 0, 0, 0, 200]
    assert sum(report["unchanged"] for report in reports) == 1_000
    ids = {tuple(row["id"] for row in report["rows"]) for report in reports}
    assert len(ids) == 1
    assert len(depot.rows(Delivery)) == 200


def test_upload_with_concurrent_writers_loses_no_write(depot: DepotApi) -> None:
    async def scenario() -> list[int]:
        upload = asyncio.create_task(
            depot.uploading(ndjson([delivery(n) for n in range(MANY)]), NDJSON)
        )
        codes = []
        number = 0
        while not upload.done():
            number += 1
            new = {"code": f"s{number}"}
            codes.append((await depot.call("POST", "/samples", json=new)).status_code)
        codes.append((await upload).status_code)
        return codes

    codes = depot.run(scenario())
    assert set(codes[:-1]) == {201}
    assert codes[-1] == 200
    assert len(depot.rows(Delivery)) == MANY


def test_create_of_same_key_during_upload_does_not_fail(depot: DepotApi) -> None:
    async def scenario() -> set[int]:
        rows = ndjson([delivery(n) for n in range(500)])
        posts = (depot.call("POST", "/deliveries", json=delivery(n)) for n in range(20))
        uploads = (depot.uploading(rows, NDJSON) for _ in range(2))
        answers = await asyncio.gather(*posts, *uploads)
        return {answer.status_code for answer in answers}

    assert depot.run(scenario()) <= {200, 201, 400, 409}
    numbers = [row["number"] for row in depot.rows(Delivery)]
    assert len(set(numbers)) == len(numbers)


def test_upload_disconnected_in_body_stores_nothing(depot: DepotApi) -> None:
    async def scenario() -> list[Message]:
        sent: list[Message] = []
        line = json.dumps(delivery(1)).encode() + b"\n"
        left: list[Message] = [{"type": "http.request", "body": line, "more_body": True}]

        async def receive() -> Message:
            return left.pop(0) if left else {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            sent.append(message)

        await depot.app(scope_of(depot), receive, send)
        return sent

    assert depot.run(scenario())[0]["status"] == 400
    assert depot.rows(Delivery) == []


@pytest.mark.parametrize("turns", [1, 5, 20, 60, 200])
def test_cancelled_upload_stores_all_or_nothing(depot: DepotApi, turns: int) -> None:
    body = ndjson([delivery(n) for n in range(MANY)]).encode()

    async def scenario() -> None:
        request = asyncio.create_task(depot.app(scope_of(depot), feeding(body), ignore))
        for _ in range(turns):
            await asyncio.sleep(0.001)
        request.cancel()
        await asyncio.gather(request, return_exceptions=True)

    depot.run(scenario())
    assert len(depot.rows(Delivery)) in (0, MANY)
    report = depot.reported([delivery(1)])
    assert statuses(report)[0] in ("created", "unchanged")
    assert depot.request("POST", "/samples", json={"code": "x"}).status_code == 201


def test_upload_disconnected_in_report_releases_resources(depot: DepotApi) -> None:
    body = ndjson([delivery(n) for n in range(MANY)]).encode()

    async def scenario() -> None:
        async def send(message: Message) -> None:
            if message["type"] == "http.response.body":
                raise OSError("gone")

        with pytest.raises(ResponseAborted):
            await depot.app(scope_of(depot), feeding(body), send)

    for _ in range(5):  # More than there may be at once: none is held.
        depot.run(scenario())
    assert depot.reported([delivery(1)])["unchanged"] == 1
    assert len(depot.rows(Delivery)) == MANY


def test_upload_with_slow_client_holds_no_connection(depot: DepotApi) -> None:
    body = ndjson([delivery(n) for n in range(10)]).encode()

    async def scenario() -> list[int]:
        reading = asyncio.Event()
        waiting: list[asyncio.Task[None]] = []

        async def send(message: Message) -> None:
            if message["type"] == "http.response.body":
                await reading.wait()

        for _ in range(12):
            sent = depot.app(scope_of(depot), feeding(body), send)
            waiting.append(asyncio.create_task(sent))
        await asyncio.sleep(0.01)
        answers = [await depot.uploading([delivery(n)]) for n in range(3)]
        reading.set()
        await asyncio.gather(*waiting)
        return [answer.status_code for answer in answers]

    assert depot.run(scenario()) == [200, 200, 200]


def test_uploads_beyond_concurrency_limit_all_succeed(depot: DepotApi) -> None:
    async def scenario() -> set[int]:
        sent = (depot.uploading([delivery(n)]) for n in range(25))
        return {answer.status_code for answer in await asyncio.gather(*sent)}

    assert depot.run(scenario()) == {200}
    assert len(depot.rows(Delivery)) == 25
