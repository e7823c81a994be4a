"""A network that breaks: a TCP proxy that cuts connections wherever chance has it."""

import contextlib
import select
import socket
from random import Random
from threading import Thread
from typing import Final, Self

_PIECE: Final = 4096


class BrokenNetwork:
    """Forwards connections to a service and cuts each sooner or later, unless it ends before.

    A connection is cut before anything is forwarded, somewhere in what the client sends, or
    somewhere in what the service answers, perhaps before its first byte.

    Args:
        port: The service's, on this machine.
        random: Decides.
        sent: Bytes of requests within which connections are cut.
        answered: Bytes of answers within which they are.
    """

    def __init__(self, port: int, random: Random, *, sent: int, answered: int) -> None:
        self._service = port
        self._random = random
        self._reaches = (sent, answered)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = Thread(target=self._accept)
        self.port: int = self._listener.getsockname()[1]
        self.cuts = 0
        """How many connections were cut so far."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        # Closing alone would not wake the thread that waits in accept.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()

    def _accept(self) -> None:
        """Serve one connection after the other: the job has no more than one at a time."""
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                with client, contextlib.suppress(OSError):
                    self._serve(client)

    def _serve(self, client: socket.socket) -> None:
        with socket.create_connection(("127.0.0.1", self._service)) as service:
            left: dict[socket.socket, float] = {client: float("inf"), service: float("inf")}
            where = self._random.choice([client, service])
            reach = self._reaches[where is service]
            left[where] = self._random.choice([0, self._random.randrange(reach)])
            while True:
                for source in select.select([client, service], [], [])[0]:
                    piece = source.recv(_PIECE)
                    target = service if source is client else client
                    if len(piece) > left[source]:
                        target.sendall(piece[: int(left[source])])
                        self.cuts += 1
                        return
                    if not piece:
                        return
                    target.sendall(piece)
                    left[source] -= len(piece)
