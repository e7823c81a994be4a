"""A service with reads of any duration, for clients of any name.

``GET /works/{id}`` and ``GET /works`` count in the database up to the ``steps`` of each row;
``/notes`` is an ordinary table. The header ``X-Client`` names the client. As a program it takes
the database URL and the port as arguments.
"""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, ClassVar

import sqlalchemy as sa
from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels
from granian.server import Server
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from starlette.types import ASGIApp, Receive, Scope, Send

from encore import Crud
from encore.database.engine import with_connection
from encore.database.factory import open_database
from encore.database.protocol import Database
from encore.http.application import Application
from encore.http.request_state import RequestState

QUICK, HEAVY, SLOW, ENDLESS = 1, 2, 3, 4
"""Ids of works: some microseconds, milliseconds, tens of them, and longer than any limit."""

_STEPS = {QUICK: 1, HEAVY: 6_000, SLOW: 100_000, ENDLESS: 2_000_000_000}

_WORKS = """
    CREATE VIEW works AS SELECT id, steps, (
        WITH RECURSIVE numbers(n) AS (
            SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < steps
        ) SELECT count(*) FROM numbers
    ) AS counted FROM orders
"""


class Base(DeclarativeBase):
    pass


class Order(Base):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
    steps: Mapped[int] = mapped_column(sa.BigInteger)


class Work(Base):
    __tablename__ = "works"
    id: Mapped[int] = mapped_column(primary_key=True)
    steps: Mapped[int] = mapped_column(sa.BigInteger)
    counted: Mapped[int] = mapped_column(sa.BigInteger)


class Note(Base):
    __tablename__ = "notes"
    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str] = mapped_column(sa.Text)


class ClientHeaderMiddleware:
    """Sets the client and claims from the header ``X-Client``, without a token."""

    authenticates: ClassVar[bool] = True

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        name = dict(scope["headers"]).get(b"x-client", b"").decode()
        state = RequestState.from_scope(scope)
        state.claims = {"iss": "test", "sub": name, "scp": ["slow"]}
        state.client_id = name
        await self._app(scope, receive, send)


def create_tables(url: str) -> None:
    """Create the tables and the view, and fill them."""

    def create(connection: sa.Connection) -> None:
        tables = Base.metadata.tables
        Base.metadata.create_all(connection, tables=[tables["orders"], tables["notes"]])
        connection.exec_driver_sql(_WORKS)
        rows = [{"id": id_, "steps": steps} for id_, steps in _STEPS.items()]
        connection.execute(sa.insert(Order), rows)
        connection.execute(sa.insert(Note), [{"id": n, "text": f"note {n}"} for n in range(1, 4)])
        connection.commit()

    with_connection(url, create)


def add_routes(app: Application, database: Database) -> None:
    """Expose both resources."""
    crud = Crud(app, database, scopes=("slow",))
    crud.resource(Work, actions=["list", "read"])
    crud.resource(Note)


def create_service(url: str) -> Application:
    """Return a service over these tables."""
    database = open_database(url)

    @asynccontextmanager
    async def lifespan(_: Any) -> AsyncIterator[None]:
        await database.open()
        yield
        await database.close()

    app = Application(access={}, log_requests=False, openapi_url=None, lifespan=lifespan)
    app.add_middleware(ClientHeaderMiddleware)
    add_routes(app, database)
    return app


def main(url: str, port: int) -> None:
    """Serve until SIGTERM."""
    Server(
        "tests.faults.slow_service:create_service",
        port=port,
        interface=Interfaces.ASGI,
        http=HTTPModes.http1,
        workers=1,
        websockets=False,
        log_level=LogLevels.error,
    ).serve(target_loader=lambda: create_service(url), wrap_loader=False)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
