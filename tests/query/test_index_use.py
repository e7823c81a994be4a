"""Filters and sorts use the indexes of a model, according to the query plans."""

import re
import uuid
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from encore.types import DurationHours, FixedDecimal, UtcDateTime
from tests.fixtures.models import ModelApi, Serve


class Base(DeclarativeBase):
    pass


class Machine(Base):
    __tablename__ = "machines"

    id: Mapped[int] = mapped_column(primary_key=True)
    whole: Mapped[int] = mapped_column(index=True)
    optional: Mapped[int | None] = mapped_column(index=True)
    small: Mapped[int] = mapped_column(sa.SmallInteger, index=True)
    big: Mapped[int] = mapped_column(sa.BigInteger, index=True)
    short: Mapped[str] = mapped_column(sa.String(40), index=True)
    long: Mapped[str | None] = mapped_column(sa.Text, index=True)
    padded: Mapped[str] = mapped_column(sa.CHAR(12), index=True)
    real: Mapped[float] = mapped_column(index=True)
    number: Mapped[Decimal] = mapped_column(sa.Numeric(12, 2), index=True)
    fixed: Mapped[Decimal] = mapped_column(FixedDecimal(scale=2), index=True)
    ran: Mapped[Decimal] = mapped_column(DurationHours, index=True)
    day: Mapped[date] = mapped_column(index=True)
    at: Mapped[datetime] = mapped_column(sa.DateTime, index=True)
    zoned: Mapped[datetime] = mapped_column(sa.DateTime(timezone=True), index=True)
    utc: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    uid: Mapped[uuid.UUID] = mapped_column(index=True)


START = datetime(2026, 1, 1, tzinfo=UTC)
VALUES: dict[str, Any] = {
    "whole": 5, "optional": 5, "small": 5, "big": 5, "short": "n5", "long": "n5", "padded": "n5",
    "real": 5.5, "number": "5.50", "fixed": "5.50", "ran": "0.3333", "day": "2026-01-05",
    "at": "2026-01-05T00:00:00", "zoned": "2026-01-05T00:00:00Z", "utc": "2026-01-05T00:00:00Z",
    "uid": str(uuid.UUID(int=5)),
}  # fmt: skip
UNORDERED = {"uid"}


def machine(n: int) -> dict[str, Any]:
    at = START + timedelta(hours=n)
    return {
        "id": n, "whole": n, "optional": n if n % 500 else None, "small": n % 30_000, "big": n,
        "short": f"n{n}", "long": f"n{n}" if n % 500 else None, "padded": f"n{n}", "real": n / 2,
        "number": Decimal(n), "fixed": Decimal(n), "ran": Decimal(n), "day": at.date(),
        "at": at.replace(tzinfo=None), "zoned": at, "utc": at if n % 500 else None,
        "uid": uuid.UUID(int=n),
    }  # fmt: skip


@pytest.fixture
def machines(serve: Serve) -> ModelApi:
    api = serve(Base.metadata)
    rows = [machine(n) for n in range(1, 2_001)]
    api.orm(lambda session: session.execute(sa.insert(Machine), rows))
    api.sql("ANALYZE")
    api.crud.resource(Machine)
    return api


Queries = dict[str, str]
"""Query strings by the column whose index is to serve them."""


def plans_of(api: ModelApi, queries: Queries, *, sorts: bool = False) -> list[tuple[str, str]]:
    """Return, with the column, the plans of the statements that answer lists, for any values."""
    statements: list[tuple[str, str]] = []
    for column, query in queries.items():
        api.database.sql.clear()
        response = api.get(f"/machines?{query}", headers={"Prefer": "count=none"})
        assert response.status_code == 200, (query, response.text)
        statements += [(column, sql) for sql in api.database.sql if "LIMIT" in sql]
    assert {column for column, _ in statements} == set(queries)
    explain = explain_sqlite if api.is_sqlite else partial(explain_postgres, sorts=sorts)

    def explain_all(session: Session) -> list[tuple[str, str]]:
        connection = session.connection()
        return [(column, explain(connection, sql)) for column, sql in statements]

    return api.orm(explain_all)


def explain_sqlite(connection: sa.Connection, sql: str) -> str:
    nulls = (None,) * sql.count("?")
    return "\n".join(
        row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", nulls)
    )


def explain_postgres(connection: sa.Connection, sql: str, *, sorts: bool) -> str:
    """Return the plan if no table may be scanned, and, for sorts, none sorted."""
    for setting in ("seqscan", "sort")[: 1 + sorts]:
        connection.exec_driver_sql(f"SET LOCAL enable_{setting} = off")
    connection.exec_driver_sql("SET LOCAL plan_cache_mode = force_generic_plan")
    connection.exec_driver_sql(f"PREPARE page AS {sql}")
    values = ", ".join(["NULL"] * len(set(re.findall(r"\$\d+", sql))))
    rows = connection.exec_driver_sql(f"EXPLAIN (COSTS OFF) EXECUTE page ({values})")
    plan = "\n".join(row[0] for row in rows)
    connection.exec_driver_sql("DEALLOCATE page")
    return plan


def assert_looked_up(api: ModelApi, queries: Queries) -> None:
    """Check that rows are found by the columns' indexes, and nothing is scanned."""
    for column, plan in plans_of(api, queries):
        assert f"ix_machines_{column}" in plan, plan
        assert "SEARCH" in plan or "Index Cond" in plan, plan
        assert "SCAN machines" not in plan, plan
        assert "Seq Scan" not in plan, plan


@pytest.mark.parametrize("suffix", ["", "__in", "__gt", "__gte", "__lt", "__lte", "__between"])
def test_filter_by_an_indexed_column_looks_rows_up(machines: ModelApi, suffix: str) -> None:
    queries = {}
    for column, value in VALUES.items():
        if suffix and column in UNORDERED - ({"uid"} if suffix == "__in" else set()):
            continue
        given = f"{value},{value}" if suffix in ("__in", "__between") else value
        # In the index's order: SQLite would rather walk the primary key than sort a range.
        order = f"&sort={column}" if column not in UNORDERED else ""
        queries[column] = f"{column}{suffix}={given}{order}"
    assert_looked_up(machines, queries)


def test_filter_by_null_looks_rows_up(machines: ModelApi) -> None:
    assert_looked_up(
        machines, {name: f"{name}=null&sort={name}" for name in ("optional", "long", "utc")}
    )


@pytest.mark.parametrize("sign", ["", "-"])
def test_sort_by_an_indexed_column_walks_the_index(machines: ModelApi, sign: str) -> None:
    queries = {column: f"sort={sign}{column}" for column in VALUES}
    for column, plan in plans_of(machines, queries, sorts=True):
        if "IS NULL" in plan:  # The rows without a value come in the order of the key.
            continue
        assert f"ix_machines_{column}" in plan, plan
        assert "B-TREE FOR ORDER BY" not in plan, plan
        assert "Seq Scan" not in plan, plan
