"""What the gate costs a request: ``python -m benchmarks.auth_cost``.

One granian worker on one core serves the app twice, with its gate and without, over the same
database; wrk on another core asks both for one row, in turns. Without the gate is composed here,
by taking the layer out: there is no setting for it. The token is the same in every request, so
that all but the first are hits of the cache of verified tokens.
"""

import argparse
import json
import multiprocessing
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from starlette.types import Receive, Scope, Send

from api.app import create_app
from benchmarks.auth_verification import okta_token
from encore.auth import BearerAuthMiddleware
from encore.http.application import Application
from encore.issuer.signing import SigningKey
from encore.settings import Settings

CONNECTIONS = 16
ROOT = Path(__file__).resolve().parent.parent
_RATE = re.compile(r"Requests/sec:\s+([0-9.]+)")
_ANSWERED = re.compile(r"([0-9]+) requests in")
_ON, _OFF = "/parts/1", "/off/parts/1"


class Both:
    """The app with its gate, and below ``/off`` the same app without."""

    def __init__(self, settings: Settings) -> None:
        self._on = create_app(settings)
        self._off = without_gate(create_app(settings))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Choose by path, at the same small cost for both."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        path: str = scope["path"]
        app = self._off if path.startswith("/off") else self._on
        scope["path"] = path.removeprefix("/off")
        await app(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        async with _alive(self._on), _alive(self._off):
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})


@asynccontextmanager
async def _alive(app: Application) -> AsyncIterator[None]:
    async with app.router.lifespan_context(app):
        yield


def without_gate(app: Application) -> Application:
    """Take the gate out of an app that has not answered yet."""
    layers: list[Any] = app.user_middleware
    app.user_middleware = [layer for layer in layers if layer.cls is not BearerAuthMiddleware]
    if len(app.user_middleware) != len(layers) - 1:
        raise RuntimeError("there is no gate to take out")
    return app


def serve(settings: Settings, core: int) -> None:
    """Serve both on one core, as ``encore.server.server`` does."""
    from granian.constants import Interfaces  # noqa: PLC0415 - in the child alone
    from granian.server import Server  # noqa: PLC0415

    os.sched_setaffinity(0, {core})
    app = Both(settings)
    Server(
        "benchmarks.auth_cost:Both",
        address="127.0.0.1",
        port=settings.server_port,
        interface=Interfaces.ASGI,
        workers=1,
        websockets=False,
    ).serve(target_loader=lambda: app, wrap_loader=False)


def issuer_of(key: SigningKey) -> str:
    """Serve the key in Okta's shape, in a thread; give the issuer."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            document: Any = key.jwks()
            if self.path.endswith("configuration"):
                document = {"issuer": issuer, "jwks_uri": f"{issuer}/v1/keys"}
            body = json.dumps(document).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    issuer = f"http://127.0.0.1:{server.server_port}/oauth2/default"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return issuer


def worker_of(supervisor: int) -> int:
    """Give the process that answers."""
    children = Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text("ascii")
    return int(children.split()[0])


def processor_seconds(process: int) -> float:
    """Give the process time that a process has used, in seconds."""
    fields = Path(f"/proc/{process}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def run(url: str, token: str, seconds: int, core: int, worker: int) -> tuple[float, float]:
    """Give answered requests per second, and microseconds of the worker's process time for each.

    Every answer must be 200.
    """
    before = processor_seconds(worker)
    done = subprocess.run(
        ["taskset", "-c", str(core), "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s",
         "-H", f"Authorization: Bearer {token}", url],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    found = _RATE.search(done.stdout)
    if found is None or "Non-2xx" in done.stdout or "Socket errors" in done.stdout:
        raise RuntimeError(done.stdout)
    answered = int(_ANSWERED.search(done.stdout)[1])  # type: ignore[index]
    return float(found[1]), (processor_seconds(worker) - before) / answered * 1e6


def prepare(directory: Path, issuer: str, log_level: str) -> Settings:
    """Make a database and the settings that serve it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"sqlite:///{directory / 'cost.sqlite'}"
    subprocess.run(
        [sys.executable, "-m", "alembic", "-c", str(ROOT / "pyproject.toml"), "upgrade", "head"],
        env=os.environ | {"DATABASE_URL": url}, check=True, capture_output=True, cwd=ROOT,
    )  # fmt: skip
    return Settings.of(
        {
            "ISSUER": issuer,
            "SERVER_PORT": str(port),
            "DATABASE_URL": url,
            "LOG_LEVEL": log_level,
        }
    )


def wait_for(base: str, token: str) -> None:
    """Wait until it answers, and write the one row."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    for _ in range(200):
        try:
            with urllib.request.urlopen(
                urllib.request.Request(f"{base}/parts", b'{"name": "one"}', headers)
            ):
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("the service does not start")


def report(on: list[tuple[float, float]], off: list[tuple[float, float]]) -> None:
    """Print the rounds and their medians."""
    for (fast, _), (faster, _) in zip(on, off, strict=True):
        print(f"on {fast:9.0f}/s   off {faster:9.0f}/s   {1 - fast / faster:6.1%}")
    rate_on, rate_off = (statistics.median(rate for rate, _ in side) for side in (on, off))
    time_on, time_off = (statistics.median(used for _, used in side) for side in (on, off))
    # Others on the machine make every round slower and none faster.
    best_on, best_off = (max(rate for rate, _ in side) for side in (on, off))
    print(
        f"best rounds:          on {best_on:8.0f}   off {best_off:8.0f}"
        f"   the gate costs {1 - best_on / best_off:.1%} of throughput\n"
        f"requests a second:    on {rate_on:8.0f}   off {rate_off:8.0f}"
        f"   the gate costs {1 - rate_on / rate_off:.1%} of throughput\n"
        f"process time, us:     on {time_on:8.1f}   off {time_off:8.1f}"
        f"   the gate costs {time_on - time_off:.1f} us a request, {1 - time_off / time_on:.1%}"
    )


def main() -> None:
    """Measure in turns and print."""
    parser = argparse.ArgumentParser(description="Throughput of GET one, gate on against gate off")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--log-level", default="warning", help="info writes a line a request")
    options = parser.parse_args()
    if shutil.which("wrk") is None:
        sys.exit("auth_cost needs wrk")
    cores = sorted(os.sched_getaffinity(0))
    key = SigningKey()
    issuer = issuer_of(key)
    token = okta_token(key, 1, issuer).decode()
    with tempfile.TemporaryDirectory() as directory:
        settings = prepare(Path(directory), issuer, options.log_level)
        child = multiprocessing.get_context("fork").Process(target=serve, args=(settings, cores[0]))
        child.start()
        try:
            base = f"http://127.0.0.1:{settings.server_port}"
            wait_for(base, token)
            worker = worker_of(child.pid or 0)
            rounds: dict[str, list[tuple[float, float]]] = {_ON: [], _OFF: []}
            for number in range(options.rounds + 1):
                # In turns, each as often first as second.
                for path in (_ON, _OFF) if number % 2 else (_OFF, _ON):
                    found = run(base + path, token, options.seconds, cores[-1], worker)
                    if number:  # The first round warms up.
                        rounds[path].append(found)
            report(rounds[_ON], rounds[_OFF])
        finally:
            child.terminate()
            child.join()


if __name__ == "__main__":
    main()
