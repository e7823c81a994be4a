"""How many connections the server holds at one time, by the limit of open files.

Each connection is a file descriptor. Granian's accept loop spins when there are none left, and
neither the database nor uploads could open a file, so some are reserved: beyond ``connections``
granian accepts none, and new connections wait in the kernel's queue.
"""

import resource
import sys
from dataclasses import dataclass
from typing import Final

_MOST_CONNECTIONS: Final = 32_768
"""Held by one worker at most, however many descriptors there are: about 10 KB each."""

_BACKLOG: Final = 4_096
"""Connections that may wait to be accepted; the kernel cuts it to ``net.core.somaxconn``."""

_LEAST_RESERVE: Final = 64
_RESERVED_SHARE: Final = 8


@dataclass(frozen=True, slots=True)
class Capacity:
    """Granian's limits.

    Attributes:
        connections: The most that are held at one time (granian's ``backpressure``).
        backlog: How many more may wait to be accepted.
    """

    connections: int
    backlog: int

    @classmethod
    def of(cls, descriptors: int) -> "Capacity":
        """Return the capacity of a process that may open this many file descriptors.

        An eighth of them, and no fewer than 64, stays for the database, uploads and the log; a
        process with very few gives half of them to connections.
        """
        reserve = max(_LEAST_RESERVE, descriptors // _RESERVED_SHARE)
        connections = max(descriptors - reserve, descriptors // 2, 1)
        connections = min(connections, _MOST_CONNECTIONS)
        return cls(connections, min(_BACKLOG, connections))


def raise_descriptor_limit() -> int:
    """Raise this process's limit of open files to its hard limit; return the new limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        except (OSError, ValueError):  # macOS enforces a lower limit than it reports.
            return soft
    return sys.maxsize if hard == resource.RLIM_INFINITY else hard
