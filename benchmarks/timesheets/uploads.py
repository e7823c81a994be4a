"""Methods of importing entries: one POST a row, one upload in each format, bulkCreate."""

import http.client
import json
import subprocess
import time
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final

from benchmarks.command_line import BenchmarkError
from benchmarks.competitors import FINALE
from benchmarks.http_client import OK
from benchmarks.load_generator import LoadGenerator
from benchmarks.processes import minimal_environment, pin_to_core
from benchmarks.scenarios import Scenario
from benchmarks.timesheets.entries import WRITERS, entries
from benchmarks.timesheets.system import System
from tests.conformance.node import MODULES

MEDIA_TYPES: Final = {
    "csv": "text/csv",
    "ndjson": "application/x-ndjson",
    "json": "application/json",
}
ONE_POST_A_ROW: Final = Scenario("timesheet", "one POST a row, 32 connections", appends=True)

_UPLOAD_SECONDS: Final = 600.0


def write_files(folder: Path, rows: int) -> dict[str, Path]:
    """Write the same rows in each format; return the paths by format."""
    files = {}
    for name, write in WRITERS.items():
        files[name] = folder / f"entries-{rows}.{name}"
        if not files[name].exists():
            with files[name].open("w") as stream:
                write(islice(entries(), rows), stream)
    return files


@dataclass(frozen=True, slots=True)
class UploadResult:
    """The count of created rows, and the duration."""

    rows: int
    seconds: float

    @property
    def per_second(self) -> float:
        """Rows per second."""
        return self.rows / self.seconds


def upload_file(system: System, path: Path, format_: str) -> UploadResult:
    """Upload a file in one request.

    Raises:
        BenchmarkError: A row was rejected.
    """
    started = time.perf_counter()
    report = _send_file(system, path, MEDIA_TYPES[format_], "?report=rejected")
    seconds = time.perf_counter() - started
    if report.get("rejected") != 0 or not report.get("created"):
        raise BenchmarkError(f"rows were rejected: {str(report)[:300]}")
    return UploadResult(report["created"], seconds)


def measure_upload_rate(system: System, path: Path, format_: str) -> float:
    """Return rows per second of one upload."""
    return upload_file(system, path, format_).per_second


def _send_file(system: System, path: Path, media_type: str, query: str) -> dict[str, Any]:
    """Send a file to the upload path; return the report."""
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
            response = connection.getresponse()
            report: dict[str, Any] = json.loads(response.read())
    finally:
        connection.close()
    if response.status != OK:
        raise BenchmarkError(f"upload: {response.status} {str(report)[:300]}")
    return report


def measure_post_rate(system: System, wrk: str, core: int, seconds: int, seed: int) -> float:
    """Return rows per second of POST /timesheets, 32 connections."""
    tokens = system.folder / "tokens"
    tokens.write_text(system.token + "\n")
    load = LoadGenerator(wrk, core, tokens, parts=8).run_load(
        ONE_POST_A_ROW, port=system.port, seconds=seconds, seed=seed
    )
    if load.fault:
        raise BenchmarkError(f"one POST a row: {load.fault}")
    return load.per_second


def run_bulk_create(node: str, source: Path, url: str, core: int) -> UploadResult:
    """Run Sequelize's bulkCreate with the same rows and indexes, in a separate process."""
    database = (
        {"SQLITE_STORAGE": url.removeprefix("sqlite:///")}
        if url.startswith("sqlite")
        else {"DATABASE_URL": url}
    )
    with pin_to_core(core):
        done = subprocess.run(
            [node, "bulk.js"],
            cwd=FINALE,
            env=minimal_environment({**database, "NODE_PATH": str(MODULES), "SOURCE": str(source)}),
            capture_output=True,
            text=True,
            timeout=_UPLOAD_SECONDS,
            check=False,
        )
    if done.returncode != 0:
        raise BenchmarkError(f"bulkCreate: {done.stderr.strip()[-300:]}")
    return UploadResult(**json.loads(done.stdout))
