"""A summary never reads the table: SQLite answers it from an index that holds all it needs."""

from pathlib import Path

import pytest
from fastapi import FastAPI

from api.resources.timesheets.grouping import Grouping, summary_statement
from db.models.timesheet import Timesheet
from encore import Crud, Resource
from encore.database.sqlite import SqliteDatabase
from encore.database.sqlite.pragmas import connect
from encore.migrations.upgrade import upgrade_database
from migrations import FOLDER

BETWEEN = "day__between=2017-05-01,2017-06-30"
FILTERS = ["", "approved=true", BETWEEN, f"approved=false&{BETWEEN}", "hours__gt=8"]
EMPLOYEE, PROJECT, DAY = (f"ix_timesheets_by_{name}" for name in ("employee", "project", "day"))


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database as the migrations make it."""
    path = tmp_path_factory.mktemp("plans") / "plans.sqlite"
    upgrade_database(f"sqlite:///{path}", FOLDER)
    return path


def plan(file: Path, by: str, query: str) -> list[str]:
    """Give SQLite's plan of a summary."""
    database = SqliteDatabase(file)
    timesheets: Resource = Crud(FastAPI(), database).resource(Timesheet)
    filters = timesheets.parse_list_query({"query_string": query.encode(), "headers": []})
    grouping = Grouping.parse(by.split(","))
    statement = summary_statement(grouping, filters.statement_key.conditions, database.dialect)
    connection = connect(file)
    try:
        values = statement.bind(filters.values)
        rows = connection.execute(f"EXPLAIN QUERY PLAN {statement.sql}", values)
        return [row[3] for row in rows]
    finally:
        connection.close()


@pytest.mark.parametrize("query", FILTERS)
@pytest.mark.parametrize(
    ("by", "index"),
    [
        ("employee", EMPLOYEE),
        ("project", PROJECT),
        ("week", DAY),
        ("month", DAY),
        ("approved", DAY),
        ("employee,approved", EMPLOYEE),
        ("project,approved", PROJECT),
        ("employee,week", EMPLOYEE),
        ("employee,month", EMPLOYEE),
        ("project,week", PROJECT),
        ("project,month", PROJECT),
        ("employee,week,approved", EMPLOYEE),
    ],
)
def test_entries_are_summed_in_the_order_of_a_covering_index(
    file: Path, by: str, index: str, query: str
) -> None:
    steps = plan(file, by, query)
    (of_entries,) = [step for step in steps if "timesheets" in step]
    assert f"timesheets USING COVERING INDEX {index}" in of_entries
    # Days are put together to weeks and months outside, and nothing else is sorted.
    sorting = [step for step in steps if "TEMP B-TREE" in step]
    assert len(sorting) == (1 if "week" in by or "month" in by else 0)


@pytest.mark.parametrize("by", ["employee", "week", "month", "approved", "employee,week"])
def test_a_persons_own_sums_read_that_persons_part_of_the_index(file: Path, by: str) -> None:
    steps = plan(file, by, "user_id=007")
    expected = f"SEARCH timesheets USING COVERING INDEX {EMPLOYEE} (user_id=?)"
    assert expected in steps


@pytest.mark.parametrize("by", ["employee,project", "employee,project,week,approved"])
def test_what_no_index_covers_is_left_to_the_database(file: Path, by: str) -> None:
    assert not any("COVERING" in step for step in plan(file, by, ""))


@pytest.mark.parametrize("query", ["q=store", "id=1", "source=tool&external_id=1", "created_by=x"])
def test_a_filter_beyond_the_index_is_left_to_the_database(file: Path, query: str) -> None:
    (step,) = [step for step in plan(file, "approved", query) if "timesheets" in step]
    assert "INDEX ix_" not in step
