"""Uploads whose clients disconnect: the work ends, and nothing is partly written."""

import asyncio
import json
import os
import socket
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.types import Message

from encore.database.threads import MAX_BULK_CONNECTIONS
from tests.fixtures.system import System
from tests.fixtures.upload_models import Delivery
from tests.fixtures.uploads import NDJSON, DepotApi, delivery, ndjson
from tests.fixtures.uploads import depot as depot  # noqa: PLC0414 - a fixture
from tests.fixtures.uploads import depot_url as depot_url  # noqa: PLC0414 - a fixture
from tests.uploads.test_concurrency import ignore, scope_of

ROWS = 60_000
"""Loading this many rows takes some seconds."""

TICKS = os.sysconf("SC_CLK_TCK")


def upload_row(index: int) -> bytes:
    row = {
        "name": f"u{index % 5_000}",
        "description": f"2017-05-{index // 5_000 % 28 + 1:02}",
        "source": "gone",
        "external_id": f"e{index}",
    }
    return json.dumps(row).encode() + b"\n"


def send_upload(items: System, token: str, body: bytes) -> socket.socket:
    """Send a complete upload; do not read its response."""
    host, port = items.url.removeprefix("http://").split(":")
    connection = socket.create_connection((host, int(port)))
    connection.sendall(
        b"POST /items/upload?mode=partial HTTP/1.1\r\n"
        + f"Host: {host}\r\nAuthorization: Bearer {token}\r\n".encode()
        + f"Content-Type: {NDJSON}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        + body
    )
    return connection


def cpu_seconds(items: System) -> float:
    """Return the processor time that the service's processes have used."""
    pid = items.process.pid
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return sum(map(_seconds_of, children)) / TICKS


def _seconds_of(process: str) -> int:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def wait_for(condition: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_upload_in_progress_ends_when_client_disconnects(items: System) -> None:
    token = items.token("items:upload")
    body = b"".join(map(upload_row, range(ROWS)))
    before = cpu_seconds(items)
    with send_upload(items, token, body):
        wait_for(lambda: cpu_seconds(items) > before + 0.3)  # The service is reading its rows.
    last = -1.0

    def is_at_rest() -> bool:
        nonlocal last
        used, last = cpu_seconds(items) - last, cpu_seconds(items)
        time.sleep(0.2)
        return used == 0

    wait_for(is_at_rest)
    used_seconds = cpu_seconds(items) - before
    remaining = items.client.get("/items?source=gone&count=1")
    assert remaining.headers["content-range"].endswith("/0"), remaining.headers
    # The turn, the lock and the connection are free.
    second = send_upload(items, token, upload_row(1))
    assert second.recv(100).startswith(b"HTTP/1.1 200")
    second.close()
    assert used_seconds < 2  # The complete upload takes several seconds.


class DisconnectingCaller:
    """The receive channel of a caller that sends a body and disconnects on an event."""

    def __init__(self, body: bytes) -> None:
        self._body: bytes | None = body
        self.disconnect = asyncio.Event()
        self.body_read = asyncio.Event()

    async def receive(self) -> Message:
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        self.body_read.set()
        await self.disconnect.wait()
        return {"type": "http.disconnect"}


class ExclusiveCaller(DisconnectingCaller):
    """A caller whose server allows one read at a time, as granian does: it fails a second one."""

    def __init__(self, body: bytes) -> None:
        super().__init__(body)
        self._is_reading = False

    async def receive(self) -> Message:
        if self._is_reading:
            return {"type": "http.disconnect"}
        self._is_reading = True
        try:
            return await super().receive()
        finally:
            self._is_reading = False


async def get_statuses(depot: DepotApi, caller: DisconnectingCaller) -> list[int]:
    """Run an upload for a caller; return the statuses of its responses."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    scope = scope_of(depot)
    scope["headers"].append((b"idempotency-key", b"key"))
    await depot.app(scope, caller.receive, send)
    return [message["status"] for message in sent if "status" in message]


def test_upload_waiting_for_lock_ends_when_client_disconnects(depot: DepotApi) -> None:
    async def scenario() -> list[int]:
        blocked = [depot.database.bulk() for _ in range(MAX_BULK_CONNECTIONS)]
        for connection in blocked:
            await connection.__aenter__()
        caller = DisconnectingCaller(ndjson([delivery(1)]).encode())
        upload = asyncio.create_task(get_statuses(depot, caller))
        await caller.body_read.wait()
        await asyncio.sleep(0.05)
        assert not upload.done()
        caller.disconnect.set()
        try:
            return await asyncio.wait_for(upload, 5)  # While all bulk connections are still in use.
        finally:
            for connection in blocked:
                await connection.__aexit__(None, None, None)

    assert depot.run(scenario()) == [499]
    assert depot.rows(Delivery) == []
    assert depot.reported([delivery(1)])["created"] == 1


def test_upload_reads_the_channel_once_at_a_time(depot: DepotApi) -> None:
    # The key is looked up by a statement that has not run before, which ends on a disconnect too.
    caller = ExclusiveCaller(ndjson([delivery(1)]).encode())
    assert depot.run(get_statuses(depot, caller)) == [200]
    assert len(depot.rows(Delivery)) == 1


@pytest.mark.parametrize("milliseconds", [0, 1, 3, 10, 30, 100])
def test_upload_disconnected_at_any_time_stores_all_or_nothing(
    depot: DepotApi, milliseconds: int
) -> None:
    count = 1_000

    async def scenario() -> list[int]:
        caller = DisconnectingCaller(ndjson([delivery(n) for n in range(count)]).encode())
        upload = asyncio.create_task(get_statuses(depot, caller))
        await caller.body_read.wait()
        for _ in range(milliseconds):
            await asyncio.sleep(0.001)
        caller.disconnect.set()
        return await upload

    (status,) = depot.run(scenario())
    assert (status, len(depot.rows(Delivery))) in ((499, 0), (499, count), (200, count))
    assert depot.reported([delivery(count)])["created"] == 1


BLANKS: dict[str, tuple[str, Any]] = {
    "array": ("application/json", lambda n: b"[" + b" " * n + b"]"),
    "lines": (NDJSON, lambda n: (b'{"goods": "tea"}\n' + b"\n" * 10) * (n // 30)),
    "cells": ("text/csv", lambda n: b"goods\n" + b"tea\n" * (n // 4)),
}


@pytest.mark.parametrize(("media_type", "make"), BLANKS.values(), ids=BLANKS)
def test_upload_of_any_format_stops_reading_when_client_disconnects(
    depot: DepotApi, media_type: str, make: Callable[[int], bytes]
) -> None:
    depot.upload.limit = 2**30
    depot.upload.max_rejected = 2**30

    async def scenario() -> float:
        caller = DisconnectingCaller(make(40_000_000))
        scope = scope_of(depot) | {"headers": [(b"content-type", media_type.encode())]}
        upload: Awaitable[None] = depot.app(scope, caller.receive, ignore)
        task = asyncio.ensure_future(upload)
        await caller.body_read.wait()
        await asyncio.sleep(0.01)
        caller.disconnect.set()
        before = time.process_time()
        await task
        return time.process_time() - before

    assert depot.run(scenario()) < 1
