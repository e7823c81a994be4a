"""SQLite reads summaries from a covering index, never from the table."""

from pathlib import Path

import pytest
from fastapi import FastAPI

from api.resources.timesheets.summary.grouping import Grouping, summary_statement
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
    """Return a migrated SQLite file."""
    path = tmp_path_factory.mktemp("plans") / "plans.sqlite"
    upgrade_database(f"sqlite:///{path}", FOLDER)
    return path


def plan(file: Path, by: str, query: str) -> list[str]:
    """Return the steps of SQLite's query plan of a summary."""
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
def test_summary_follows_the_order_of_a_covering_index(
    file: Path, by: str, index: str, query: str
) -> None:
    steps = plan(file, by, query)
    (scan,) = [step for step in steps if "timesheets" in step]
    assert f"timesheets USING COVERING INDEX {index}" in scan
    # Only the outer query of weeks and months sorts.
    sorting = [step for step in steps if "TEMP B-TREE" in step]
    assert len(sorting) == (1 if "week" in by or "month" in by else 0)


@pytest.mark.parametrize("by", ["employee", "week", "month", "approved", "employee,week"])
def test_summary_of_one_user_searches_the_index(file: Path, by: str) -> None:
    steps = plan(file, by, "user_id=007")
    expected = f"SEARCH timesheets USING COVERING INDEX {EMPLOYEE} (user_id=?)"
    assert expected in steps


@pytest.mark.parametrize("by", ["employee,project", "employee,project,week,approved"])
def test_groups_without_covering_index_have_no_hint(file: Path, by: str) -> None:
    assert not any("COVERING" in step for step in plan(file, by, ""))


@pytest.mark.parametrize("query", ["q=store", "id=1", "source=tool&external_id=1", "created_by=x"])
def test_filter_outside_covering_indexes_has_no_hint(file: Path, query: str) -> None:
    (step,) = [step for step in plan(file, "approved", query) if "timesheets" in step]
    assert "INDEX ix_" not in step
