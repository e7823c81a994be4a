"""A database at another Alembic revision than the code while the service runs."""

import asyncio

import pytest
import sqlalchemy as sa

from encore.database.engine import with_connection
from encore.database.errors import SchemaOutdated
from encore.database.factory import open_database
from encore.service.revisions import newest_revision, older_revisions
from migrations import FOLDER
from tests.fixtures.databases import database_url as database_url  # noqa: PLC0414 - a fixture


def set_revision(url: str, revision: str | None) -> None:
    """Set the revision in Alembic's table; None for no row."""

    def set_row(connection: sa.Connection) -> None:
        connection.exec_driver_sql(
            "CREATE TABLE IF NOT EXISTS alembic_version (version_num VARCHAR(32) NOT NULL)"
        )
        connection.exec_driver_sql("DELETE FROM alembic_version")
        if revision is not None:
            connection.exec_driver_sql(f"INSERT INTO alembic_version VALUES ('{revision}')")
        connection.commit()

    with_connection(url, set_row)


def test_older_revisions_are_all_but_the_newest() -> None:
    assert newest_revision(FOLDER) not in older_revisions(FOLDER)
    assert len(older_revisions(FOLDER)) >= 2


@pytest.mark.parametrize(
    ("revision", "ready"), [("old", False), (None, False), ("head", True), ("newer", True)]
)
def test_check_rejects_missing_and_outdated_revisions(
    database_url: str, revision: str | None, *, ready: bool
) -> None:
    async def check() -> None:
        database = open_database(database_url, outdated=["old", "older"])
        await database.open()
        try:
            await database.check()
        finally:
            await database.close()

    set_revision(database_url, revision)
    if ready:
        asyncio.run(check())
        return
    with pytest.raises(SchemaOutdated, match="needs a migration"):
        asyncio.run(check())


def test_check_without_outdated_revisions_accepts_any_database(database_url: str) -> None:
    async def check() -> None:
        database = open_database(database_url)
        await database.open()
        await database.check()
        await database.close()

    with_connection(database_url, lambda _: None)  # Creates the file of a SQLite database.
    asyncio.run(check())
