"""`python -m benchmarks.auth_cost`: cost of bearer authentication in a request.

One granian worker on one core serves the application twice over the same database, with
authentication and without; wrk on another core requests one row from both in turns. This module
replaces the middleware itself: no setting removes it. The token is the same in every request, so
that all but the first verification are hits of the token cache.
"""

import argparse
import multiprocessing
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from starlette.middleware import Middleware
from starlette.types import ASGIApp, Receive, Scope, Send

from api.app import create_service
from api.settings import ApiSettings
from benchmarks.command_line import BenchmarkError, run_command
from benchmarks.competitors import ROOT
from benchmarks.http_client import send_request
from benchmarks.issuer import start_issuer
from benchmarks.load_generator import find_wrk
from benchmarks.processes import choose_cores, free_port
from encore.auth import BearerAuthMiddleware
from encore.http.application import Application

_CONNECTIONS: Final = 16
_START_SECONDS: Final = 20
_RATE: Final = re.compile(r"Requests/sec:\s+([0-9.]+)")
_REQUESTS: Final = re.compile(r"([0-9]+) requests in")
_ON, _OFF = "/parts/1", "/off/parts/1"

Result = tuple[float, float]
"""Requests per second, and CPU time of the worker in microseconds a request."""


class BothApplications:
    """The application with authentication, and the same without below ``/off``."""

    def __init__(self, settings: ApiSettings) -> None:
        self._on = create_service(settings)
        self._off = remove_authentication(create_service(settings))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Choose by path, at the same small cost for both."""
        if scope["type"] == "lifespan":
            await self._run_lifespan(receive, send)
            return
        path: str = scope["path"]
        app = self._off if path.startswith("/off") else self._on
        scope["path"] = path.removeprefix("/off")
        await app(scope, receive, send)

    async def _run_lifespan(self, receive: Receive, send: Send) -> None:
        async with _start(self._on), _start(self._off):
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})


@asynccontextmanager
async def _start(app: Application) -> AsyncIterator[None]:
    async with app.router.lifespan_context(app):
        yield


class NoAuthentication:
    """Accepts every request; declares to authenticate, or the application would not start."""

    authenticates = True

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle the request."""
        await self._app(scope, receive, send)


def remove_authentication(app: Application) -> Application:
    """Replace the authentication middleware of an application that has not started."""
    middleware: list[Any] = app.user_middleware
    for position, layer in enumerate(middleware):
        if layer.cls is BearerAuthMiddleware:
            middleware[position] = Middleware(NoAuthentication)
            return app
    raise BenchmarkError("the application has no authentication middleware")


def serve(settings: ApiSettings, core: int) -> None:
    """Serve both applications on one core, as ``encore.server.server`` does."""
    from granian.constants import Interfaces  # noqa: PLC0415 - only in the child
    from granian.server import Server  # noqa: PLC0415 - only in the child

    os.sched_setaffinity(0, {core})
    app = BothApplications(settings)
    Server(
        "benchmarks.auth_cost:BothApplications",
        address="127.0.0.1",
        port=settings.server_port,
        interface=Interfaces.ASGI,
        workers=1,
        websockets=False,
    ).serve(target_loader=lambda: app, wrap_loader=False)


def find_worker(supervisor: int) -> int:
    """Return the id of the process that handles the requests."""
    children = Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text("ascii")
    return int(children.split()[0])


def read_cpu_seconds(pid: int) -> float:
    """Return the CPU time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def run_wrk(url: str, token: str, seconds: int, *, core: int, worker: int) -> Result:
    """Load one path.

    Raises:
        BenchmarkError: A response was not 2xx.
    """
    before = read_cpu_seconds(worker)
    done = subprocess.run(
        ["taskset", "-c", str(core), find_wrk(), "-t1", f"-c{_CONNECTIONS}", f"-d{seconds}s",
         "-H", f"Authorization: Bearer {token}", url],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    rate, requests = _RATE.search(done.stdout), _REQUESTS.search(done.stdout)
    failed = "Non-2xx" in done.stdout or "Socket errors" in done.stdout
    if rate is None or requests is None or failed:
        raise BenchmarkError(done.stdout)
    used = read_cpu_seconds(worker) - before
    return float(rate[1]), used / int(requests[1]) * 1e6


def migrate(folder: Path, issuer: str, log_level: str) -> ApiSettings:
    """Create a database; return settings for it."""
    url = f"sqlite:///{folder / 'cost.sqlite'}"
    subprocess.run(
        [sys.executable, "-m", "alembic", "-c", str(ROOT / "pyproject.toml"), "upgrade", "head"],
        env=os.environ | {"DATABASE_URL": url}, check=True, capture_output=True, cwd=ROOT,
    )  # fmt: skip
    return ApiSettings.parse(
        {
            "ISSUER": issuer,
            "SERVER_PORT": str(free_port()),
            "DATABASE_URL": url,
            "LOG_LEVEL": log_level,
        }
    )


def create_part(port: int, token: str) -> None:
    """Wait until the service is ready, and create the row to request.

    Raises:
        BenchmarkError: It does not start.
    """
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        try:
            send_request(port, "/parts", method="POST", token=token, body={"name": "one"})
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise BenchmarkError("the service does not start")


def print_report(on: list[Result], off: list[Result]) -> None:
    """Print the rounds and their medians."""
    for (rate_on, _), (rate_off, _) in zip(on, off, strict=True):
        print(f"on {rate_on:9.0f}/s   off {rate_off:9.0f}/s   {1 - rate_on / rate_off:6.1%}")
    rate_on, rate_off = (statistics.median(rate for rate, _ in side) for side in (on, off))
    time_on, time_off = (statistics.median(used for _, used in side) for side in (on, off))
    # Other load on the machine makes rounds slower, never faster.
    best_on, best_off = (max(rate for rate, _ in side) for side in (on, off))
    print(
        f"best rounds:          on {best_on:8.0f}   off {best_off:8.0f}"
        f"   authentication costs {1 - best_on / best_off:.1%} of throughput\n"
        f"requests a second:    on {rate_on:8.0f}   off {rate_off:8.0f}"
        f"   authentication costs {1 - rate_on / rate_off:.1%} of throughput\n"
        f"CPU time, us:         on {time_on:8.1f}   off {time_off:8.1f}"
        f"   authentication costs {time_on - time_off:.1f} us a request,"
        f" {1 - time_off / time_on:.1%}"
    )


def main() -> int:
    """Measure in turns and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.auth_cost", description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--log-level", default="warning", help="info logs a line a request")
    options = parser.parse_args()
    cores = choose_cores()
    with start_issuer() as issuer, tempfile.TemporaryDirectory() as folder:
        token = issuer.sign_token()
        settings = migrate(Path(folder), issuer.url, options.log_level)
        port = settings.server_port
        fork = multiprocessing.get_context("fork")
        child = fork.Process(target=serve, args=(settings, cores.server))
        child.start()
        try:
            create_part(port, token)
            worker = find_worker(child.pid or 0)
            rounds: dict[str, list[Result]] = {_ON: [], _OFF: []}
            for number in range(options.rounds + 1):
                # In turns, each as often first as second.
                for path in (_ON, _OFF) if number % 2 else (_OFF, _ON):
                    url = f"http://127.0.0.1:{port}{path}"
                    result = run_wrk(url, token, options.seconds, core=cores.load, worker=worker)
                    if number:  # The first round warms up.
                        rounds[path].append(result)
            print_report(rounds[_ON], rounds[_OFF])
        finally:
            child.terminate()
            child.join()
    return 0


if __name__ == "__main__":
    run_command(main)
