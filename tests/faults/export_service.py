"""A program that serves one large table without authentication.

Its arguments are the database URL, the port, and the send timeout in seconds. ``/rows`` lists the
table. It logs JSON lines at level ``info``.
"""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import sqlalchemy as sa
from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels
from granian.server import Server
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from encore import Crud
from encore.database.engine import with_connection
from encore.database.factory import open_database
from encore.http.application import Application
from encore.server.logs import configure_logs
from encore.streams import operation

ROWS = 80_000


class Base(DeclarativeBase):
    pass


class Row(Base):
    __tablename__ = "rows"
    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str] = mapped_column(sa.Text)


def fill(url: str) -> None:
    """Fill the table with ``ROWS`` rows of 200 random letters; create it if it is missing."""

    def create(connection: sa.Connection) -> None:
        Base.metadata.create_all(connection)
        connection.execute(sa.delete(Row))
        numbers = sa.select(sa.literal(1).label("n")).cte("numbers", recursive=True)
        numbers = numbers.union_all(sa.select(numbers.c.n + 1).where(numbers.c.n < ROWS))
        if connection.dialect.name == "sqlite":
            text: Any = sa.func.hex(sa.func.randomblob(100))
        else:
            text = sa.func.concat(
                *(sa.func.md5(sa.cast(sa.func.random(), sa.Text)) for _ in range(6))
            )
        connection.execute(sa.insert(Row).from_select(["id", "text"], sa.select(numbers.c.n, text)))
        connection.commit()

    with_connection(url, create)


def create_service(url: str) -> Application:
    """Return a service over the table."""
    database = open_database(url)

    @asynccontextmanager
    async def lifespan(_: Any) -> AsyncIterator[None]:
        await database.open()
        yield
        await database.close()

    app = Application(access={}, openapi_url=None, lifespan=lifespan)
    Crud(app, database, gate=None).resource(Row)
    return app


def main(url: str, port: int, send_seconds: float) -> None:
    """Serve until SIGTERM."""
    vars(operation)["SEND_SECONDS"] = send_seconds
    configure_logs("info", readable=False)
    Server(
        "tests.faults.export_service:create_service",
        port=port,
        interface=Interfaces.ASGI,
        http=HTTPModes.http1,
        workers=1,
        websockets=False,
        log_level=LogLevels.error,
    ).serve(target_loader=lambda: create_service(url), wrap_loader=False)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
