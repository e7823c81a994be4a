"""Search indexes come and go by migrations, which autogenerate does not undo."""

from collections.abc import Callable
from io import StringIO

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import exc

from encore.database.engine import with_connection
from encore.database.search_index import create_search_index, drop_search_index
from tests.fixtures.databases import alembic_config

NAMES = "SELECT name FROM sqlite_master UNION ALL SELECT 'end'"
POSTGRES_NAMES = (
    "SELECT relname FROM pg_class WHERE relname LIKE '%%search_index%%'"
    " UNION ALL SELECT proname FROM pg_proc WHERE proname LIKE 'encore%%'"
)


def migrate(url: str, work: Callable[[Operations, sa.Connection], None]) -> None:
    def run(connection: sa.Connection) -> None:
        context = MigrationContext.configure(connection)
        work(Operations(context), connection)
        connection.commit()

    with_connection(url, run)


def names(connection: sa.Connection) -> set[str]:
    """Return what there is of search indexes."""
    sql = NAMES if connection.dialect.name == "sqlite" else POSTGRES_NAMES
    rows = connection.exec_driver_sql(sql).scalars()
    return {name for name in rows if "search" in name or "encore" in name}


@pytest.fixture
def head(database_url: str) -> str:
    """Return the URL of a database at the newest revision."""
    command.upgrade(alembic_config(database_url), "head")
    return database_url


def test_create_search_index_indexes_existing_rows(head: str) -> None:
    def work(op: Operations, connection: sa.Connection) -> None:
        connection.exec_driver_sql(
            'INSERT INTO parts (name, "createdAt", "updatedAt") VALUES'
            " ('Widget', CURRENT_TIMESTAMP, CURRENT_TIMESTAMP)"
        )
        create_search_index(op, "parts", ["name", "modelNumber"])
        if connection.dialect.name == "sqlite":
            found = "SELECT rowid FROM parts_search_index WHERE parts_search_index MATCH 'WIDG'"
        else:
            found = "SELECT id FROM parts WHERE encore_fold(name COLLATE \"C\") LIKE '%%widg%%'"
        assert connection.exec_driver_sql(found).scalars().all() == [1]

    migrate(head, work)


def test_drop_search_index_drops_all_parts(head: str) -> None:
    def work(op: Operations, connection: sa.Connection) -> None:
        assert names(connection) == set()
        create_search_index(op, "parts", ["name"])
        create_search_index(op, "timesheets", ["project"])
        assert names(connection)
        drop_search_index(op, "parts")
        left = names(connection)
        assert left
        assert not any("parts" in name for name in left)
        drop_search_index(op, "timesheets")
        drop_search_index(op, "timesheets")
        assert names(connection) == set()

    migrate(head, work)


def test_autogenerate_ignores_search_indexes(head: str) -> None:
    migrate(head, lambda op, _: create_search_index(op, "parts", ["name"]))
    command.check(alembic_config(head))


def test_create_search_index_of_missing_column_raises(head: str) -> None:
    with pytest.raises(exc.DBAPIError, match=r"no such column|does not exist"):
        migrate(head, lambda op, _: create_search_index(op, "parts", ["nmae"]))


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_create_search_index_runs_offline(dialect: str) -> None:
    output = StringIO()
    context = MigrationContext.configure(
        dialect_name=dialect, opts={"as_sql": True, "output_buffer": output}
    )
    op = Operations(context)
    create_search_index(op, "parts", ["name"])
    drop_search_index(op, "parts")
    made = "CREATE VIRTUAL TABLE" if dialect == "sqlite" else "USING gin"
    assert made in output.getvalue()
    assert "DROP" in output.getvalue()


def test_search_index_for_unsupported_database_raises() -> None:
    context = MigrationContext.configure(dialect_name="mysql", opts={"as_sql": True})
    with pytest.raises(ValueError, match="search indexes are unsupported on mysql"):
        create_search_index(Operations(context), "parts", ["name"])
