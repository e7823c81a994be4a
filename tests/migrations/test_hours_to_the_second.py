"""The migration of hours from hundredths to seconds, with the data of the revision before it."""

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from sqlalchemy.exc import IntegrityError

from encore.database.engine import with_connection
from tests.fixtures.databases import alembic_config

BEFORE, REVISION = "a94d07e2c6f3", "5ec0d5a7b81e"
HUNDREDTHS = (1, 33, 67, 150, 725, 2400, 16_800)
INSERT = (
    "INSERT INTO timesheets (user_type, user_id, year, week, day, project, hours, status,"
    " approved, created_by, version, \"createdAt\", \"updatedAt\") VALUES ('Employee', 'ada', 2017,"
    " 19, '2017-05-11', 'StoreZero', {}, '{}', {}, 'ada', 3, '2017-05-10', '2017-05-10')"
)
CHANGE = (
    'INSERT INTO timesheet_transitions (timesheet_id, "from", "to", who, at, version, after)'
    " VALUES (1, 'new', 'submitted', 'ada', '2017-05-10', 1, '{\"hours\":\"0.01\"}')"
)
HOURS = "SELECT hours FROM timesheets ORDER BY id"


def insert(hours: int, status: str = "submitted") -> str:
    return INSERT.format(hours, status, status == "approved")


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


def indexes_of(url: str) -> list[str]:
    found: list[Any] = []
    with_connection(url, lambda c: found.extend(sa.inspect(c).get_indexes("timesheets")))
    return [f"{i['name']} {i['column_names']} {i['unique']}" for i in found]


@pytest.fixture
def migrate(database_url: str) -> Callable[[str], None]:
    """Return a function that migrates to a revision; the database has entries of the one before."""
    config = alembic_config(database_url)
    command.upgrade(config, BEFORE)
    run(database_url, *map(insert, HUNDREDTHS), insert(500, "approved"), CHANGE)

    def to(revision: str) -> None:
        (command.downgrade if revision == BEFORE else command.upgrade)(config, revision)

    return to


def test_upgrade_converts_hundredths_exactly_and_marks_entries(
    database_url: str, migrate: Callable[[str], None]
) -> None:
    migrate(REVISION)
    seconds = [(hundredths * 36,) for hundredths in (*HUNDREDTHS, 500)]
    assert run(database_url, HOURS) == seconds
    marks = "SELECT DISTINCT legacy, version FROM timesheets"
    assert run(database_url, marks) == [(True, 3)]
    assert run(database_url, insert(1), "SELECT legacy FROM timesheets WHERE id = 9") == [(False,)]


def test_downgrade_rounds_to_hundredths(database_url: str, migrate: Callable[[str], None]) -> None:
    migrate(REVISION)
    run(database_url, *map(insert, (1, 17, 18, 53, 54, 1200, 5401)))
    migrate(BEFORE)
    rounded = [(hundredths,) for hundredths in (*HUNDREDTHS, 500, 1, 1, 1, 1, 2, 33, 150)]
    assert run(database_url, HOURS) == rounded
    migrate(REVISION)
    assert run(database_url, "SELECT DISTINCT legacy FROM timesheets") == [(True,)]


def test_both_directions_keep_history_indexes_and_checks(
    database_url: str, migrate: Callable[[str], None]
) -> None:
    before = indexes_of(database_url)
    for revision in (REVISION, BEFORE, REVISION):
        migrate(revision)
        assert indexes_of(database_url) == before
        history = run(database_url, "SELECT CAST(after AS TEXT) FROM timesheet_transitions")
        assert history == [('{"hours":"0.01"}',)]
        with pytest.raises(IntegrityError, match="ck_timesheets_hours"):
            run(database_url, insert(0))


@pytest.mark.parametrize("revision", [REVISION, BEFORE])
def test_ids_of_deleted_entries_are_not_reused(
    database_url: str, migrate: Callable[[str], None], revision: str
) -> None:
    migrate(REVISION)
    run(database_url, "DELETE FROM timesheets WHERE id > 5")
    migrate(revision)
    (highest,) = run(database_url, insert(1), "SELECT max(id) FROM timesheets")
    assert highest == (9,)
