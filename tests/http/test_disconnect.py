"""Watching for a disconnect does not consume the request body."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from starlette.types import Message
from structlog.testing import capture_logs

from encore.http.request_state import RequestState

DISCONNECT: Message = {"type": "http.disconnect"}


def chunk(body: bytes, *, more: bool = False) -> Message:
    return {"type": "http.request", "body": body, "more_body": more}


class Server:
    """Delivers each message once, as a server does."""

    def __init__(self) -> None:
        self.messages: asyncio.Queue[Message] = asyncio.Queue()

    async def receive(self) -> Message:
        return await self.messages.get()


def run(scenario: Callable[[Server, RequestState], Coroutine[Any, Any, None]]) -> None:
    async def start() -> None:
        server = Server()
        state = RequestState("request", channel=server.receive)
        try:
            await asyncio.wait_for(scenario(server, state), 5)
        finally:
            if state.watch is not None:
                state.watch.close()

    asyncio.run(start())


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_left_returns_after_the_disconnect() -> None:
    async def scenario(server: Server, state: RequestState) -> None:
        leaving = asyncio.create_task(state.left())
        server.messages.put_nowait(chunk(b""))
        await settle()
        assert not leaving.done()
        server.messages.put_nowait(DISCONNECT)
        await leaving

    run(scenario)


@pytest.mark.parametrize("reads", ["before", "after"])
def test_body_read_ahead_is_delivered_to_the_application(reads: str) -> None:
    async def scenario(server: Server, state: RequestState) -> None:
        leaving = asyncio.create_task(state.left())
        await settle()
        if reads == "before":  # The application waits for the body, as the watch does.
            reading = asyncio.ensure_future(state.receive())
            server.messages.put_nowait(chunk(b"body"))
        else:
            server.messages.put_nowait(chunk(b"body"))
            await settle()
            reading = asyncio.ensure_future(state.receive())
        assert await reading == chunk(b"body")
        server.messages.put_nowait(DISCONNECT)
        await leaving
        assert await state.receive() == DISCONNECT

    run(scenario)


def test_unfinished_body_is_read_ahead_by_one_message_only() -> None:
    async def scenario(server: Server, state: RequestState) -> None:
        leaving = asyncio.create_task(state.left())
        for body in (b"one", b"two", b"three"):
            server.messages.put_nowait(chunk(body, more=body != b"three"))
        await settle()
        assert server.messages.qsize() == 2
        read = [(await state.receive())["body"] for _ in range(3)]
        assert read == [b"one", b"two", b"three"]
        assert not leaving.done()
        leaving.cancel()
        again = asyncio.create_task(state.left())  # All of the body has been read by now.
        server.messages.put_nowait(DISCONNECT)
        await again

    run(scenario)


def test_disconnect_after_the_response_is_ignored() -> None:
    async def scenario(server: Server, state: RequestState) -> None:
        leaving = asyncio.create_task(state.left())
        await settle()
        state.answered = True
        server.messages.put_nowait(DISCONNECT)
        await settle()
        assert not leaving.done()
        leaving.cancel()

    run(scenario)


def test_watch_reads_the_channel_after_the_application() -> None:
    async def scenario(server: Server, state: RequestState) -> None:
        reads: list[asyncio.Task[Message]] = []
        overlaps: list[bool] = []

        def receive() -> asyncio.Task[Message]:  # Granian's channel returns such an awaitable.
            overlaps.append(not all(read.done() for read in reads))
            reads.append(asyncio.create_task(server.receive()))
            return reads[-1]

        state.channel = receive
        for _ in range(2):  # The second read is through the watch.
            reading = asyncio.ensure_future(state.receive())
            await settle()
            leaving = asyncio.create_task(state.left())
            await asyncio.sleep(0.05)
            server.messages.put_nowait(chunk(b"body", more=True))
            assert await reading == chunk(b"body", more=True)
            server.messages.put_nowait(chunk(b"ahead", more=True))
            assert await state.receive() == chunk(b"ahead", more=True)
            assert not leaving.done()
            leaving.cancel()
        assert not any(overlaps)

    run(scenario)


def test_failed_channel_is_not_a_disconnect() -> None:
    async def scenario(_: Server, state: RequestState) -> None:
        async def fail() -> Message:
            raise OSError("broken")

        state.channel = fail

        async def work() -> str:
            await asyncio.sleep(0.01)
            return "done"

        assert await state.while_connected(work(), lambda: None) == "done"
        with pytest.raises(OSError, match="broken"):
            await state.receive()

    with capture_logs() as logs:
        run(scenario)
    assert logs == [{"event": "disconnects not detected", "error": "OSError", "log_level": "error"}]


def test_client_key_is_made_of_issuer_client_and_subject_or_the_address() -> None:
    claims = {"iss": "i", "sub": "s"}

    def client(**attributes: Any) -> str:
        return RequestState("request", **attributes).client

    assert client(claims=claims, client_id="c") == client(claims=dict(claims), client_id="c")
    others = [{"iss": "j", "sub": "s"}, {"iss": "i", "sub": "t"}]
    known = {client(claims=distinct_claims, client_id="c") for distinct_claims in (claims, *others)}
    assert len(known | {client(claims=claims, client_id="d")}) == 4
    assert client(remote_address="192.0.2.1") == "192.0.2.1"
    assert client(remote_address="2001:db8::1") == client(remote_address="2001:db8::ffff")
