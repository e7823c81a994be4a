"""The migration to versions and a whole history, with the data of the revision before it."""

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from sqlalchemy.exc import DBAPIError

from encore.database.engine import with_connection
from tests.fixtures.databases import alembic_config

BEFORE, REVISION = "e7a30c51b9d2", "e5b9207f3c14"
ENTRY = (
    "INSERT INTO timesheets (id, user_type, user_id, year, week, day, project, hours, status,"
    " approved, created_by, \"createdAt\", \"updatedAt\") VALUES (7, 'Employee', 'ada', 2017, 19,"
    " '2017-05-11', 'StoreZero', 500, 'submitted', false, 'ada', '2017-05-10', '2017-05-10')"
)
TRANSITION = (
    'INSERT INTO timesheet_transitions (id, timesheet_id, "from", "to", who, client, reason, at)'
    " VALUES (3, 7, 'submitted', 'rejected', 'grace', 'web', 'no', '2017-05-10')"
)
STORED = 'SELECT timesheet_id, "from", "to", who, client, reason FROM timesheet_transitions'
ADDED = "operation, version, issuer, subject, before, after"


def run(url: str, *statements: str) -> list[Any]:
    """Run statements; return the rows of the last one."""
    rows: list[Any] = []

    def work(connection: sa.Connection) -> None:
        for statement in statements:
            result = connection.exec_driver_sql(statement)
        if result.returns_rows:
            rows.extend(map(tuple, result))
        connection.commit()

    with_connection(url, work)
    return rows


@pytest.fixture
def migrate(database_url: str) -> Callable[[str], None]:
    """Return a function that migrates to a revision; the database has an entry and its history."""
    config = alembic_config(database_url)
    command.upgrade(config, BEFORE)
    run(database_url, ENTRY, TRANSITION)

    def to(revision: str) -> None:
        (command.downgrade if revision == BEFORE else command.upgrade)(config, revision)

    return to


def test_upgrade_keeps_transitions_and_starts_versions_at_1(
    database_url: str, migrate: Callable[[str], None]
) -> None:
    migrate(REVISION)
    assert run(database_url, STORED) == [(7, "submitted", "rejected", "grace", "web", "no")]
    assert run(database_url, f"SELECT {ADDED} FROM timesheet_transitions") == [(None,) * 6]
    assert run(database_url, "SELECT id, version, hours FROM timesheets") == [(7, 1, 500)]


def test_downgrade_keeps_entries_and_history(
    database_url: str, migrate: Callable[[str], None]
) -> None:
    migrate(REVISION)
    migrate(BEFORE)
    assert run(database_url, STORED) == [(7, "submitted", "rejected", "grace", "web", "no")]
    assert run(database_url, "SELECT id, hours FROM timesheets") == [(7, 500)]
    migrate(REVISION)
    assert run(database_url, "SELECT version FROM timesheets") == [(1,)]


@pytest.mark.parametrize("revision", [REVISION, BEFORE])
def test_history_stays_protected(
    database_url: str, migrate: Callable[[str], None], revision: str
) -> None:
    migrate(REVISION)
    migrate(revision)
    for statement in (
        "UPDATE timesheet_transitions SET who = 'x'",
        "DELETE FROM timesheet_transitions",
    ):
        with pytest.raises(DBAPIError, match="history is never altered"):
            run(database_url, statement)
