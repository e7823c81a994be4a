"""Servers of the service of the proofs: processes that share one database, killed and restarted."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from tests.fixtures.system import START_SECONDS, environment_of
from tests.fixtures.tokens import LocalIssuer, Signer
from tests.fixtures.workers import free_port
from tests.proofs.http_connection import HOST, HTTPConnection
from tests.proofs.service import SCOPE, SERVICE

_OUTPUT: Final = "output.txt"


class TokenIssuer:
    """An issuer in this process that signs tokens for any client."""

    def __init__(self) -> None:
        self._server = LocalIssuer()
        self._signer = Signer("proofs")
        self._server.discovery()
        self._server.keys(self._signer.jwk)

    @property
    def url(self) -> str:
        """The issuer's identifier."""
        return self._server.issuer

    def token(self, client: str, **claims: Any) -> str:
        """Return a token of this client."""
        now = int(time.time())
        defaults: dict[str, Any] = {
            "iss": self.url,
            "cid": client,
            "sub": client,
            "scp": [SCOPE],
            "jti": f"AT.{client}",
            "iat": now - 10,
            "exp": now + 12 * 3600,
        }
        return self._signer.token(**(defaults | claims)).decode()

    def close(self) -> None:
        """Stop serving."""
        self._server.close()


@dataclass
class Server:
    """One server: a supervisor and its worker, in a process group of their own.

    Attributes:
        directory: Where it runs, and writes its output.
        database_url: The database, which other servers may share.
        issuer: Who signs its tokens.
        port: Where it listens, also after a restart.
    """

    directory: Path
    database_url: str
    issuer: TokenIssuer
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it is ready."""
        self.launch()
        self.wait_until_ready()

    def launch(self) -> None:
        """Start it without waiting."""
        self.directory.mkdir(exist_ok=True)
        environment = environment_of(
            ISSUER=self.issuer.url,
            SERVER_PORT=str(self.port),
            DATABASE_URL=self.database_url,
            LOG_LEVEL="warning",
        )
        with (self.directory / _OUTPUT).open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "encore", "serve", SERVICE],
                cwd=self.directory,
                env=environment,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def wait_until_ready(self) -> None:
        """Wait until it is ready; fail with its output if it exits."""
        assert self.process is not None
        deadline = time.monotonic() + START_SECONDS
        while True:
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(f"http://{HOST}:{self.port}/readyz").status_code == 200:
                    return
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                pytest.fail(f"did not start:\n{self.output()}")
            time.sleep(0.02)

    def kill(self) -> None:
        """Kill all its processes, as ``kill -9`` does."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def stop(self) -> None:
        """Stop it as a supervisor does."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            assert self.process.wait(START_SECONDS) == 0, self.output()

    def output(self) -> str:
        """Return what it has written."""
        return (self.directory / _OUTPUT).read_text()

    def connect(self, client: str) -> HTTPConnection:
        """Return a connection of a client, not yet open."""
        return HTTPConnection(self.port, self.issuer.token(client))


@dataclass
class ServerPair:
    """Two servers, each with its own processes, over one database.

    Attributes:
        first: One server.
        second: The other.
        kind: ``sqlite`` or ``postgresql``.
    """

    first: Server
    second: Server
    kind: str

    @property
    def database_url(self) -> str:
        """The database of both."""
        return self.first.database_url

    @property
    def both(self) -> tuple[Server, Server]:
        """Both servers."""
        return self.first, self.second

    def assert_no_failure(self) -> None:
        """Check that neither has logged a failure."""
        for server in self.both:
            output = server.output()
            assert "Traceback" not in output, output[-3000:]
            assert '"internal' not in output, output[-3000:]
