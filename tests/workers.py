"""Tests in several processes at once: what each worker has to itself, and what stays together."""

import fcntl
import os
import re
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import randrange

from xdist.scheduler import LoadScopeScheduling

DATABASES = ("sqlite", "postgresql")
WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
PORTS = 2_500
FIRST_PORT = 10_000 + WORKER % 8 * PORTS
"""Below those that the kernel takes for connections, which come and go."""

_DATABASE = re.compile(rf"\[({'|'.join(DATABASES)})\b")
_given: set[int] = set()


def free_port() -> int:
    """Give a port that nothing listens on, and that nobody else is given."""
    while True:
        port = FIRST_PORT + randrange(PORTS)
        if port not in _given and _is_free(port):
            _given.add(port)
            return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


class ByDatabase(LoadScopeScheduling):
    """Gives a worker all tests on one database, or all others of one file.

    The systems on the two databases are there for a whole session, one at a time: each is started
    once. (``--dist=loadgroup`` of pytest-xdist 3.8 groups nothing under pytest 9.2.)
    """

    def _split_scope(self, nodeid: str) -> str:
        database = _DATABASE.search(nodeid)
        return database[1] if database else nodeid.partition("::")[0]


@contextmanager
def alone(what: str) -> Iterator[None]:
    """Keep the other workers from doing the same meanwhile."""
    name = f"encore-{what}-{os.getuid()}.lock"
    with Path(tempfile.gettempdir(), name).open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
