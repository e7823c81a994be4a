"""The same request with the same idempotency key, many times at once, on two servers."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from tests.proofs.http_connection import HTTPConnection, Response
from tests.proofs.servers import ServerPair

pytestmark = pytest.mark.processes

TWINS = 50
PAUSE_S = 0.02


def connect_twins(servers: ServerPair) -> list[HTTPConnection]:
    """Return connections of one client to both servers in turn."""
    return [servers.both[number % 2].connect("twin") for number in range(TWINS)]


async def send_until_done(
    connection: HTTPConnection, method: str, path: str, body: Any, headers: dict[str, str]
) -> Response:
    """Send a request, again whenever a twin is still being carried out."""
    while True:
        response = await connection.request(method, path, body, headers)
        if response.status != 409 or "retry-after" not in response.headers:
            return response
        assert int(response.headers["retry-after"]) >= 1
        await asyncio.sleep(PAUSE_S)


async def send_twins(
    servers: ServerPair, method: str, path: str, body: Any = None, **headers: str
) -> list[Response]:
    """Send the same request with one key on all connections at once; return all responses."""
    named = {"Idempotency-Key": f'"{uuid4()}"'}
    named |= {name.replace("_", "-"): value for name, value in headers.items()}
    connections = connect_twins(servers)
    await asyncio.gather(*(one.request("GET", "/notes?count=1") for one in connections))
    sent = (send_until_done(one, method, path, body, named) for one in connections)
    responses = await asyncio.gather(*sent)
    for connection in connections:
        connection.close()
    return responses


def assert_one_was_carried_out(responses: list[Response], status: int) -> Response:
    """Check that all got the same bytes, and that all but one are replays."""
    first = responses[0]
    assert first.status == status, first
    assert {str(response.stored) for response in responses} == {str(first.stored)}
    assert [response.is_replay for response in responses].count(False) == 1
    return first


def test_of_twins_that_create_one_creates(servers: ServerPair) -> None:
    async def run() -> None:
        source = f"twins-{uuid4().hex}"
        responses = await send_twins(servers, "POST", "/events", {"source": source})
        created = assert_one_was_carried_out(responses, 201).json()
        reader = servers.second.connect("reader")
        assert (await reader.request("GET", f"/events?source={source}")).json() == [created]
        reader.close()

    asyncio.run(run())


def test_of_twins_that_update_with_one_tag_one_updates(servers: ServerPair) -> None:
    async def run() -> None:
        writer = servers.first.connect("twin")
        for collection in ("/notes", "/counters"):
            created = await writer.request("POST", collection, {"value": uuid4().hex})
            path = f"{collection}/{created.json()['id']}"
            body = {"value": uuid4().hex}
            responses = await send_twins(servers, "PATCH", path, body, If_Match=created.etag)
            updated = assert_one_was_carried_out(responses, 200)
            assert updated.json()["value"] == body["value"]
        writer.close()

    asyncio.run(run())


def test_of_twins_that_delete_one_deletes(servers: ServerPair) -> None:
    async def run() -> None:
        writer = servers.first.connect("twin")
        created = await writer.request("POST", "/notes", {"value": uuid4().hex})
        responses = await send_twins(servers, "DELETE", f"/notes/{created.json()['id']}")
        assert_one_was_carried_out(responses, responses[0].status)
        assert responses[0].status in {200, 204}
        writer.close()

    asyncio.run(run())


def test_of_twins_of_a_custom_action_one_acts(servers: ServerPair) -> None:
    async def run() -> None:
        writer = servers.first.connect("twin")
        created = await writer.request("POST", "/counters", {"value": uuid4().hex})
        path = f"/counters/{created.json()['id']}"
        responses = await send_twins(servers, "POST", f"{path}/increment", {})
        assert assert_one_was_carried_out(responses, 200).json()["total"] == 1
        assert (await writer.request("GET", path)).json()["total"] == 1
        writer.close()

    asyncio.run(run())
