"""The requests whose cost should not grow with the table, and what their responses must hold."""

import http.client
import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from benchmarks.command_line import BenchmarkError
from benchmarks.growth.service import INDEXED
from benchmarks.http_client import CREATED, OK
from benchmarks.parts import ROWS_PER_MODEL

PAGE: Final = 100
_LARGEST_PAGE: Final = 1_000
_TIMEOUT_S: Final = 120.0
_NEXT: Final = re.compile(r'<([^>]*)>\s*;\s*rel="?next"?')
WITHOUT_TOTAL: Final = {"Prefer": "count=none"}


class Client:
    """Sends one request after the other on one connection; every error is a BenchmarkError.

    Args:
        port: Port of the service on loopback.
        token: Access token with its scopes.
    """

    def __init__(self, port: int, token: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT_S)
        self._headers = {"Authorization": f"Bearer {token}"}

    def get(self, path: str, headers: dict[str, str]) -> tuple[http.client.HTTPResponse, bytes]:
        """GET a path; return the response and its body."""
        return self._send("GET", path, headers=headers)

    def put(self, path: str, body: dict[str, Any]) -> None:
        """Update a row."""
        self._send("PUT", path, json.dumps(body).encode())

    def post(self, path: str, body: bytes) -> None:
        """Create a row, or upload rows; the body is JSON."""
        self._send("POST", path, body)

    def _send(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> tuple[http.client.HTTPResponse, bytes]:
        content = {} if body is None else {"Content-Type": "application/json"}
        self._connection.request(
            method, path, body, headers={**self._headers, **content, **(headers or {})}
        )
        response = self._connection.getresponse()
        received = response.read()
        if response.status not in (OK, CREATED):
            raise BenchmarkError(f"{method} {path}: {response.status} {received[:200]!r}")
        return response, received

    def read_stream(self, path: str, accept: str) -> float:
        """Read a stream to its end; return its lines per second."""
        started = time.perf_counter()
        self._connection.request("GET", path, headers=self._headers | {"Accept": accept})
        response = self._connection.getresponse()
        if response.status != OK:
            raise BenchmarkError(f"GET {path}: {response.status} {response.read(200)!r}")
        lines = 0
        while block := response.read(1 << 20):
            lines += block.count(b"\n")
        return lines / (time.perf_counter() - started)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


BuildPath = Callable[[Client, int], str]
"""Returns the path for a table of that many rows; called once, before anything is timed."""


@dataclass(frozen=True, slots=True)
class TimedRequest:
    """One row of the report.

    Attributes:
        title: Title of the row.
        build_path: Returns the path.
        rows: Count of rows in the response; None if it depends on the size of the table.
        headers: Request headers.
        goal: Maximum of the largest table's time divided by the smallest's; None if the row is
            shown for comparison only.
        after_write: Update a row before each request, which invalidates caches.
        limit_ms: Maximum time at any size, in milliseconds.
    """

    title: str
    build_path: BuildPath
    rows: int | None = PAGE
    headers: dict[str, str] = field(default_factory=dict)
    goal: float | None = 1.5
    after_write: bool = False
    limit_ms: float | None = None


def find_last_page(client: Client, _: int) -> str:
    """Follow the cursors to the end; return the path of a page among the last rows."""
    path = previous = f"/parts?count={_LARGEST_PAGE}"
    while True:
        response, _body = client.get(path, WITHOUT_TOTAL)
        next_link = _NEXT.search(response.headers.get("Link") or "")
        if next_link is None:
            return re.sub(r"count=\d+", f"count={PAGE}", previous)
        previous, path = path, next_link[1]


def _fixed(path: str) -> BuildPath:
    return lambda _client, _size: path


def _one_model(_: Client, size: int) -> str:
    return f"/parts?modelNumber=mod-{size // ROWS_PER_MODEL // 2:04d}"


def _one_lot(_: Client, size: int) -> str:
    # The longest number: a shorter one is a substring of longer ones.
    return f"{INDEXED}?q=lot-{size // ROWS_PER_MODEL - 1:04d}"


def _last_by_offset(_: Client, size: int) -> str:
    return f"/parts?offset={size - PAGE}"


REQUESTS: Final = (
    TimedRequest("GET one", lambda _c, size: f"/parts/{size // 2}", rows=None),
    TimedRequest("first page, no total", _fixed("/parts"), headers=WITHOUT_TOTAL),
    TimedRequest(
        "first page after a write, no total",
        _fixed("/parts"),
        headers=WITHOUT_TOTAL,
        after_write=True,
    ),
    TimedRequest("first page, exact total", _fixed("/parts"), goal=None),
    TimedRequest(
        "first page after a write, exact total", _fixed("/parts"), goal=None, after_write=True
    ),
    TimedRequest("last page by cursor", find_last_page),
    TimedRequest("last page by offset", _last_by_offset, headers=WITHOUT_TOTAL, goal=None),
    TimedRequest("sort=name, index", _fixed("/parts?sort=name"), headers=WITHOUT_TOTAL),
    TimedRequest("modelNumber=, index, 8 hits", _one_model, rows=ROWS_PER_MODEL),
    TimedRequest(  # Every row contains most of its trigrams, whose lists grow with the table.
        "q=, search index, 8 hits",
        _one_lot,
        rows=ROWS_PER_MODEL,
        headers=WITHOUT_TOTAL,
        goal=None,
        limit_ms=30,
    ),
    TimedRequest(
        "q= that a third of all rows have",
        _fixed(f"{INDEXED}?q=fasteners"),
        headers=WITHOUT_TOTAL,
        goal=None,
        limit_ms=300,
    ),
    TimedRequest(
        "q= that no row has",
        _fixed(f"{INDEXED}?q=zeppelin"),
        rows=0,
        headers=WITHOUT_TOTAL,
        goal=None,
        limit_ms=300,
    ),
)

EXPORTS: Final = (("application/x-ndjson", "NDJSON"), ("text/csv", "CSV"))
