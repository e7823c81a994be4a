"""How long another request waits while an upload is under way."""

import http.client
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from benchmarks.errors import BenchmarkError
from benchmarks.timesheets.system import System

_OK = 200


@dataclass
class Waits:
    """Times of one request after another, in milliseconds."""

    times: list[float] = field(default_factory=list)

    def at(self, share: float) -> float:
        """Return the time that this share of the requests kept within."""
        ordered = sorted(self.times)
        return ordered[min(int(len(ordered) * share), len(ordered) - 1)]

    def text(self) -> str:
        """Return median, 99th percentile and maximum."""
        return f"{self.at(0.5):.1f} / {self.at(0.99):.1f} / {self.at(1):.1f} ms"


@contextmanager
def asking(system: System, path: str) -> Iterator[Waits]:
    """Ask for one path again and again, on one connection, while the block runs."""
    waits, done = Waits(), threading.Event()
    failures: list[str] = []

    def ask_on() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", system.port, timeout=60)
        headers = {"Authorization": f"Bearer {system.token}"}
        while not done.is_set():
            begun = time.perf_counter()
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            answer.read()
            waits.times.append((time.perf_counter() - begun) * 1000)
            if answer.status != _OK:
                failures.append(f"GET {path}: {answer.status}")
                break
            time.sleep(0.001)
        connection.close()

    thread = threading.Thread(target=ask_on)
    thread.start()
    try:
        yield waits
    finally:
        done.set()
        thread.join()
    if failures:
        raise BenchmarkError(failures[0])
