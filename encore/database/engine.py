"""SQLAlchemy engines, for migrations and tools that run outside of requests."""

import asyncio
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.pool import NullPool

from encore.database.urls import sqlite_path


def with_connection(url: str, work: Callable[[Connection], None]) -> None:
    """Connect to a database, call ``work`` with the SQLAlchemy connection, and disconnect.

    On SQLite the connection has the service's settings (WAL, foreign keys, durable commits), and
    transactions include DDL.
    """
    if sqlite_path(url) is None:
        asyncio.run(_with_async_connection(url, work))
        return
    engine = sqlite_engine(url)
    try:
        with engine.connect() as connection:
            work(connection)
    finally:
        engine.dispose()


def sqlite_engine(url: str) -> Engine:
    """Return an engine for the file of a SQLite URL. Raises ``ValueError`` for other URLs."""
    from encore.database.sqlite.pragmas import connect  # noqa: PLC0415 - only the driver in use is loaded

    path = sqlite_path(url)
    if path is None:
        raise ValueError("not a SQLite URL")
    engine = create_engine("sqlite://", creator=lambda: connect(path), poolclass=NullPool)

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # The driver is in autocommit mode; otherwise it would begin before some statements only.
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


async def _with_async_connection(url: str, work: Callable[[Connection], Any]) -> None:
    import asyncpg  # noqa: PLC0415 - PostgreSQL alone
    from sqlalchemy.ext.asyncio import create_async_engine  # noqa: PLC0415

    dsn = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    # asyncpg reads the URL, as for the service: SQLAlchemy rejects its parameters, such as sslmode.
    engine = create_async_engine(
        "postgresql+asyncpg://", async_creator=lambda: asyncpg.connect(dsn), poolclass=NullPool
    )
    try:
        async with engine.connect() as connection:
            await connection.run_sync(work)
    finally:
        await engine.dispose()
