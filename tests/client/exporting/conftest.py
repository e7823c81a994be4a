"""Fixtures of exports: a running service with rows, and a proxy that cuts its responses off."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from tests.client.conftest import Run
from tests.fixtures.system import System
from tests.fixtures.workers import free_port

ROWS = 3_000


class CuttingProxy:
    """Forwards connections to a service, until a response has had enough bytes.

    Attributes:
        limits: After how many bytes the next responses stop; when none is left, they are complete.
        stall: Whether a response that stops leaves its connection open.
    """

    def __init__(self, port: int) -> None:
        self.limits: list[int] = []
        self.stall = False
        self._port = port
        self._listener = socket.create_server(("127.0.0.1", free_port()))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._closed = threading.Event()
        self._threads = [threading.Thread(target=self._listen)]
        self._threads[0].start()

    def close(self) -> None:
        self._closed.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(10)

    def _listen(self) -> None:
        while not self._closed.is_set():
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self._threads.append(threading.Thread(target=self._connect, args=(client,)))
            self._threads[-1].start()

    def _connect(self, client: socket.socket) -> None:
        # A client that was killed resets its connection.
        with suppress(OSError), client:
            self._forward(client)

    def _forward(self, client: socket.socket) -> None:
        with socket.create_connection(("127.0.0.1", self._port)) as service:
            client.settimeout(0.2)
            service.settimeout(0.2)
            left: int | None = None
            while not self._closed.is_set():
                try:
                    if request := client.recv(65_536):
                        service.sendall(request)
                        left = self.limits.pop(0) if self.limits else None
                    else:
                        return
                except TimeoutError:
                    pass
                except OSError:
                    return
                if not self._respond(service, client, left):
                    return

    def _respond(self, service: socket.socket, client: socket.socket, left: int | None) -> bool:
        """Forward what arrives; return whether the connection goes on."""
        while True:
            try:
                chunk = service.recv(65_536)
            except TimeoutError:
                return True
            if not chunk:
                return False
            if left is not None and len(chunk) > left:
                client.sendall(chunk[:left])
                if self.stall:
                    self._closed.wait(30)
                return False
            client.sendall(chunk)
            left = None if left is None else left - len(chunk)


@pytest.fixture(scope="module")
def service(items: System) -> System:
    """The item service, with rows whose texts have line ends and quotes."""
    rows = [
        {"name": f'item "{n * 7919 % ROWS:04}"\r\nx', "description": "d" * 60, "source": "export"}
        | {"external_id": str(n)}
        for n in range(ROWS)
    ]
    body = "\n".join(json.dumps(row) for row in rows)
    headers = {
        "Authorization": f"Bearer {items.token('items:upload')}",
        "Content-Type": "application/x-ndjson",
    }
    items.client.post("/items/upload", content=body, headers=headers).raise_for_status()
    return items


@pytest.fixture
def export(service: System, run: Run) -> Run:
    """Run commands of the service's development client."""
    environment = {"ISSUER": service.issuer, "SCOPE": service.scope, "API_URL": service.url}
    local = (service.directory / ".env.local").read_text()
    (run.directory / ".env.local").write_text(local)
    return Run(environment, run.directory)


@pytest.fixture
def stream(service: System) -> Callable[..., bytes]:
    """Return a stream of the service, requested by another client."""

    def stream(path: str, type_: str) -> bytes:
        response = service.client.get(path, headers={"Accept": type_})
        return response.raise_for_status().content

    return stream


@pytest.fixture
def proxy(service: System) -> Iterator[CuttingProxy]:
    proxy = CuttingProxy(int(service.url.rpartition(":")[2]))
    yield proxy
    proxy.close()
