"""Starts Finale and Encore, each over a SQLite database with the same rows."""

import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.conformance.case import Case, Request
from tests.conformance.comparison import Response
from tests.conformance.difference import Mode
from tests.conformance.node import FINALE
from tests.conformance.rows import (
    ISO_TIMESTAMP,
    SEQUELIZE_TIMESTAMP,
    Rows,
    build_tables,
    fill_items,
    restore_tables,
)
from tests.conformance.service import COMPATIBLE
from tests.fixtures.workers import free_port

ROOT: Final = Path(__file__).resolve().parent.parent.parent
_SECONDS: Final = 60.0
_OUTPUT_TAIL: Final = 600


@dataclass(frozen=True, slots=True)
class Server:
    """A running server.

    Attributes:
        name: For messages.
        port: On loopback.
        database: SQLite file.
        tables: Rows to restore before each case.
        mode: Encore's mode; None for Finale.
    """

    name: str
    port: int
    database: Path
    tables: dict[str, Rows]
    mode: Mode | None

    def run_case(self, case: Case) -> list[Response]:
        """Restore the rows, clear the trace of hooks, send the requests; return the responses."""
        restore_tables(self.database, self.tables)
        self.send(Request("GET", "/trace"))
        return [self.send(request) for request in case.requests]

    def send(self, request: Request) -> Response:
        """Send a request on a new connection: Finale closes it after some errors."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_SECONDS)
        strict_path = request.strict_path if self.mode is Mode.STRICT else None
        try:
            connection.request(
                request.method, strict_path or request.path, request.body, dict(request.headers)
            )
            response = connection.getresponse()
            headers = {name.lower(): value for name, value in response.getheaders()}
            return Response(response.status, headers, response.read())
        finally:
            connection.close()


@dataclass(frozen=True, slots=True)
class Servers:
    """Finale, and Encore in each mode."""

    finale: Server
    encore: Mapping[Mode, Server]
    _finale_responses: dict[str, list[Response]] = field(default_factory=dict)

    def ask_finale(self, case: Case) -> list[Response]:
        """Return Finale's responses to a case; it is sent once for all modes."""
        if case.name not in self._finale_responses:
            self._finale_responses[case.name] = self.finale.run_case(case)
        return self._finale_responses[case.name]


@contextmanager
def start_servers(node: str, folder: Path) -> Iterator[Servers]:
    """Run Finale, and Encore in each mode, until the block ends.

    Raises:
        RuntimeError: A server did not start.
    """
    with ExitStack() as stack:
        finale = stack.enter_context(_start_finale(node, folder / "finale.sqlite"))
        encore = {
            mode: stack.enter_context(_start_encore(mode, folder / f"{mode}.sqlite"))
            for mode in Mode
        }
        yield Servers(finale, encore)


@contextmanager
def _start_finale(node: str, database: Path) -> Iterator[Server]:
    server = Server("finale", free_port(), database, build_tables(SEQUELIZE_TIMESTAMP), None)
    environment = {"SQLITE_STORAGE": str(database), "NODE_ENV": "production"}
    with _start(server, [node, "server.js"], FINALE, environment):
        yield server


@contextmanager
def _start_encore(mode: Mode, database: Path) -> Iterator[Server]:
    server = Server(f"encore ({mode})", free_port(), database, build_tables(ISO_TIMESTAMP), mode)
    compatible = "finale" if mode is Mode.COMPATIBLE else ""
    environment = {"DATABASE_URL": f"sqlite:///{database}", COMPATIBLE: compatible}
    argv = [sys.executable, "-m", "tests.conformance.service"]
    with _start(server, argv, ROOT, environment):
        yield server


@contextmanager
def _start(
    server: Server, argv: list[str], cwd: Path, settings: dict[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    """Create the schema and the rows, start the server; end its process group with the block."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    environment = {**kept, **settings, "SERVER_PORT": str(server.port)}
    log = server.database.with_suffix(".log")
    with log.open("wb") as output:
        done = subprocess.run(
            [*argv, "--sync"],
            cwd=cwd,
            env=environment,
            stdout=output,
            stderr=output,
            check=False,
            timeout=_SECONDS,
        )
        if done.returncode != 0:
            raise RuntimeError(f"{server.name}: no schema:\n{log.read_text()[-_OUTPUT_TAIL:]}")
        fill_items(server.database)
        process = subprocess.Popen(
            argv, cwd=cwd, env=environment, stdout=output, stderr=output, start_new_session=True
        )
        try:
            _wait_until_ready(server, process, log)
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait_until_ready(server: Server, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            server.send(Request("GET", "/trace"))
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"{server.name} did not start:\n{log.read_text()[-_OUTPUT_TAIL:]}")
