"""Shared by the tests of PostgreSQL's faults: a table, reads and writes, an external connection."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Final, Self

import asyncpg
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from encore.database.callers import NOBODY, Author, current_caller
from encore.database.postgresql import PostgresDatabase
from encore.database.postgresql.database import POOL_SIZE
from encore.database.statement import Statement


class Base(DeclarativeBase):
    pass


class Item(Base):
    __tablename__ = "items"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str]


ITEMS: Final = sa.Table("items", Base.metadata)
Work = Callable[[PostgresDatabase, int], Coroutine[Any, Any, None]]
"""A read, or a write of the row with this id."""


def insert(database: PostgresDatabase, key: int) -> Statement:
    row = {"id": key, "name": "x"}
    return Statement(sa.insert(ITEMS).values(row).returning(ITEMS.c.id), database.dialect)


def select_all(database: PostgresDatabase) -> Statement:
    return Statement(sa.select(ITEMS.c.id, ITEMS.c.name), database.dialect)


async def read(database: PostgresDatabase, key: int) -> None:
    del key
    async with database.reading() as connection:
        await connection.fetch_all(select_all(database), ())
        await connection.fetch_all(select_all(database), ())


async def read_by_orm(database: PostgresDatabase, key: int) -> None:
    async with database.reading() as connection:
        await connection.orm(lambda session: session.get(Item, key))


async def write(database: PostgresDatabase, key: int) -> None:
    async with database.writing() as connection:
        await connection.fetch_all(insert(database, key), ())
        await connection.fetch_all(select_all(database), ())


async def write_single(database: PostgresDatabase, key: int) -> None:
    async with database.writing(single=True) as connection:
        await connection.fetch_all(insert(database, key), ())


async def write_by_orm(database: PostgresDatabase, key: int) -> None:
    def work(session: Session) -> None:
        session.add(Item(id=key, name="x"))

    async with database.writing() as connection:
        await connection.orm(work)


async def write_in_bulk(database: PostgresDatabase, key: int) -> None:
    stage = sa.Table("stage", sa.MetaData(), sa.Column("id", sa.Integer), prefixes=["TEMPORARY"])
    merge = sa.insert(ITEMS).from_select(["id", "name"], sa.select(stage.c.id, sa.literal("x")))
    async with database.bulk() as bulk, bulk.temporary(stage):
        await bulk.load(stage, iter([[(key,)]]))
        async with bulk.transaction(ITEMS), bulk.savepoint():
            await bulk.execute(Statement(merge, database.dialect), ())


READS: Final[tuple[Work, ...]] = (read, read_by_orm)
WRITES: Final[tuple[Work, ...]] = (write, write_single, write_by_orm, write_in_bulk)


@dataclass(frozen=True)
class FakeCaller:
    """The caller of a request, as ``current_caller`` holds it: one of several clients."""

    client: int
    author: Author = NOBODY
    disconnected: asyncio.Event = field(default_factory=asyncio.Event)

    async def left(self) -> None:
        await self.disconnected.wait()


class ExternalConnection:
    """A separate connection that sees committed rows and the service's backends."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def __aenter__(self) -> Self:
        self._connection = await asyncpg.connect(self._url)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._connection.close()

    async def run(self, sql: str, *values: Any) -> list[Any]:
        rows: list[Any] = await self._connection.fetch(sql, *values)
        return rows

    async def keys(self) -> set[int]:
        return {row[0] for row in await self.run("SELECT id FROM items")}

    async def backends(self) -> list[tuple[int, str]]:
        """Return pid and state of the service's connections to this database."""
        rows = await self.run(
            "SELECT pid, state FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name = 'encore'"
        )
        return [(row[0], row[1]) for row in rows]

    async def terminate_backends(self) -> None:
        """Terminate all backends of the service, as a restart of the server does."""
        for pid, _ in await self.backends():
            await self.run("SELECT pg_terminate_backend($1)", pid)

    @contextlib.asynccontextmanager
    async def lock_table(self) -> AsyncIterator[None]:
        """Lock the table, so that statements that use it wait."""
        blocker = await asyncpg.connect(self._url)
        try:
            await blocker.execute("BEGIN; LOCK TABLE items")
            yield
        finally:
            await blocker.close()

    async def wait_until_active(self) -> None:
        """Wait until a statement of the service is running."""
        for _ in range(500):
            if any(state == "active" for _, state in await self.backends()):
                return
            await asyncio.sleep(0.01)
        raise AssertionError("no statement is running")

    async def wait_until_number_active(self, number: int) -> None:
        """Wait until so many statements of the service are running: a cancelled one is briefly."""
        for _ in range(500):
            states = [state for _, state in await self.backends()]
            if states.count("active") == number:
                return
            await asyncio.sleep(0.01)
        raise AssertionError(states)

    async def wait_until_idle(self) -> list[str]:
        """Wait until all backends of the service are idle; return their states."""
        for _ in range(300):
            states = [state for _, state in await self.backends()]
            if all(state == "idle" for state in states):
                break
            await asyncio.sleep(0.02)
        return states


async def assert_pool_intact(database: PostgresDatabase, external: ExternalConnection) -> None:
    """Check that all connections can be used at once, and that no transaction is open."""
    states = await external.wait_until_idle()
    assert set(states) <= {"idle"}, states
    assert len(states) <= POOL_SIZE + 1, states
    async with contextlib.AsyncExitStack() as stack, asyncio.timeout(10):
        for number in range(POOL_SIZE):
            current_caller.set(FakeCaller(number))  # One client may not hold all of them.
            connection = await stack.enter_async_context(database.reading())
            await connection.fetch_all(select_all(database), ())
