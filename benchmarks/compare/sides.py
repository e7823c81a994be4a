"""The two servers, each over a SQLite file of its own."""

import http.client
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.compare.cases.case import Request
from benchmarks.compare.rows import Rows, Stamp, fill_items, fixed, restore
from benchmarks.compare.schema import create_schema
from benchmarks.compare.service import COMPATIBLE
from benchmarks.errors import BenchmarkError
from benchmarks.exchange import Answer
from benchmarks.parts import iso_text, sequelize_text
from benchmarks.processes import free_port, minimal_environment, running
from benchmarks.stacks import FINALE, ROOT

_SECONDS: Final = 20.0


@dataclass(frozen=True, slots=True)
class Side:
    """One server that answers."""

    name: str
    port: int
    path: Path
    tables: dict[str, Rows]
    in_our_words: bool

    def restore(self) -> None:
        """Set the rows back to the fixed ones, and the trace to nothing."""
        restore(self.path, self.tables)
        self.ask(Request("GET", "/trace"))

    def ask(self, request: Request) -> Answer:
        """Send a request on a connection of its own; Finale cuts it after some errors."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_SECONDS)
        try:
            path = request.ours if request.ours and self.in_our_words else request.path
            connection.request(request.method, path, request.body, dict(request.headers))
            answer = connection.getresponse()
            headers = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, headers, answer.read())
        finally:
            connection.close()


@dataclass(frozen=True, slots=True)
class _Program:
    """What a side runs."""

    name: str
    argv: list[str]
    cwd: Path
    environment: dict[str, str]
    stamp: Stamp
    in_our_words: bool = False


@contextmanager
def finale(node: str, folder: Path, core: int) -> Iterator[Side]:
    """Run Finale.

    Raises:
        BenchmarkError: It does not start.
    """
    path = folder / "finale.sqlite"
    environment = {"SQLITE_STORAGE": str(path), "NODE_ENV": "production"}
    argv = [node, "compare.js"]
    create_finale_schema(argv, environment)
    program = _Program("finale", argv, FINALE, environment, sequelize_text)
    with _serving(program, path, core) as side:
        yield side


@contextmanager
def ours(folder: Path, core: int, compatible: str = "") -> Iterator[Side]:
    """Run our side; where it is made compatible it is asked in Finale's words.

    Raises:
        BenchmarkError: It does not start.
    """
    path = folder / "ours.sqlite"
    url = f"sqlite:///{path}"
    create_schema(url)
    argv = [sys.executable, "-m", "benchmarks.compare.service"]
    environment = {"DATABASE_URL": url, COMPATIBLE: compatible}
    program = _Program("ours", argv, ROOT, environment, iso_text, in_our_words=not compatible)
    with _serving(program, path, core) as side:
        yield side


def create_finale_schema(argv: list[str], environment: dict[str, str]) -> None:
    """Have Sequelize make its tables.

    Raises:
        BenchmarkError: It cannot.
    """
    done = subprocess.run(
        [*argv, "--sync"],
        cwd=FINALE,
        env=minimal_environment(environment),
        capture_output=True,
        text=True,
        check=False,
        timeout=_SECONDS,
    )
    if done.returncode != 0:
        raise BenchmarkError(f"finale: its schema could not be made:\n{done.stderr[-600:]}")


@contextmanager
def _serving(program: _Program, path: Path, core: int) -> Iterator[Side]:
    tables = fixed(program.stamp)
    fill_items(path)
    restore(path, tables)
    port = free_port()
    log = path.with_suffix(".log")
    with (
        log.open("wb") as output,
        running(
            program.argv,
            environment=program.environment | {"SERVER_PORT": str(port)},
            cwd=program.cwd,
            core=core,
            log=output,
        ) as child,
    ):
        side = Side(program.name, port, path, tables, program.in_our_words)
        _await(side, child, log)
        yield side


def _await(side: Side, child: subprocess.Popen[bytes], log: Path) -> None:
    begun = time.monotonic()
    while time.monotonic() - begun < _SECONDS and child.poll() is None:
        try:
            side.ask(Request("GET", "/trace"))
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise BenchmarkError(f"{side.name} does not start:\n{log.read_text()[-600:]}")
