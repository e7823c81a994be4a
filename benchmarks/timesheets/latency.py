"""Latency of other requests while an upload is running."""

import http.client
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from benchmarks.command_line import BenchmarkError
from benchmarks.http_client import OK
from benchmarks.timesheets.system import System


@dataclass
class Latencies:
    """Durations of sequential requests, in milliseconds."""

    times: list[float] = field(default_factory=list)

    def percentile(self, share: float) -> float:
        """Return the duration that this share of the requests did not exceed."""
        ordered = sorted(self.times)
        return ordered[min(int(len(ordered) * share), len(ordered) - 1)]

    def format(self) -> str:
        """Return median, 99th percentile and maximum."""
        values = (self.percentile(0.5), self.percentile(0.99), self.percentile(1))
        return "{:.1f} / {:.1f} / {:.1f} ms".format(*values)


@contextmanager
def measure_latency(system: System, path: str) -> Iterator[Latencies]:
    """GET a path repeatedly on one connection until the block ends.

    Raises:
        BenchmarkError: A response was not 200.
    """
    latencies, done = Latencies(), threading.Event()
    failures: list[str] = []

    def send_requests() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", system.port, timeout=60)
        headers = {"Authorization": f"Bearer {system.token}"}
        while not done.is_set():
            started = time.perf_counter()
            connection.request("GET", path, headers=headers)
            response = connection.getresponse()
            response.read()
            latencies.times.append((time.perf_counter() - started) * 1000)
            if response.status != OK:
                failures.append(f"GET {path}: {response.status}")
                break
            time.sleep(0.001)
        connection.close()

    thread = threading.Thread(target=send_requests)
    thread.start()
    try:
        yield latencies
    finally:
        done.set()
        thread.join()
    if failures:
        raise BenchmarkError(failures[0])
