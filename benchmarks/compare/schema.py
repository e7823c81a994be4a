"""Our tables, made as a migration would make them."""

from sqlalchemy import Connection

from benchmarks.compare.models import Base
from encore.database.engine import with_connection


def create_schema(url: str) -> None:
    """Make the tables in the database of a URL."""

    def create(connection: Connection) -> None:
        Base.metadata.create_all(connection)
        connection.commit()

    with_connection(url, create)
