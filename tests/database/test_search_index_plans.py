"""How the databases run a search by way of its index: by it where a term is rare, never wrongly."""

from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from encore import SearchOptions
from encore.database.capabilities import POSTGRESQL
from encore.database.search_index import SearchIndex, add_search_index
from encore.database.search_index.conditions import term_value
from encore.database.search_index.folding import fold
from encore.database.statement import Statement
from tests.fixtures.models import ModelApi, Serve


class Base(DeclarativeBase):
    pass


class Page(Base):
    __tablename__ = "pages"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str | None]
    note: Mapped[str | None]


add_search_index(Page.__table__, ["name", "note"])

ROWS = 5_000
ODD = ["a-b-c", "1.2.3", "...", "x_y%z", "É-à-Ü", "ab", "文字", "o'neil's", "--x--"]
TERMS = [
    "a-b",
    "-b-",
    "2.3",
    "...",
    "_y%",
    "y%z",
    "é-À",
    "-à-",
    "o'n",
    "l's",
    "x--",
    "rare",
    "common",
]


@pytest.fixture
def pages(serve: Serve) -> ModelApi:
    api = serve(Base.metadata)
    rows: list[dict[str, Any]] = [
        {"id": n, "name": f"Common {n}", "note": ODD[n % 500] if n % 500 < len(ODD) else None}
        for n in range(1, ROWS + 1)
    ]
    rows[ROWS // 2]["note"] = "the rare one"
    api.orm(lambda session: session.execute(sa.insert(Page), rows))
    api.sql("ANALYZE")
    api.crud.resource(Page, search=SearchOptions(attributes=["name", "note"], index=True))
    return api


def page_sql(api: ModelApi, term: str, sort: str = "id") -> str:
    """Return the statement that gives a page of a search."""
    api.database.sql.clear()
    params = {"q": term, "sort": sort, "count": "10"}
    assert api.get("/pages", params=params, headers={"Prefer": "count=none"}).status_code == 200
    return next(sql for sql in api.database.sql if "LIMIT" in sql)


def postgres_plan(session: Session, sql: str, term: str) -> str:
    connection = session.connection()
    connection.exec_driver_sql(f"PREPARE page AS {sql}")
    connection.exec_driver_sql("SET LOCAL plan_cache_mode = force_custom_plan")
    value = term_value(("name", "note"), term, POSTGRESQL).replace("'", "''")
    rows = connection.exec_driver_sql(f"EXPLAIN (COSTS OFF) EXECUTE page ('{value}', 10, 0)")
    plan = "\n".join(row[0] for row in rows)
    connection.exec_driver_sql("DEALLOCATE page")
    return plan


@pytest.mark.parametrize("sort", ["id", "-id", "name"])
def test_search_for_rare_term_reads_only_rows_of_index(pages: ModelApi, sort: str) -> None:
    sql = page_sql(pages, "rare", sort)
    if pages.is_sqlite:
        nulls = ", ".join(["NULL"] * sql.count("?"))
        assert nulls
        plan = "\n".join(
            row[3] for row in pages.sql("EXPLAIN QUERY PLAN " + sql.replace("?", "NULL"))
        )
        assert "SCAN pages_search_index VIRTUAL TABLE" in plan, plan
        assert "SEARCH pages USING INTEGER PRIMARY KEY" in plan, plan
    else:
        plan = pages.orm(lambda session: postgres_plan(session, sql, "rare"))
        assert "Bitmap Index Scan on pages_search_index" in plan, plan


def test_search_for_frequent_term_stops_at_full_page_on_postgresql(
    pages: ModelApi,
) -> None:
    if pages.is_sqlite:
        pytest.skip("SQLite has one plan for all terms")
    sql = page_sql(pages, "common")
    plan = pages.orm(lambda session: postgres_plan(session, sql, "common"))
    assert "Index Scan using pages_pkey" in plan, plan


def test_search_is_planned_for_its_term_on_every_run(pages: ModelApi) -> None:
    for _ in range(12):
        assert len(pages.get("/pages?q=rare").json()) == 1
    if pages.is_sqlite:
        return
    kept = sa.select(sa.column("statement", sa.Text)).select_from(
        sa.table("pg_prepared_statements")
    )

    async def statements() -> list[str]:
        async with pages.database.reading() as connection:
            rows = await connection.fetch_all(Statement(kept, pages.database.dialect), ())
        return [row[0] for row in rows]

    assert not [sql for sql in pages.run(statements()) if "encore_fold" in sql]


def test_search_index_alone_equals_scan(pages: ModelApi) -> None:
    rows = pages.rows(Page)
    for term in TERMS:
        expected = [
            row["id"]
            for row in rows
            if any(fold(term) in fold(row[name] or "") for name in ("name", "note"))
        ]
        params = {"q": term, "sort": "id", "count": "1000"}
        assert [row["id"] for row in pages.get("/pages", params=params).json()] == expected[:1000]
        if not pages.is_sqlite:
            assert pages.orm(partial(by_index, term)) == expected, term


def by_index(term: str, session: Session) -> list[int]:
    """Return the rows that PostgreSQL finds if it may not scan the table."""
    connection = session.connection()
    for method in ("seqscan", "indexscan"):
        connection.exec_driver_sql(f"SET LOCAL enable_{method} = off")
    found = connection.execute(
        sa.text(
            'SELECT id FROM pages WHERE encore_fold(name COLLATE "C") LIKE :term'
            ' OR encore_fold(note COLLATE "C") LIKE :term ORDER BY id'
        ),
        {"term": term_value(("name", "note"), term, POSTGRESQL)},
    )
    return list(found.scalars())


def test_search_index_names_its_parts() -> None:
    assert SearchIndex("pages", ("name",)).name == "pages_search_index"
