"""Totals of lists: exact, estimated, or unknown."""

import re
from typing import Any, Final

import pytest
import sqlalchemy as sa
from sqlalchemy import make_url
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

from encore.errors import ConfigurationError
from encore.execution.context import Context
from tests.fixtures.models import ModelApi, Serve


class Base(DeclarativeBase):
    pass


class Shelf(Base):
    __tablename__ = "shelves"
    id: Mapped[int] = mapped_column(primary_key=True)
    books: Mapped[list["Book"]] = relationship(back_populates="shelf")


class Book(Base):
    __tablename__ = "books"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    owner: Mapped[str]
    shelf_id: Mapped[int] = mapped_column(sa.ForeignKey("shelves.id"))
    shelf: Mapped[Shelf] = relationship(back_populates="books")


class Code(Base):
    __tablename__ = "codes"
    code: Mapped[str] = mapped_column(primary_key=True)


ROWS: Final = 300


def _fill(session: Session) -> None:
    session.add_all([Shelf(id=1), Shelf(id=2)])
    session.flush()
    session.add_all(
        Book(id=n, name=f"b{n % 7}", owner="ann" if n % 3 else "bob", shelf_id=1 + n % 2)
        for n in range(1, ROWS + 1)
    )
    session.add_all(Code(code=f"c{n:03}") for n in range(150))


@pytest.fixture
def api(serve: Serve) -> ModelApi:
    api = serve(Base.metadata)
    api.orm(_fill)
    api.sql("ANALYZE")
    return api


def counted(api: ModelApi, path: str, prefer: str | None = None) -> tuple[str | None, str | None]:
    """Return the range of a list, and the preference that was applied."""
    response = api.get(path, headers={} if prefer is None else {"Prefer": prefer})
    assert response.status_code == 200, response.text
    headers = response.headers
    return headers.get("content-range"), headers.get("preference-applied")


def counts_of(api: ModelApi, path: str, prefer: str) -> int:
    """Return how often a request counts rows."""
    before = len(api.database.sql)
    counted(api, path, prefer)
    return sum("count(" in sql for sql in api.database.sql[before:])


CASES: Final = (
    ("/books", None, "items 0-99/300", None),
    ("/books", "count=exact", "items 0-99/300", "count=exact"),
    ("/books", "count=none", "items 0-99/*", "count=none"),
    ("/books?offset=100", "count=none", "items 100-199/*", "count=none"),
    ("/books?page=1", "count=none", "items 100-199/*", "count=none"),
    # Where the page tells the total, it is not kept back.
    ("/books?offset=250", "count=none", "items 250-299/300", "count=exact"),
    ("/books?count=1000", "count=none", "items 0-299/300", "count=exact"),
    ("/books?count=300", "count=none", "items 0-299/300", "count=exact"),
    ("/books?offset=999", "count=none", None, "count=none"),
    ("/books?name=x", "count=none", "items 0-0/0", "count=exact"),
    ("/books", 'handling=lenient, COUNT="none"; x=1', "items 0-99/*", "count=none"),
    ("/books", "count=none, count=exact", "items 0-99/*", "count=none"),
    # What is not understood is ignored (RFC 7240).
    ("/books", "count=planned", "items 0-99/300", None),
    ("/books", "count, return=minimal", "items 0-99/300", None),
)


def test_list_is_counted_as_the_caller_prefers(api: ModelApi) -> None:
    api.crud.resource(Book)
    for path, prefer, expected, applied in CASES:
        assert counted(api, path, prefer) == (expected, applied), (path, prefer)


def test_list_without_a_total_runs_one_statement(api: ModelApi) -> None:
    api.crud.resource(Book)
    assert counts_of(api, "/books", "count=exact") == 1
    assert counts_of(api, "/books", "count=none") == 0
    cursor = api.get("/books").links["next"]["url"]
    before = len(api.database.sql)
    assert api.get(cursor).headers["content-range"] == "items 100-199/*"
    assert len(api.database.sql) == before + 1


def test_page_of_a_cursor_is_counted_on_request(api: ModelApi) -> None:
    api.crud.resource(Book)
    cursor = api.get("/books").links["next"]["url"]
    assert counted(api, cursor) == ("items 100-199/*", None)
    assert counted(api, cursor, "count=exact") == ("items 100-199/300", "count=exact")
    assert counted(api, cursor, "count=none") == ("items 100-199/*", "count=none")


def test_option_total_applies_without_a_preference(api: ModelApi) -> None:
    api.crud.resource(Book, total="none")
    assert counted(api, "/books") == ("items 0-99/*", None)
    assert counted(api, "/books?offset=100") == ("items 100-199/*", None)
    assert counted(api, "/books", "count=exact") == ("items 0-99/300", "count=exact")
    assert counted(api, "/books?count=1000") == ("items 0-299/300", None)
    whole = api.get("/books?count=1000").json()
    followed = []
    path: str | None = "/books"
    while path is not None:
        page = api.get(path)
        followed += page.json()
        path = page.links.get("next", {}).get("url")
    assert followed == whole


def test_estimate_of_a_whole_table_is_near_and_never_below_the_page(api: ModelApi) -> None:
    api.crud.resource(Book, total="estimated")
    assert counted(api, "/books") == ("items 0-99/300", "count=estimated")
    assert counts_of(api, "/books", "count=estimated") == 0
    api.sql("DELETE FROM books WHERE id BETWEEN 150 AND 250")  # Nothing is analysed since.
    assert counted(api, "/books") == ("items 0-99/300", "count=estimated")
    assert counted(api, "/books?offset=190") == ("items 190-198/199", None)
    assert counted(api, "/books?offset=999") == ("items */300", "count=estimated")
    assert counted(api, "/books", "count=exact") == ("items 0-99/199", "count=exact")


def test_estimate_of_a_filter_is_the_planners_and_on_sqlite_the_count(api: ModelApi) -> None:
    api.crud.resource(Book, total="estimated", associations=True)
    api.crud.resource(Shelf, total="estimated", associations=True)
    api.crud.resource(Code, total="estimated")
    applied = None if api.is_sqlite else "count=estimated"
    for path in (
        "/books?owner=ann&",
        "/books?owner=ann&name__in=b1,b2,b3,b4,b5&",
        "/shelves/1/books?",
        "/codes?",
    ):
        shown, preference = counted(api, path)
        assert shown is not None
        (total,) = map(int, re.findall(r"items 0-99/(\d+)", shown))
        assert preference == applied
        actual = len(api.get(f"{path}count=1000").json())
        assert total == actual if api.is_sqlite else actual / 2 < total < actual * 2, path


def test_list_under_a_hooks_criteria_is_never_estimated(api: ModelApi) -> None:
    books = api.crud.resource(Book, total="estimated")

    @books.list.fetch.before
    async def narrow(context: Context) -> None:
        context.criteria["owner"] = "ann"

    assert counted(api, "/books") == ("items 0-99/200", None)
    assert counted(api, "/books", "count=estimated") == ("items 0-99/200", "count=exact")
    assert counted(api, "/books", "count=none") == ("items 0-99/*", "count=none")


def test_list_under_a_policy_of_postgresql_is_never_estimated(serve: Serve) -> None:
    api = serve(Base.metadata)
    if api.is_sqlite:
        pytest.skip("SQLite has no row policies")
    api.orm(_fill)
    for statement in (
        "ANALYZE",
        "DROP ROLE IF EXISTS reader_of_books",
        "CREATE ROLE reader_of_books LOGIN",
        "GRANT USAGE ON SCHEMA public TO reader_of_books",
        "GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader_of_books",
        "ALTER TABLE books ENABLE ROW LEVEL SECURITY",
        "CREATE POLICY own ON books USING (owner = 'ann')",
    ):
        api.sql(statement)
    url = make_url(api.url).set(username="reader_of_books")
    reader = ModelApi(url.render_as_string(hide_password=False))
    try:
        reader.crud.resource(Book, total="estimated")
        assert counted(reader, "/books", "count=estimated") == ("items 0-99/200", "count=exact")
        api.sql("ALTER TABLE books DISABLE ROW LEVEL SECURITY")
        assert counted(reader, "/books", "count=estimated") == (
            "items 0-99/300",
            "count=estimated",
        )
    finally:
        reader.close()
        api.sql("DROP OWNED BY reader_of_books")
        api.sql("DROP ROLE reader_of_books")


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"total": "planned"}, "option total: must be one of exact, estimated, none"),
        ({"total": None}, "option total: must be one of"),
        ({"total": "none", "pagination": False}, "option total: 'none' contradicts pagination"),
    ],
)
def test_wrong_total_stops_the_start(serve: Serve, options: dict[str, Any], text: str) -> None:
    api = serve(Base.metadata)
    with pytest.raises(ConfigurationError, match=text):
        api.crud.resource(Book, **options)


def test_total_set_by_a_hook_is_used(api: ModelApi) -> None:
    books = api.crud.resource(Book, total="none")

    @books.list.fetch.after
    async def count(context: Context) -> None:
        context.total = 4711

    assert counted(api, "/books") == ("items 0-99/4711", None)
