"""`python -m benchmarks.associations`: related rows, embedded in a list of 100.

1,000 users with a profile (one-to-one) and five books (one-to-many) each; `GET /users` of the two
services of the conformance tests, `associations` on, no gate on either side.
"""

import sqlite3
import sys
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from typing import Final

from benchmarks.contest import measure, rate, read_lengths
from benchmarks.errors import BenchmarkError
from benchmarks.exchange import ask
from benchmarks.parts import generate, iso_text, sequelize_text
from benchmarks.plan import EMBEDDED
from benchmarks.processes import ended_by_signals
from benchmarks.servers import Setting, migrate, serving
from benchmarks.stacks import FINALE_WAL, OURS, ROOT, Stack
from benchmarks.stores import SQLiteStore
from tests.conformance.node import FINALE, install_finale

GOAL: Final = 4.0
_USERS: Final = 1_000
_BOOKS: Final = 5
_PAGE: Final = 100
_PARTS: Final = 8
_CREATED: Final = datetime(2018, 8, 16, 2, 22, 9, 446_000, tzinfo=UTC)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print; return 1 if the goal is missed."""
    lengths = read_lengths("associations", __doc__, argv)
    stacks = [_finale(install_finale()), _ours()]
    with ended_by_signals():
        samples = measure(stacks, EMBEDDED, lengths, _Preparation(), rows=_PARTS)
    theirs, ours = (rate(samples[stack.name], EMBEDDED) for stack in stacks)
    each = [
        our.per_second / their.per_second
        for their, our in zip(*(samples[s.name].loads[EMBEDDED.name] for s in stacks), strict=True)
    ]
    times = ours.median / theirs.median
    print("|  | Finale, WAL | this service | times | to reach |")
    print("| --- | ---: | ---: | ---: | ---: |")
    print(
        f"| {EMBEDDED.title} | {theirs.text()} | {ours.text()} |"
        f" {times:.1f} ({min(each):.1f}-{max(each):.1f}) | {GOAL:g} |"
    )
    return 0 if times >= GOAL else 1


def _ours() -> Stack:
    service = [sys.executable, "-m", "tests.conformance.service"]
    return Stack(
        name=OURS,
        title="this service",
        cwd=ROOT,
        serve=service,
        migrate=[*service, "--sync"],
        stamp=iso_text,
        settings=lambda url: {"DATABASE_URL": url},
        ready_path=None,
    )


def _finale(node: str) -> Stack:
    return Stack(
        name=FINALE_WAL,
        title="Finale, WAL",
        cwd=FINALE,
        serve=[node, "server.js"],
        migrate=[node, "server.js", "--sync"],
        stamp=sequelize_text,
        settings=lambda url: {
            "SQLITE_STORAGE": url.removeprefix("sqlite:///"),
            "SQLITE_WAL": "1",
            "NODE_ENV": "production",
        },
        ready_path=None,
    )


class _Preparation:
    """Fills the databases, and holds the answers of the second stack against the first's."""

    def __init__(self) -> None:
        self._answer: object = None

    def __call__(self, stack: Stack, store: SQLiteStore, setting: Setting) -> None:
        store.create()
        migrate(stack, store, setting)
        store.fill(generate(_PARTS), stack.stamp)
        _fill(store, stack)
        store.seal()
        with serving(stack, store, setting) as server:
            answer = ask(server.port, "/users").json()
        if len(answer) != _PAGE or len(answer[0]["books"]) != _BOOKS:
            raise BenchmarkError(f"{stack.title}: /users answers {answer!r:.300}")
        if self._answer not in (None, answer):
            raise BenchmarkError("the stacks answer differently to /users")
        self._answer = answer


def _fill(store: SQLiteStore, stack: Stack) -> None:
    moment = stack.stamp(_CREATED)
    numbers = range(1, _USERS + 1)
    users = [(n, f"user {n}", f"u{n}@example.com", n % 90, n % 2, moment, moment) for n in numbers]
    books = [(f"Book {b} of {n}", 100 + b, n) for n in numbers for b in range(_BOOKS)]
    with closing(sqlite3.connect(store.path)) as connection, connection:
        connection.executemany(
            'INSERT INTO users (id, username, email, age, active, "createdAt", "updatedAt")'
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            users,
        )
        connection.executemany(
            'INSERT INTO profiles (nickname, "userId") VALUES (?, ?)',
            [(f"nick {n}", n) for n in numbers],
        )
        connection.executemany(
            'INSERT INTO books (title, pages, "authorId") VALUES (?, ?, ?)', books
        )


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BenchmarkError as problem:
        print(f"benchmarks: {problem}", file=sys.stderr)
        sys.exit(1)
