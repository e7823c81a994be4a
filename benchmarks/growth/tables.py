"""Tables of several sizes, each behind a separate service, all on one core."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Connection, text

from benchmarks.competitors import Competitor, create_ours
from benchmarks.databases import Database, SQLiteDatabase
from benchmarks.growth.requests import Client
from benchmarks.growth.service import INDEXES, SEARCHED, WITHOUT_INDEX
from benchmarks.issuer import start_issuer
from benchmarks.parts import generate_parts
from benchmarks.postgres import PostgresDatabase, start_postgres
from benchmarks.processes import Cores
from benchmarks.servers import RunSettings, migrate, start_server
from db.models.part import Part
from encore.database.engine import with_connection
from encore.database.search_index import create_search_index


@dataclass(frozen=True, slots=True)
class Table:
    """A table that is being served: its rows, and a client of its service."""

    size: int
    client: Client


@contextmanager
def serve_tables(
    folder: Path,
    cores: Cores,
    sizes: list[int],
    *,
    on_postgres: bool,
    without_index: bool = False,
) -> Iterator[list[Table]]:
    """Create and serve a table of each size, optionally also one without the search index."""
    with ExitStack() as stack:
        issuer = stack.enter_context(start_issuer())
        settings = RunSettings(issuer.url, issuer.sign_token(), cores.server, folder)
        sockets = None
        if on_postgres:
            sockets = stack.enter_context(start_postgres(folder / "postgres", cores.load))
        tables = []
        for options in ([], [WITHOUT_INDEX]) if without_index else ([],):
            for size in sizes:
                service = replace(
                    create_ours(),
                    name=f"rows-{size}{''.join(options)}",
                    serve=[sys.executable, "-m", "benchmarks.growth.service", *options],
                )
                database: Database = (
                    SQLiteDatabase(folder / service.name, service.name)
                    if sockets is None
                    else PostgresDatabase(sockets, service.name)
                )
                _create(service, database, settings, size)
                server = stack.enter_context(start_server(service, database, settings))
                client = Client(server.port, settings.token)
                stack.callback(client.close)
                tables.append(Table(size, client))
        yield tables


def _create(service: Competitor, database: Database, settings: RunSettings, size: int) -> None:
    """Create the table with its rows and indexes."""

    def create_indexes(connection: Connection) -> None:
        for index in INDEXES:
            index.create(connection)
        if WITHOUT_INDEX not in service.serve:
            operations = Operations(MigrationContext.configure(connection))
            create_search_index(operations, Part.__tablename__, SEARCHED)
        connection.execute(text("ANALYZE"))
        connection.commit()

    database.create()
    migrate(service, database, settings)
    database.insert_parts(generate_parts(size))
    with_connection(database.url, create_indexes)
    database.save_snapshot()
