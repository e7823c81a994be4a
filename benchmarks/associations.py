"""`python -m benchmarks.associations`: related rows embedded in a list of 100.

1,000 users, each with a profile (one-to-one) and five books (one-to-many); `GET /users` of the two
servers of the conformance tests, with `associations` and without authentication.
"""

import sqlite3
import sys
from contextlib import closing
from datetime import UTC, datetime
from typing import Final

from benchmarks.command_line import BenchmarkError, run_command
from benchmarks.competitors import FINALE_WAL, OURS, ROOT, Competitor
from benchmarks.databases import SQLiteDatabase
from benchmarks.http_client import send_request
from benchmarks.parts import format_iso, format_sequelize, generate_parts
from benchmarks.runner import measure, parse_options
from benchmarks.scenarios import EMBEDDED
from benchmarks.servers import RunSettings, migrate, start_server
from benchmarks.stats import compute_rate, compute_ratio
from tests.conformance.node import FINALE, install_finale

GOAL: Final = 4.0
_USERS: Final = 1_000
_BOOKS: Final = 5
_PAGE: Final = 100
_PARTS: Final = 8
_CREATED: Final = datetime(2018, 8, 16, 2, 22, 9, 446_000, tzinfo=UTC)


def main() -> int:
    """Measure and print; return 1 if the goal is missed."""
    options = parse_options("associations", __doc__, EMBEDDED)
    competitors = [_create_finale(install_finale()), _create_ours()]
    samples = measure(competitors, options, _Preparation(), rows=_PARTS)
    theirs, ours = (compute_rate(samples[one.name], EMBEDDED) for one in competitors)
    ratio = compute_ratio(samples, EMBEDDED)
    if ratio is None:
        raise BenchmarkError("no valid rounds")
    print("|  | Finale, WAL | this service | times | to reach |")
    print("| --- | ---: | ---: | ---: | ---: |")
    print(
        f"| {EMBEDDED.title} | {theirs.format()} | {ours.format()} |"
        f" {ratio.value:.1f} ({ratio.least:.1f}-{ratio.most:.1f}) | {GOAL:g} |"
    )
    return 0 if ratio.value >= GOAL else 1


def _create_ours() -> Competitor:
    service = [sys.executable, "-m", "tests.conformance.service"]
    return Competitor(
        name=OURS,
        title="this service",
        cwd=ROOT,
        serve=service,
        migrate=[*service, "--sync"],
        format_timestamp=format_iso,
        settings=lambda url: {"DATABASE_URL": url},
        ready_path=None,
    )


def _create_finale(node: str) -> Competitor:
    return Competitor(
        name=FINALE_WAL,
        title="Finale, WAL",
        cwd=FINALE,
        serve=[node, "server.js"],
        migrate=[node, "server.js", "--sync"],
        format_timestamp=format_sequelize,
        settings=lambda url: {
            "SQLITE_STORAGE": url.removeprefix("sqlite:///"),
            "SQLITE_WAL": "1",
            "NODE_ENV": "production",
        },
        ready_path=None,
    )


class _Preparation:
    """Fills the databases, and checks that both servers respond the same."""

    def __init__(self) -> None:
        self._expected: object = None

    def __call__(
        self, competitor: Competitor, database: SQLiteDatabase, settings: RunSettings
    ) -> None:
        database.create()
        migrate(competitor, database, settings)
        database.insert_parts(generate_parts(_PARTS))
        _insert_related(database, competitor)
        database.save_snapshot()
        with start_server(competitor, database, settings) as server:
            body = send_request(server.port, "/users").json()
        if len(body) != _PAGE or len(body[0]["books"]) != _BOOKS:
            raise BenchmarkError(f"{competitor.title}: /users responds {body!r:.300}")
        if self._expected not in (None, body):
            raise BenchmarkError("the servers respond differently to /users")
        self._expected = body


def _insert_related(database: SQLiteDatabase, competitor: Competitor) -> None:
    created = competitor.format_timestamp(_CREATED)
    ids = range(1, _USERS + 1)
    users = [(n, f"user {n}", f"u{n}@example.com", n % 90, n % 2, created, created) for n in ids]
    books = [(f"Book {b} of {n}", 100 + b, n) for n in ids for b in range(_BOOKS)]
    with closing(sqlite3.connect(database.path)) as connection, connection:
        connection.executemany(
            'INSERT INTO users (id, username, email, age, active, "createdAt", "updatedAt")'
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            users,
        )
        connection.executemany(
            'INSERT INTO profiles (nickname, "userId") VALUES (?, ?)',
            [(f"nick {n}", n) for n in ids],
        )
        connection.executemany(
            'INSERT INTO books (title, pages, "authorId") VALUES (?, ?, ?)', books
        )


if __name__ == "__main__":
    run_command(main)
