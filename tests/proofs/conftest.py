"""The servers of the proofs, and how long each proof runs."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import MetaData

from tests.fixtures.in_process import postgres_with
from tests.fixtures.workers import DATABASES
from tests.proofs.servers import Server, ServerPair, TokenIssuer
from tests.proofs.service import create_tables


@pytest.fixture(scope="session")
def token_issuer() -> Iterator[TokenIssuer]:
    """Return an issuer in this process."""
    issuer = TokenIssuer()
    yield issuer
    issuer.close()


@contextmanager
def new_database(kind: str, directory: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """Create a database with the tables of the service for a block; yield its URL."""
    with ExitStack() as stack:
        url = f"sqlite:///{directory / 'proofs.sqlite'}"
        if kind == "postgresql":
            server = request.getfixturevalue("postgres_url")
            url = stack.enter_context(postgres_with(MetaData(), server))
        create_tables(url)
        yield url


@pytest.fixture(scope="session", params=DATABASES)
def servers(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    token_issuer: TokenIssuer,
) -> Iterator[ServerPair]:
    """Return two running servers over each database; tests that use them run on both."""
    directory = tmp_path_factory.mktemp(f"proofs-{request.param}")
    with new_database(request.param, directory, request) as url:
        first, second = (Server(directory / name, url, token_issuer) for name in ("a", "b"))
        pair = ServerPair(first, second, request.param)
        try:
            for server in pair.both:
                server.launch()
            for server in pair.both:
                server.wait_until_ready()
            yield pair
            for server in pair.both:
                server.stop()
        finally:
            for server in pair.both:
                server.kill()


@pytest.fixture(params=DATABASES)
def killable(
    request: pytest.FixtureRequest, tmp_path: Path, token_issuer: TokenIssuer
) -> Iterator[Server]:
    """Return a running server over each database that a test may kill."""
    with new_database(request.param, tmp_path, request) as url:
        server = Server(tmp_path / "server", url, token_issuer)
        server.start()
        try:
            yield server
        finally:
            server.kill()
