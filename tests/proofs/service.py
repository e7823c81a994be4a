"""The service of the proofs: kinds of rows that are stored and versioned differently.

``python -m encore serve tests.proofs.service:create_service`` runs it, as users run theirs.

Notes have no version column, counters have a ``version_id_col``, and labels have a text key and are
written by ORM sessions, because of an event listener. Events can be stored twice. Chapters and
editions have a history.
"""

from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

import encore
from encore import Context, RowAction, Service, history_table
from encore.database.engine import with_connection
from encore.settings import RequiredScopes, Settings

SERVICE: Final = "tests.proofs.service:create_service"
SCOPE: Final = "proofs"
UNGRANTED_SCOPE: Final = "proofs:restricted"
"""A scope that no token of the proofs has."""


class ProofBase(DeclarativeBase):
    """The declarative base of this service."""


class Note(ProofBase):
    """A row without a version column."""

    __tablename__ = "notes"
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012 - SQLAlchemy's form

    id: Mapped[int] = mapped_column(primary_key=True)
    value: Mapped[str] = mapped_column(sa.String(100), unique=True)
    rank: Mapped[int] = mapped_column(default=0)


class Counter(ProofBase):
    """A row whose version the mapper counts.

    Its keys are never used again: a new row with the key of a deleted one would have its versions.
    """

    __tablename__ = "counters"
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012 - SQLAlchemy's form

    id: Mapped[int] = mapped_column(primary_key=True)
    value: Mapped[str] = mapped_column(sa.String(100), unique=True)
    total: Mapped[int] = mapped_column(default=0)
    version: Mapped[int] = mapped_column()
    __mapper_args__: Any = {"version_id_col": version}  # noqa: RUF012 - SQLAlchemy's form


class Label(ProofBase):
    """A row with a text key that an ORM session writes."""

    __tablename__ = "labels"

    name: Mapped[str] = mapped_column(sa.String(100), primary_key=True)
    value: Mapped[str] = mapped_column(sa.String(100), unique=True)
    shouted: Mapped[str | None] = mapped_column(sa.String(100))


@event.listens_for(Label, "before_insert")
@event.listens_for(Label, "before_update")
def _shout(_mapper: Any, _connection: Any, label: Label) -> None:
    label.shouted = label.value.upper()


class Event(ProofBase):
    """A row that can be stored twice: only its key is unique."""

    __tablename__ = "events"

    id: Mapped[int] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(sa.String(100))


class Chapter(ProofBase):
    """A row with a history."""

    __tablename__ = "chapters"
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012 - SQLAlchemy's form

    id: Mapped[int] = mapped_column(primary_key=True)
    value: Mapped[str] = mapped_column(sa.String(100))
    rank: Mapped[int]


class Edition(ProofBase):
    """A row with a history and a version, whose key may be used again."""

    __tablename__ = "editions"

    id: Mapped[int] = mapped_column(primary_key=True)
    value: Mapped[str] = mapped_column(sa.String(100))
    rank: Mapped[int]
    version: Mapped[int] = mapped_column()
    __mapper_args__: Any = {"version_id_col": version}  # noqa: RUF012 - SQLAlchemy's form


CHAPTER_HISTORY: Final = history_table(Chapter)
EDITION_HISTORY: Final = history_table(Edition)


class Increment(RowAction[Context]):
    """Add one to the total of a counter."""

    name = "increment"
    reads_body = True
    writes = True

    async def write(self, context: Context) -> None:
        key = context.key[0]

        def add_one(session: Any) -> None:
            counter = session.get(Counter, key, with_for_update=True, populate_existing=True)
            counter.total += 1

        await context.orm(add_one)
        await self.fetch(context)


class ProofSettings(Settings):
    """The settings of this service: a default for the scope."""

    scope: RequiredScopes = SCOPE


def create_service(settings: ProofSettings | None = None) -> Service:
    """Create the service, with its settings from the environment unless they are passed."""
    service = Service(settings or ProofSettings.load(), title="Proofs", migrations=None)
    service.resource(Note)
    counters = service.resource(Counter)
    service.resource(Label)
    service.resource(Event)
    service.resource(Chapter, history=True)
    service.resource(Edition, history=True)
    service.resource(Event, endpoints=("/restricted", "/restricted/{id}"), scopes=[UNGRANTED_SCOPE])
    service.crud.custom_action(
        action=Increment(counters), method="POST", path="/{id}/increment", access=SCOPE
    )
    return service


def create_tables(url: str) -> None:
    """Create the tables of the service and of the library, in an empty database."""

    def create(connection: sa.Connection) -> None:
        for metadata in (ProofBase.metadata, encore.metadata):
            metadata.create_all(connection)
        connection.commit()

    with_connection(url, create)
