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

from sqlalchemy import Connection

from benchmarks.compare.cases.case import Request
from benchmarks.compare.models import Base
from benchmarks.compare.rows import Rows, Stamp, fill_items, fixed, restore
from benchmarks.errors import BenchmarkError
from benchmarks.exchange import Answer
from benchmarks.parts import iso_text, sequelize_text
from benchmarks.processes import free_port, minimal_environment, running
from benchmarks.stacks import FINALE, ROOT
from db.engine import with_connection

_SECONDS: Final = 20.0


@dataclass(frozen=True, slots=True)
class Side:
    """One server that answers."""

    name: str
    port: int
    path: Path
    tables: dict[str, Rows]

    def restore(self) -> None:
        """Set the rows back to the fixed ones, and the trace to nothing."""
        restore(self.path, self.tables)
        self.ask(Request("GET", "/trace"))

    def ask(self, request: Request) -> Answer:
        """Send a request on a connection of its own; Finale cuts it after some errors."""
        ours = self.name == "ours" and request.ours is not None
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_SECONDS)
        try:
            path = request.ours if ours and request.ours else request.path
            connection.request(request.method, path, request.body, dict(request.headers))
            answer = connection.getresponse()
            headers = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, headers, answer.read())
        finally:
            connection.close()


@contextmanager
def finale(node: str, folder: Path, core: int) -> Iterator[Side]:
    """Run Finale.

    Raises:
        BenchmarkError: It does not start.
    """
    path = folder / "finale.sqlite"
    environment = {"SQLITE_STORAGE": str(path), "NODE_ENV": "production"}
    subprocess.run(
        [node, "compare.js", "--sync"],
        cwd=FINALE,
        env=minimal_environment(environment),
        check=True,
        timeout=_SECONDS,
    )
    argv = [node, "compare.js"]
    with _serving("finale", argv, FINALE, environment, path, sequelize_text, core) as side:
        yield side


@contextmanager
def ours(folder: Path, core: int) -> Iterator[Side]:
    """Run our side.

    Raises:
        BenchmarkError: It does not start.
    """
    path = folder / "ours.sqlite"
    create_schema(path)
    argv = [sys.executable, "-m", "benchmarks.compare.service"]
    environment = {"DATABASE_URL": f"sqlite:///{path}"}
    with _serving("ours", argv, ROOT, environment, path, iso_text, core) as side:
        yield side


def create_schema(path: Path) -> None:
    """Make our tables in a file."""

    def create(connection: Connection) -> None:
        Base.metadata.create_all(connection)
        connection.commit()

    with_connection(f"sqlite:///{path}", create)


@contextmanager
def _serving(
    name: str,
    argv: list[str],
    cwd: Path,
    environment: dict[str, str],
    path: Path,
    stamp: Stamp,
    core: int,
) -> Iterator[Side]:
    tables = fixed(stamp)
    fill_items(path)
    restore(path, tables)
    port = free_port()
    log = path.with_suffix(".log")
    with (
        log.open("wb") as output,
        running(
            argv,
            environment=environment | {"SERVER_PORT": str(port)},
            cwd=cwd,
            core=core,
            log=output,
        ) as child,
    ):
        side = Side(name, port, path, tables)
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
