"""Servers that speak no proper HTTP: one never responds, one sends the bytes that it is given."""

import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from threading import Thread

import pytest

RawServer = Callable[..., str]


@pytest.fixture
def silent_url() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/"


@pytest.fixture
def raw_server() -> Iterator[RawServer]:
    """Start a server that sends the head of a request these bytes, and closes the connection."""
    servers: list[socket.socket] = []
    threads: list[Thread] = []

    def start(*responses: bytes) -> str:
        server = socket.create_server(("127.0.0.1", 0))
        servers.append(server)
        threads.append(Thread(target=_serve, args=(server, responses)))
        threads[-1].start()
        return f"http://127.0.0.1:{server.getsockname()[1]}"

    yield start
    for server in servers:
        with suppress(OSError):  # All responses are sent.
            server.shutdown(socket.SHUT_RDWR)
        server.close()
    for thread in threads:
        thread.join()


def _serve(server: socket.socket, responses: tuple[bytes, ...]) -> None:
    for response in responses:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        with connection, suppress(OSError):
            received = b""
            while b"\r\n\r\n" not in received:
                received += connection.recv(65_536)
            # Together with the end, so that nothing happens between them.
            connection.sendall(response, getattr(socket, "MSG_MORE", 0))
            connection.shutdown(socket.SHUT_WR)
