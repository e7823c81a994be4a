"""Query plans of pages of a large table: an index of the model is used, without sorting."""

import re

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from encore.execution.resource import Resource
from encore.pages.page import BEGINNING, KeysetPosition, PagedQuery, read_page
from encore.query.keyset import KeysetCondition, KeysetOrder
from tests.fixtures.models import ModelApi, Serve

ROWS = 30_000


class Base(DeclarativeBase):
    pass


class Product(Base):
    __tablename__ = "products"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str | None] = mapped_column(index=True)
    model_number: Mapped[str | None] = mapped_column("modelNumber", index=True)
    code: Mapped[str] = mapped_column(unique=True)
    color: Mapped[str | None]
    __table_args__ = (sa.Index("ix_products_color_id", "color", "id"),)


NUMBERS = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000)",
    "postgresql": "WITH n(i) AS (SELECT generate_series(1, 30000))",
}
FILL = """
INSERT INTO products (name, "modelNumber", code, color)
{}
SELECT CASE WHEN i % 1000 = 0 THEN NULL ELSE 'name ' || (i * 7919 % 30000) END,
'M' || (i % 1500), 'c' || i, CASE WHEN i % 4 > 0 THEN 'red' || (i % 4) END FROM n
"""


@pytest.fixture
def products(serve: Serve) -> tuple[ModelApi, Resource]:
    api = serve(Base.metadata)
    api.sql(FILL.format(NUMBERS["sqlite" if api.is_sqlite else "postgresql"]))
    api.sql("ANALYZE")
    return api, api.crud.resource(Product)


def plans(api: ModelApi, resource: Resource, query: str) -> list[str]:
    """Return the plans of the first page, of one in the middle, and of the one before that."""

    async def explain() -> list[str]:
        parsed = resource.parser.parse(query.encode())
        key = parsed.statement_key
        paged_query = PagedQuery(resource.statements, key.conditions, parsed.values, key.order)
        found = []
        explained = "EXPLAIN QUERY PLAN " if api.is_sqlite else "EXPLAIN "
        async with api.database.reading() as connection:
            middle = await read_page(connection, paged_query, KeysetPosition((), ROWS // 2), 1)
            for position in (BEGINNING, middle.after, middle.before):
                if position is not None:
                    for seek in seeks(paged_query.keyset, position):
                        page = resource.statements.page(key.conditions, key.order, seek, keep=False)
                        page.sql = explained + page.sql
                        bound = paged_query.keyset.bound_values(position.keys)
                        rows = await connection.fetch_all(page, (*parsed.values, *bound, 100, 0))
                        found.append("\n".join(str(row[-1]) for row in rows))
        return found

    return api.run(explain())


def seeks(keyset: KeysetOrder, position: KeysetPosition) -> tuple[KeysetCondition, ...]:
    if not position.keys:
        return keyset.conditions_of_all
    return keyset.conditions_after(position.keys, backwards=position.backwards)


SORTS = (
    ("", "PRIMARY KEY|products_pkey|^SCAN products$"),
    ("sort=-id", "PRIMARY KEY|products_pkey|^SCAN products$"),
    ("sort=name", "ix_products_name"),
    ("sort=-name", "ix_products_name"),
    ("sort=code", "products_code_key|sqlite_autoindex_products_1"),
    ("sort=-code", "products_code_key|sqlite_autoindex_products_1"),
    ("sort=color", "ix_products_color_id"),
    ("sort=-color,-id", "ix_products_color_id"),
)
SORTED = re.compile(r"(?<!Incremental )Sort  \(|USE TEMP B-TREE FOR ORDER BY")


def test_pages_of_a_sort_with_an_index_are_read_by_it_without_a_sort(
    products: tuple[ModelApi, Resource],
) -> None:
    for query, index in SORTS:
        for plan in plans(*products, query):
            assert re.search(index, plan), (query, plan)
            assert "Seq Scan" not in plan
            # The few rows with null may be sorted.
            assert not SORTED.search(plan) or "IS NULL" in plan, (query, plan)


def test_index_on_all_keys_starts_at_the_page_among_equal_rows(
    products: tuple[ModelApi, Resource],
) -> None:
    for plan in plans(*products, "sort=-color,-id"):
        assert "Filter" not in plan


def test_filter_with_an_index_is_read_by_it(products: tuple[ModelApi, Resource]) -> None:
    for query in ("modelNumber=M7", "modelNumber=M7&sort=name"):
        for plan in plans(*products, query):
            assert "ix_products_modelNumber" in plan, (query, plan)
