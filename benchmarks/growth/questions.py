"""The requests whose cost should not grow with the table, and what they must answer."""

import http.client
import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from benchmarks.errors import BenchmarkError
from benchmarks.growth.service import INDEXED
from benchmarks.parts import ROWS_PER_MODEL

PAGE: Final = 100
_LARGEST_PAGE: Final = 1_000
_TIMEOUT_S: Final = 120.0
_OK: Final = 200
_CREATED: Final = 201
_NEXT: Final = re.compile(r'<([^>]*)>\s*;\s*rel="?next"?')
WITHOUT_TOTAL: Final = {"Prefer": "count=none"}


class Caller:
    """One client that asks one thing after the other on one connection.

    Args:
        port: The service's, on this machine.
        token: Holds the scopes.
    """

    def __init__(self, port: int, token: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT_S)
        self._headers = {"Authorization": f"Bearer {token}"}

    def get(self, path: str, headers: dict[str, str]) -> tuple[http.client.HTTPResponse, bytes]:
        """Ask for a path; return the response and its body. Raises ``BenchmarkError``."""
        self._connection.request("GET", path, headers=self._headers | headers)
        response = self._connection.getresponse()
        body = response.read()
        if response.status != _OK:
            raise BenchmarkError(f"GET {path}: {response.status} {body[:200]!r}")
        return response, body

    def put(self, path: str, body: dict[str, Any]) -> None:
        """Change a row. Raises ``BenchmarkError``."""
        headers = self._headers | {"Content-Type": "application/json"}
        self._connection.request("PUT", path, json.dumps(body), headers)
        response = self._connection.getresponse()
        answered = response.read()
        if response.status != _OK:
            raise BenchmarkError(f"PUT {path}: {response.status} {answered[:200]!r}")

    def post(self, path: str, body: bytes) -> None:
        """Send JSON. Raises ``BenchmarkError``."""
        headers = self._headers | {"Content-Type": "application/json"}
        self._connection.request("POST", path, body, headers)
        response = self._connection.getresponse()
        answered = response.read()
        if response.status not in (_OK, _CREATED):
            raise BenchmarkError(f"POST {path}: {response.status} {answered[:200]!r}")

    def drain(self, path: str, accept: str) -> float:
        """Read a stream to its end; return its lines per second."""
        begun = time.perf_counter()
        self._connection.request("GET", path, headers=self._headers | {"Accept": accept})
        response = self._connection.getresponse()
        if response.status != _OK:
            raise BenchmarkError(f"GET {path}: {response.status} {response.read(200)!r}")
        lines = 0
        while block := response.read(1 << 20):
            lines += block.count(b"\n")
        return lines / (time.perf_counter() - begun)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


Path = Callable[[Caller, int], str]
"""Makes the path for a table of so many rows; asked once, before anything is timed."""


@dataclass(frozen=True, slots=True)
class Question:
    """One row of the report.

    Attributes:
        title: What is asked.
        path: Makes the path.
        rows: How many rows the answer must hold; None where that depends on the table's size.
        headers: Of the request.
        goal: The most that the largest table may cost, in times of the smallest; None where it
            is shown for comparison only.
        after_write: A row is changed before each request, so that nothing kept holds any more.
        limit_ms: The most that one request may take at any size, in milliseconds.
    """

    title: str
    path: Path
    rows: int | None = PAGE
    headers: dict[str, str] = field(default_factory=dict)
    goal: float | None = 1.5
    after_write: bool = False
    limit_ms: float | None = None


def last_page(caller: Caller, _: int) -> str:
    """Follow the cursors to the end; return the path of a page that is among the last rows."""
    path = before = f"/parts?count={_LARGEST_PAGE}"
    while True:
        response, _body = caller.get(path, WITHOUT_TOTAL)
        following = _NEXT.search(response.headers.get("Link") or "")
        if following is None:
            return re.sub(r"count=\d+", f"count={PAGE}", before)
        before, path = path, following[1]


def _fixed(path: str) -> Path:
    return lambda _caller, _size: path


def _model(_: Caller, size: int) -> str:
    return f"/parts?modelNumber=mod-{size // ROWS_PER_MODEL // 2:04d}"


def _lot(_: Caller, size: int) -> str:
    # The longest number: of a shorter one, longer ones are hits as well.
    return f"{INDEXED}?q=lot-{size // ROWS_PER_MODEL - 1:04d}"


def _last_by_offset(_: Caller, size: int) -> str:
    return f"/parts?offset={size - PAGE}"


QUESTIONS: Final = (
    Question("GET one", lambda _c, size: f"/parts/{size // 2}", rows=None),
    Question("first page, no total", _fixed("/parts"), headers=WITHOUT_TOTAL),
    Question(
        "first page after a write, no total",
        _fixed("/parts"),
        headers=WITHOUT_TOTAL,
        after_write=True,
    ),
    Question("first page, exact total", _fixed("/parts"), goal=None),
    Question(
        "first page after a write, exact total", _fixed("/parts"), goal=None, after_write=True
    ),
    Question("last page by cursor", last_page),
    Question("last page by offset", _last_by_offset, headers=WITHOUT_TOTAL, goal=None),
    Question("sort=name, index", _fixed("/parts?sort=name"), headers=WITHOUT_TOTAL),
    Question("modelNumber=, index, 8 hits", _model, rows=ROWS_PER_MODEL),
    Question(  # Every row has most of its trigrams: their lists grow with the table.
        "q=, search index, 8 hits",
        _lot,
        rows=ROWS_PER_MODEL,
        headers=WITHOUT_TOTAL,
        goal=None,
        limit_ms=30,
    ),
    Question(
        "q= that a third of all rows have",
        _fixed(f"{INDEXED}?q=fasteners"),
        headers=WITHOUT_TOTAL,
        goal=None,
        limit_ms=300,
    ),
    Question(
        "q= that no row has",
        _fixed(f"{INDEXED}?q=zeppelin"),
        rows=0,
        headers=WITHOUT_TOTAL,
        goal=None,
        limit_ms=300,
    ),
)

EXPORTS: Final = (("application/x-ndjson", "NDJSON"), ("text/csv", "CSV"))
