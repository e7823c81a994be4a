"""SQLAlchemy's own engine, for what runs outside requests: migrations and tools."""

import asyncio
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.pool import NullPool

from encore.database.urls import sqlite_path


def with_connection(url: str, work: Callable[[Connection], None]) -> None:
    """Open the database, hand a SQLAlchemy connection to ``work``, and close it again.

    On SQLite the connection is opened as the service's are (WAL, foreign keys, durable commits),
    and a transaction covers DDL too.
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
    """Make an engine over the file of a SQLite URL."""
    from encore.database.sqlite.pragmas import connect  # noqa: PLC0415 - only the driver in use is loaded

    path = sqlite_path(url)
    if path is None:
        raise ValueError("not a SQLite URL")
    engine = create_engine("sqlite://", creator=lambda: connect(path), poolclass=NullPool)

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # The driver is in autocommit mode; it would begin by itself only before some statements.
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


async def _with_async_connection(url: str, work: Callable[[Connection], Any]) -> None:
    from sqlalchemy.ext.asyncio import create_async_engine  # noqa: PLC0415 - PostgreSQL alone

    engine = create_async_engine(
        make_url(url).set(drivername="postgresql+asyncpg"), poolclass=NullPool
    )
    try:
        async with engine.connect() as connection:
            await connection.run_sync(work)
    finally:
        await engine.dispose()
