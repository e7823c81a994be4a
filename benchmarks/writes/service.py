"""This service with copies of the parts' table: one with history, one without.

What belongs to one row of the benchmark only, so that ``/parts`` stays as it is shipped.
"""

import sys
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from benchmarks.extended_service import serve_with
from db.models.part import Part
from encore import Crud, history_table
from encore.types import Timestamps

PLAIN: Final = "/plain"
TRACKED: Final = "/tracked"


class CopyBase(DeclarativeBase):
    """The declarative base of the copies."""


class _PartColumns(Timestamps):
    """The columns of a part."""

    id: Mapped[int] = mapped_column(primary_key=True)
    part_number: Mapped[str | None] = mapped_column("partNumber", sa.String(255))
    model_number: Mapped[str | None] = mapped_column("modelNumber", sa.String(255))
    name: Mapped[str | None] = mapped_column(sa.String(255))
    description: Mapped[str | None] = mapped_column(sa.Text)


class Plain(_PartColumns, CopyBase):
    """A part."""

    __tablename__ = "plain"


class Tracked(_PartColumns, CopyBase):
    """A part with a history."""

    __tablename__ = "tracked"


TRACKED_HISTORY: Final = history_table(Tracked)


def add_resources(crud: Crud) -> None:
    """Expose the copies."""
    crud.resource(Plain, endpoints=(PLAIN, f"{PLAIN}/{{id}}"))
    crud.resource(Tracked, endpoints=(TRACKED, f"{TRACKED}/{{id}}"), history=True)


def create_copies(connection: sa.Connection) -> None:
    """Create the copies of the parts' table, with all its rows."""
    CopyBase.metadata.create_all(connection)
    for model in (Plain, Tracked):
        table = CopyBase.metadata.tables[model.__tablename__]
        names = [column.name for column in Part.__table__.columns]
        parts = sa.select(*(Part.__table__.columns[name] for name in names))
        connection.execute(sa.insert(table).from_select(names, parts))
        if connection.dialect.name == "postgresql":
            sequence = f"pg_get_serial_sequence('{table.name}', 'id')"
            connection.execute(sa.text(f"SELECT setval({sequence}, max(id)) FROM {table.name}"))
    connection.commit()


def main() -> int:
    """Serve until SIGTERM; return the exit status."""
    return serve_with(add_resources)


if __name__ == "__main__":
    sys.exit(main())
