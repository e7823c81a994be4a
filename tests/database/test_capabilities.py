"""Capabilities: what they say is what the databases do, and nothing else compares dialects."""

import re
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import mysql

from encore.database.capabilities import Capabilities, capabilities_of, is_partial_index
from encore.database.engine import with_connection
from encore.database.expressions.dates import Period, add_days, start_of_period
from encore.database.expressions.json_text import json_array_text
from encore.database.factory import open_database
from tests.fixtures.system import ROOT

ALLOWED = ("encore/database/", "encore/migrations/")


def query(url: str, statement: sa.Select[Any] | str) -> list[Any]:
    """Return the rows of a statement as lists."""
    rows: list[Any] = []
    clause = sa.text(statement) if isinstance(statement, str) else statement
    with_connection(url, lambda connection: rows.extend(connection.execute(clause).all()))
    return [list(row) for row in rows]


def capabilities_at(url: str) -> Capabilities:
    return open_database(url).capabilities


def test_no_dialect_name_outside_database_and_migrations() -> None:
    pattern = re.compile(r"dialect\.name|is_sqlite|is_postgres|[!=]= \"(sqlite|postgresql)\"")
    found = [
        str(path.relative_to(ROOT))
        for package in ("encore", "api")
        for path in (ROOT / package).rglob("*.py")
        if pattern.search(path.read_text())
    ]
    assert [path for path in found if not path.startswith(ALLOWED)] == []


def test_capabilities_of_unsupported_dialect_raises() -> None:
    with pytest.raises(ValueError, match="unsupported database: 'mysql'"):
        capabilities_of(mysql.dialect())


def test_open_database_has_capabilities_of_its_dialect(database_url: str) -> None:
    database = open_database(database_url)
    assert database.capabilities is capabilities_of(database.dialect)


def test_nulls_are_largest_matches_order(database_url: str) -> None:
    numbers = "SELECT 1 AS n UNION ALL SELECT NULL"
    rows = query(database_url, f"SELECT n FROM ({numbers}) AS r ORDER BY n")
    last = None if capabilities_at(database_url).nulls_are_largest else 1
    assert rows[-1] == [last]


def test_subqueries_reject_rows_matches_scalar_subquery(database_url: str) -> None:
    several = "SELECT (SELECT n FROM (SELECT 1 AS n UNION ALL SELECT 2) AS r)"
    if capabilities_at(database_url).subqueries_reject_rows:
        with pytest.raises(sa.exc.DBAPIError, match="more than one row"):
            query(database_url, several)
    else:
        assert query(database_url, several) == [[1]]


@pytest.mark.parametrize(
    ("capability", "type_", "value"),
    [
        ("enforced_types", "DATE", "'someday'"),
        ("sized_integers", "SMALLINT", "70000"),
    ],
)
def test_column_accepts_other_values_unless_database_enforces_types(
    database_url: str, capability: str, type_: str, value: str
) -> None:
    def insert(connection: sa.Connection) -> None:
        connection.execute(sa.text(f"CREATE TABLE t (c {type_})"))
        connection.execute(sa.text(f"INSERT INTO t VALUES ({value})"))

    if getattr(capabilities_at(database_url), capability):
        with pytest.raises(sa.exc.DBAPIError):
            with_connection(database_url, insert)
    else:
        with_connection(database_url, insert)


def test_exact_decimals_matches_numeric(database_url: str) -> None:
    ((total,),) = query(database_url, "SELECT CAST(0.1 AS NUMERIC) + CAST(0.2 AS NUMERIC)")
    assert (str(total) == "0.3") is capabilities_at(database_url).exact_decimals


@pytest.mark.parametrize(
    ("period", "day", "start"),
    [
        ("week", "2021-01-03", "2020-12-28"),
        ("week", "2021-01-04", "2021-01-04"),
        ("month", "2021-02-28", "2021-02-01"),
    ],
)
def test_start_of_period_is_same_on_both_databases(
    database_url: str, period: Period, day: str, start: str
) -> None:
    dialect = open_database(database_url).dialect
    date = sa.cast(sa.literal_column(f"'{day}'"), sa.Date)
    if not capabilities_at(database_url).enforced_types:
        date = sa.type_coerce(sa.literal_column(f"'{day}'"), sa.String)  # type: ignore[assignment] # stored as text
    ((found,),) = query(database_url, sa.select(start_of_period(period, date, dialect)))
    assert str(found) == start


@pytest.mark.parametrize(("days", "expected"), [(-6, "2020-12-26"), (6, "2021-01-07")])
def test_add_days_is_same_on_both_databases(database_url: str, days: int, expected: str) -> None:
    dialect = open_database(database_url).dialect
    date: Any = sa.cast(sa.literal_column("'2021-01-01'"), sa.Date)
    if not capabilities_at(database_url).enforced_types:
        date = sa.literal_column("'2021-01-01'")
    ((found,),) = query(database_url, sa.select(add_days(date, days, dialect)))
    assert str(found) == expected


def test_json_array_text_is_same_on_both_databases(database_url: str) -> None:
    dialect = open_database(database_url).dialect
    members = {"field": sa.literal('a"b', sa.Text), "message": sa.literal("ä", sa.Text)}
    ((text,),) = query(database_url, sa.select(json_array_text([members], dialect)))
    assert text.replace(" ", "") == r'[{"field":"a\"b","message":"ä"}]'


def test_is_partial_index_with_condition_of_one_database() -> None:
    table = sa.Table("t", sa.MetaData(), sa.Column("n", sa.Integer))
    condition = sa.text("n > 0")
    assert is_partial_index(sa.Index("one", table.c.n, postgresql_where=condition))
    assert is_partial_index(sa.Index("two", table.c.n, sqlite_where=condition))
    assert not is_partial_index(sa.Index("three", table.c.n, postgresql_using="hash"))
