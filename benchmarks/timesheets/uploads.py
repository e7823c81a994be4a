"""Ways to bring entries in: one POST a row, one upload in each format, Sequelize's bulkCreate."""

import http.client
import json
import subprocess
import time
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks.errors import BenchmarkError
from benchmarks.load import Generator
from benchmarks.plan import Scenario
from benchmarks.processes import minimal_environment, pinned
from benchmarks.stacks import FINALE
from benchmarks.timesheets.entries import WRITERS, entries
from benchmarks.timesheets.system import System
from tests.conformance.node import MODULES

MEDIA_TYPES = {
    "csv": "text/csv",
    "ndjson": "application/x-ndjson",
    "json": "application/json",
}
ONE_POST_A_ROW = Scenario("timesheet", "one POST a row, 32 connections", appends=True)

_UPLOAD_SECONDS = 600.0
_OK = 200


def make_files(folder: Path, rows: int) -> dict[str, Path]:
    """Write the same rows in each format; return the files by format."""
    files = {}
    for name, write in WRITERS.items():
        files[name] = folder / f"entries-{rows}.{name}"
        if not files[name].exists():
            with files[name].open("w") as stream:
                write(islice(entries(), rows), stream)
    return files


@dataclass(frozen=True, slots=True)
class Upload:
    """One upload: how many rows were created, in how many seconds."""

    rows: int
    seconds: float

    @property
    def per_second(self) -> float:
        """Return rows per second."""
        return self.rows / self.seconds


def upload(system: System, path: Path, name: str) -> Upload:
    """Send a file in one request and read the whole report.

    Raises:
        BenchmarkError: Not every row was created.
    """
    begun = time.perf_counter()
    report = send(system, path, MEDIA_TYPES[name], "?report=rejected")
    seconds = time.perf_counter() - begun
    if report.get("rejected") != 0 or not report.get("created"):
        raise BenchmarkError(f"the upload was not taken whole: {str(report)[:300]}")
    return Upload(report["created"], seconds)


def send(system: System, path: Path, media_type: str, query: str) -> dict[str, Any]:
    """Stream a file to the upload route; return its report."""
    connection = http.client.HTTPConnection("127.0.0.1", system.port, timeout=_UPLOAD_SECONDS)
    try:
        with path.open("rb") as body:
            connection.request(
                "POST",
                f"/timesheets/upload{query}",
                body=body,
                headers={
                    "Authorization": f"Bearer {system.token}",
                    "Content-Type": media_type,
                    "Content-Length": str(path.stat().st_size),
                },
            )
            answer = connection.getresponse()
            report: dict[str, Any] = json.loads(answer.read())
    finally:
        connection.close()
    if answer.status != _OK:
        raise BenchmarkError(f"upload: {answer.status} {str(report)[:300]}")
    return report


def one_post_a_row(system: System, wrk: str, core: int, seconds: int, seed: int) -> float:
    """Return rows per second of POST /timesheets, 32 connections."""
    tokens = system.folder / "tokens"
    tokens.write_text(system.token + "\n")
    load = Generator(wrk, core, tokens, parts=8).run(
        ONE_POST_A_ROW, port=system.port, seconds=seconds, seed=seed
    )
    if load.fault:
        raise BenchmarkError(f"one POST a row: {load.fault}")
    return load.per_second


def bulk_create(node: str, source: Path, url: str, core: int) -> Upload:
    """Run Sequelize's bulkCreate over the same rows and indexes, in its own process."""
    where = (
        {"SQLITE_STORAGE": url.removeprefix("sqlite:///")}
        if url.startswith("sqlite")
        else {"DATABASE_URL": url}
    )
    with pinned(core):
        answer = subprocess.run(
            [node, "bulk.js"],
            cwd=FINALE,
            env=minimal_environment({**where, "NODE_PATH": str(MODULES), "SOURCE": str(source)}),
            capture_output=True,
            text=True,
            timeout=_UPLOAD_SECONDS,
            check=False,
        )
    if answer.returncode != 0:
        raise BenchmarkError(f"bulkCreate: {answer.stderr.strip()[-300:]}")
    return Upload(**json.loads(answer.stdout))
