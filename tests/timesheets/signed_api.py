"""The service with an issuer of the test: callers of any client id, on each database."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from alembic import command

from db.models.timesheet import Timesheet
from encore.database.engine import with_connection
from tests.fixtures.databases import alembic_config
from tests.fixtures.in_process import postgres_with
from tests.fixtures.system import OUTPUT, START_SECONDS, environment_of
from tests.fixtures.tokens import LocalIssuer, Signer
from tests.fixtures.workers import free_port
from tests.timesheets.conftest import SCOPES, delete_entries

ALL = [*SCOPES.split(), "batch:upload"]


class SignedApi:
    """A running service, and HTTP clients with tokens that the test signs."""

    def __init__(self, url: str, database_url: str, issuer: LocalIssuer, signer: Signer) -> None:
        self.url = url
        self.database_url = database_url
        self._issuer, self._signer = issuer, signer
        self._opened: list[httpx.Client] = []

    def machine(self, client: str, *scopes: str) -> httpx.Client:
        """Return an HTTP client of a client that calls for itself, by default with all scopes."""
        return self._client({"cid": client, "sub": client, "scp": list(scopes or ALL)})

    def person(self, name: str, client: str = "browser") -> httpx.Client:
        """Return an HTTP client of a person, with all scopes."""
        return self._client({"cid": client, "sub": name, "scp": ALL})

    def rows(self) -> list[Any]:
        """Return the stored entries by id, read without the service."""
        found: list[Any] = []
        select = sa.select(Timesheet.__table__).order_by(Timesheet.id)
        with_connection(self.database_url, lambda c: found.extend(c.execute(select).mappings()))
        return found

    def delete_entries(self) -> None:
        """Delete every timesheet and every lock; the history stays."""
        with_connection(self.database_url, delete_entries)

    def _client(self, claims: dict[str, Any]) -> httpx.Client:
        now = int(time.time())
        token = self._signer.token(iss=self._issuer.issuer, iat=now, exp=now + 3600, **claims)
        headers = {"Authorization": f"Bearer {token.decode()}"}
        client = httpx.Client(base_url=self.url, headers=headers, timeout=30)
        self._opened.append(client)
        return client

    def close(self) -> None:
        """Close all HTTP clients."""
        for client in self._opened:
            client.close()


@contextmanager
def serve_signed(
    directory: Path, database_url: str, issuer: LocalIssuer, **settings: str
) -> Iterator[SignedApi]:
    """Migrate a database and start the service on it."""
    signer = Signer("key-1")
    issuer.discovery()
    issuer.keys(signer.jwk)
    port = free_port()
    command.upgrade(alembic_config(database_url), "head")
    environment = environment_of(
        ISSUER=issuer.issuer, SERVER_PORT=str(port), DATABASE_URL=database_url, **settings
    )
    with (directory / OUTPUT).open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "api"],
            cwd=directory,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    api = SignedApi(f"http://127.0.0.1:{port}", database_url, issuer, signer)
    try:
        _wait_until_ready(api.url, process, directory)
        yield api
    finally:
        api.close()
        process.terminate()
        process.wait(10)


def _wait_until_ready(url: str, process: subprocess.Popen[bytes], directory: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            if httpx.get(f"{url}/readyz").status_code == 200:
                return
        except httpx.TransportError:
            pass
        if process.poll() is not None or time.monotonic() > deadline:
            pytest.fail((directory / OUTPUT).read_text())
        time.sleep(0.05)


@contextmanager
def empty_database(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Path, str]]:
    """Return a directory and the URL of an empty database; ``request.param`` names its kind."""
    directory = tmp_path_factory.mktemp(f"signed-{request.param}")
    with ExitStack() as stack:
        url = f"sqlite:///{directory / 'api.sqlite'}"
        if request.param == "postgresql":
            server = request.getfixturevalue("postgres_url")
            url = stack.enter_context(postgres_with(sa.MetaData(), server))
        yield directory, url
