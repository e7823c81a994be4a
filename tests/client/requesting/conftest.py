"""A server that accepts connections and never responds."""

import socket
from collections.abc import Iterator

import pytest


@pytest.fixture
def silent_url() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/"
