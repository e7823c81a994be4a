"""An unreliable network: a TCP proxy that cuts connections at random points."""

import contextlib
import select
import socket
from random import Random
from threading import Thread
from typing import Final, Self

_CHUNK: Final = 4096


class BrokenNetwork:
    """Forwards connections to a service and cuts each at a random point, unless it ends before.

    A connection is cut before anything is forwarded, somewhere in what the client sends, or
    somewhere in the response, perhaps before its first byte.

    Args:
        port: The service's, on this machine.
        random: Chooses where to cut.
        sent: Bytes of requests within which connections are cut.
        received: Bytes of responses within which they are cut.
    """

    def __init__(self, port: int, random: Random, *, sent: int, received: int) -> None:
        self._service = port
        self._random = random
        self._limits = (sent, received)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = Thread(target=self._accept)
        self.port: int = self._listener.getsockname()[1]
        self.cuts = 0
        """How many connections were cut so far."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        # Closing alone would not wake the thread blocked in accept.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()

    def _accept(self) -> None:
        """Serve connections one after the other: the job opens one at a time."""
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                with client, contextlib.suppress(OSError):
                    self._serve(client)

    def _serve(self, client: socket.socket) -> None:
        with socket.create_connection(("127.0.0.1", self._service)) as service:
            remaining: dict[socket.socket, float] = {client: float("inf"), service: float("inf")}
            where = self._random.choice([client, service])
            limit = self._limits[where is service]
            remaining[where] = self._random.choice([0, self._random.randrange(limit)])
            while True:
                for source in select.select([client, service], [], [])[0]:
                    chunk = source.recv(_CHUNK)
                    target = service if source is client else client
                    if len(chunk) > remaining[source]:
                        target.sendall(chunk[: int(remaining[source])])
                        self.cuts += 1
                        return
                    if not chunk:
                        return
                    target.sendall(chunk)
                    remaining[source] -= len(chunk)
