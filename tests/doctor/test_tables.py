"""The doctor's checks of tables: their sizes, and the filters without an index."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from encore import SearchOptions
from encore.database.search_index import add_search_index
from encore.doctor.check_result import Status
from encore.doctor.tables import check_tables
from encore.service.service import resources_of
from tests.fixtures.models import ModelApi, Serve


class Base(DeclarativeBase):
    pass


class Large(Base):
    __tablename__ = "large"
    __table_args__ = (sa.Index("ix_pair", "first", "second"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    first: Mapped[int]
    second: Mapped[int]
    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]


class Small(Base):
    __tablename__ = "small"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


add_search_index(Large.__table__, ["name"])


def check_lines(api: ModelApi) -> list[tuple[Status, str, str]]:
    resources = resources_of(api.app.router.routes)
    return [
        (result.status, result.subject, result.message)
        for result in check_tables(api.url, resources)
    ]


def fill(api: ModelApi, rows: int) -> None:
    values: list[dict[str, Any]] = [
        {"id": n, "first": n, "second": n, "code": str(n), "name": f"n{n}"} for n in range(1, rows)
    ]
    api.orm(lambda session: session.execute(sa.insert(Large), values))
    api.sql("ANALYZE")


def test_large_table_is_reported_with_filters_and_searches_without_index(
    serve: Serve,
) -> None:
    api = serve(Base.metadata)
    indexed = SearchOptions("find", ["name"], index=True)
    api.crud.resource(Large, search=[SearchOptions("q", ["name"]), indexed])
    api.crud.resource(Small)
    fill(api, 10_001)
    large, small = check_lines(api)
    assert large[:2] == (Status.NOTE, "table large")
    assert large[2].startswith("about 10,000 rows, ")
    assert large[2].endswith(
        " MiB; no index serves filters and sorts by second, name;"
        " q compares every row (docs/how-to/search-indexes.md)"
    )
    assert small[:2] == (Status.OK, "table small")
    assert "no index" not in small[2]


def test_small_table_is_reported_without_notes(serve: Serve) -> None:
    api = serve(Base.metadata)
    api.crud.resource(Large, search=SearchOptions("q", ["name"]))
    fill(api, 100)
    ((verdict, _, message),) = check_lines(api)
    assert verdict is Status.OK
    assert message.startswith("about 99 rows, ")
