"""Tables of several sizes, each with a service of its own, all on one core."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Connection, text

from benchmarks import issuer, postgres
from benchmarks.growth.questions import Caller
from benchmarks.growth.service import INDEXES, SEARCHED, WITHOUT_INDEX
from benchmarks.parts import generate
from benchmarks.processes import Cores
from benchmarks.servers import Setting, migrate, serving
from benchmarks.stacks import Stack, ours
from benchmarks.stores import SQLiteStore, Store
from db.models.part import Part
from encore.database.engine import with_connection
from encore.database.search_index import create_search_index


@dataclass(frozen=True, slots=True)
class Table:
    """A table that is being served."""

    size: int
    caller: Caller
    memory: float
    """PSS of its service at rest, MiB."""


@contextmanager
def tables(
    folder: Path,
    cores: Cores,
    sizes: list[int],
    *,
    on_postgres: bool,
    without_index: bool = False,
) -> Iterator[list[Table]]:
    """Make and serve a table of each size, and perhaps one of each without the search index."""
    with ExitStack() as stack:
        authority = stack.enter_context(issuer.serve())
        setting = Setting(authority.url, authority.token(), cores.server, folder)
        sockets = None
        if on_postgres:
            sockets = stack.enter_context(postgres.serve(folder / "postgres", cores.load))
        served = []
        kinds: list[tuple[int, list[str]]] = [(size, []) for size in sizes]
        if without_index:
            kinds += [(size, [WITHOUT_INDEX]) for size in sizes]
        for size, options in kinds:
            one = replace(
                ours(),
                name=f"rows-{size}{''.join(options)}",
                serve=[sys.executable, "-m", "benchmarks.growth.service", *options],
            )
            store: Store = (
                SQLiteStore(folder / one.name, one.name)
                if sockets is None
                else postgres.PostgresStore(sockets, one.name)
            )
            _fill(one, store, setting, size, on_postgres=on_postgres)
            server = stack.enter_context(serving(one, store, setting))
            caller = Caller(server.port, setting.token)
            stack.callback(caller.close)
            served.append(Table(size, caller, server.memory()["pss"]))
        yield served


def _fill(stack: Stack, store: Store, setting: Setting, size: int, *, on_postgres: bool) -> None:
    store.create()
    migrate(stack, store, setting)
    store.fill(generate(size), (lambda moment: moment) if on_postgres else stack.stamp)

    def index(connection: Connection) -> None:
        for one in INDEXES:
            one.create(connection)
        if WITHOUT_INDEX not in stack.serve:
            operations = Operations(MigrationContext.configure(connection))
            create_search_index(operations, Part.__tablename__, SEARCHED)
        connection.execute(text("ANALYZE"))
        connection.commit()

    with_connection(store.url, index)
    store.seal()
