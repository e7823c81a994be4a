"""Requests for streams: content negotiation, and the rows of a stream."""

import gzip
import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

from encore import SearchOptions, SortOptions
from encore.errors import NotAcceptable
from encore.http.compression import accepts_gzip
from encore.streams.context import FIRST_ROWS, MAX_ROWS, PAGE_BYTES, PageSize
from tests.fixtures.models import ModelApi, Serve

CSV = {"Accept": "text/csv", "Accept-Encoding": "identity"}
NDJSON = {"Accept": "application/x-ndjson", "Accept-Encoding": "identity"}
ROWS = 450
"""Some pages' worth, and no multiple of one."""

PATHS = [
    "/books",
    "/books?sort=rank,-title",
    "/books?sort=-rank",
    "/books?sort=shelf.room,-rank",
    "/books?q=7&sort=-id",
    "/books?rank__gte=3&or=title__like=1|shelf.room=room 1&not=rank=5",
    "/books?preset=ranked&fields=id,rank&sort=rank",
    "/books?children=&rank=null",
    "/shelves/3/books",
    "/shelves/3/books?sort=title",
    "/shelves",
    "/pairs?sort=-left",
    "/books?id=999999",
]
ACCEPTED: list[tuple[str, str | None]] = [
    ("text/csv", "text/csv"),
    ("text/csv;q=0.5, */*;q=0.1", "text/csv"),
    ("text/csv, */*", "text/csv"),
    ("TEXT/CSV; charset=utf-8", "text/csv"),
    ("application/x-ndjson, text/csv;q=0.9", "application/x-ndjson"),
    ("application/json;q=0.3, text/csv;q=0.4", "text/csv"),
    ("text/csv, application/json", "application/json"),
    ("text/csv;q=0.2, application/json;q=0.3", "application/json"),
    ("text/csv;q=0, */*", "application/json"),
    ("*/*", "application/json"),
    ("text/html,application/xhtml+xml,*/*;q=0.8", "application/json"),
    ("application/*", "application/json"),
    ("text/csv;header=present;FORMULAS=Escaped", "text/csv"),
    ("text/csv;header=absent;q=1, text/csv;q=0.5", "text/csv"),
    ("text/csv;header=absent, */*;q=0.1", "application/json"),
    ("text/csv;header=absent", None),
    ('text/csv;charset="utf-16"', None),
    ("text/*", None),
    ("text/html", None),
    ("application/json;q=0, */*", None),
]


class Base(DeclarativeBase):
    pass


class Shelf(Base):
    __tablename__ = "shelves"
    id: Mapped[int] = mapped_column(primary_key=True)
    room: Mapped[str]
    books: Mapped[list["Book"]] = relationship(
        back_populates="shelf", order_by=lambda: (Book.rank.desc(), Book.id)
    )


class Book(Base):
    __tablename__ = "books"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    rank: Mapped[int | None]
    shelf_id: Mapped[int | None] = mapped_column(sa.ForeignKey("shelves.id"))
    shelf: Mapped[Shelf | None] = relationship(back_populates="books")


class Pair(Base):
    __tablename__ = "pairs"
    left: Mapped[str] = mapped_column(primary_key=True)
    right: Mapped[int] = mapped_column(primary_key=True)


@pytest.fixture
def books(serve: Serve) -> ModelApi:
    api = serve(Base.metadata)
    api.crud.resource(Shelf, associations=True)
    api.crud.resource(
        Book,
        include=["shelf"],
        search=SearchOptions(param="q", attributes=["title"]),
        sort=SortOptions(attributes=["id", "title", "rank", "shelf.room"]),
        presets={"ranked": lambda: Book.rank.is_not(None)},
    )
    api.crud.resource(Pair)

    def fill(session: Session) -> None:
        session.add_all(Shelf(id=n, room=f"room {n % 3}") for n in range(1, 6))
        session.flush()
        session.add_all(
            Book(
                title=f"book {n * 7919 % ROWS:04}",
                rank=None if n % 4 == 0 else n % 10,
                shelf_id=n % 6 or None,
            )
            for n in range(ROWS)
        )
        session.add_all(Pair(left=f"{n % 20}", right=n) for n in range(ROWS))

    api.orm(fill)
    return api


def streamed(api: ModelApi, path: str) -> list[dict[str, Any]]:
    response = api.get(path, headers=NDJSON)
    assert response.status_code == 200, response.text
    return [json.loads(line) for line in response.text.splitlines()]


def test_stream_has_all_rows_of_the_list_in_its_order(books: ModelApi) -> None:
    for path in PATHS:
        together = "&" if "?" in path else "?"
        assert streamed(books, path) == books.read(f"{path}{together}count=1000"), path


def test_stream_with_page_parameter_is_rejected(books: ModelApi) -> None:
    for name in ("count", "offset", "page"):
        response = books.get(f"/books?{name}=10", headers=CSV)
        assert response.status_code == 400
        text = f"{name} selects a page, but a stream has all rows"
        assert response.json()["errors"] == [{"field": name, "message": text}]


def test_stream_goes_on_behind_a_cursor_of_the_list(books: ModelApi) -> None:
    path = "/books?sort=rank,-title&title__like=1"
    whole = books.read(f"{path}&count=1000")
    first = books.get(f"{path}&count=30")
    cursor = parse_qs(urlsplit(first.links["next"]["url"]).query)["cursor"][0]
    assert streamed(books, f"{path}&cursor={cursor}") == whole[30:]
    assert len(books.get(f"{path}&cursor={cursor}", headers=CSV).text.splitlines()) == (
        len(whole) - 30 + 1
    )
    second = books.get(first.links["next"]["url"])
    backwards = parse_qs(urlsplit(second.links["prev"]["url"]).query)["cursor"][0]
    for query in (f"{path}&cursor={backwards}", f"/books?cursor={cursor}", "/books?cursor=x"):
        refused = books.get(query, headers=CSV)
        assert refused.status_code == 400, query
        assert [error["field"] for error in refused.json()["errors"]] == ["cursor"]


def test_stream_rejects_what_the_list_rejects(books: ModelApi) -> None:
    for query in ("titel=x", "rank=x", "sort=nothing", "fields=nothing"):
        refused = books.get(f"/books?{query}", headers=CSV)
        assert refused.status_code == 400
        assert refused.headers["content-type"] == "application/problem+json"
        assert refused.json()["detail"] == books.get(f"/books?{query}").json()["detail"]


def test_accept_with_stream_type_gets_a_stream_and_wildcard_does_not(books: ModelApi) -> None:
    for accept, kind in ACCEPTED:
        response = books.get("/books?id=1", headers={"Accept": accept})
        if kind is None:
            assert response.status_code == 406, accept
            known = "application/json or text/csv or application/x-ndjson"
            assert known in response.json()["detail"]
        else:
            assert response.status_code == 200, accept
            assert response.headers["content-type"].partition(";")[0] == kind, accept
            assert response.headers["vary"].startswith("Accept")


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        (None, "identity"),
        ("", "identity"),
        ("gzip", "gzip"),
        ("GZIP, deflate, br", "gzip"),
        ("x-gzip", "gzip"),
        ("*", "gzip"),
        ("gzip;q=0", "identity"),
        ("gzip;q=0.5, identity;q=0.4", "gzip"),
        ("gzip;q=0.4, identity;q=0.5", "identity"),
        ("br", "identity"),
        ("*;q=0, gzip;q=0.1", "gzip"),
        ("identity", "identity"),
        ("gzip;q=nonsense", "identity"),
        ("br, identity;q=0", None),
        ("*;q=0", None),
    ],
)
def test_accept_encoding_is_weighed_for_gzip(accepted: str | None, coding: str | None) -> None:
    headers = [] if accepted is None else [(b"accept-encoding", accepted.encode())]
    if coding is None:
        with pytest.raises(NotAcceptable):
            accepts_gzip({"headers": headers})
    else:
        assert accepts_gzip({"headers": headers}) == (coding == "gzip")


def test_gzipped_stream_is_the_stream_gzipped(books: ModelApi) -> None:
    plain = books.get("/books", headers=CSV)
    assert "content-encoding" not in plain.headers
    assert plain.headers["vary"] == "Accept, Accept-Encoding, Authorization"

    async def raw() -> tuple[httpx.Headers, bytes]:
        transport = httpx.ASGITransport(books.app)
        headers = {"Accept": "text/csv", "Accept-Encoding": "gzip"}
        async with (
            httpx.AsyncClient(transport=transport, base_url="http://inprocess") as client,
            client.stream("GET", "/books", headers=headers) as response,
        ):
            return response.headers, b"".join([part async for part in response.aiter_raw()])

    headers, data = books.run(raw())
    assert headers["content-encoding"] == "gzip"
    assert gzip.decompress(data) == plain.content


def test_head_of_a_stream_has_its_headers_and_no_body(books: ModelApi) -> None:
    got = books.get("/books", headers=CSV)
    head = books.request("HEAD", "/books", headers=CSV)
    names = ("content-type", "content-disposition", "vary")
    assert (head.status_code, head.content) == (200, b"")
    assert [head.headers[name] for name in names] == [got.headers[name] for name in names]
    assert books.request("HEAD", "/books?count=1", headers=CSV).status_code == 400


@pytest.mark.parametrize("version", ["1.0", "1"])
def test_stream_over_http_1_0_is_rejected(books: ModelApi, version: str) -> None:
    sent: list[Any] = []

    async def ask() -> None:
        async def send(message: Any) -> None:
            sent.append(message)

        async def receive() -> Any:
            return {"type": "http.request"}

        await books.app(
            {
                "type": "http",
                "http_version": version,
                "method": "GET",
                "path": "/books",
                "raw_path": b"/books",
                "query_string": b"",
                "headers": [(b"accept", b"text/csv")],
            },
            receive,
            send,
        )

    books.run(ask())
    assert sent[0]["status"] == 400
    assert b"HTTP/1.1" in sent[1]["body"]


def test_name_of_the_file_is_the_last_word_of_the_path(books: ModelApi) -> None:
    nested = books.get("/shelves/1/books", headers=CSV)
    assert nested.headers["content-disposition"] == 'attachment; filename="books.csv"'


def test_name_in_another_script_is_written_as_rfc_8187_has_it(serve: Serve) -> None:
    api = serve(Base.metadata)
    api.crud.resource(Shelf, endpoints=("/полки", "/полки/{id}"))
    disposition = api.get("/полки", headers=CSV).headers["content-disposition"]
    encoded = "%D0%BF%D0%BE%D0%BB%D0%BA%D0%B8.csv"
    assert disposition == f"attachment; filename=\"_____.csv\"; filename*=UTF-8''{encoded}"


def test_stream_of_wide_rows_has_pages_of_few_rows() -> None:
    size = PageSize()
    assert size.rows == FIRST_ROWS
    size.adapt(size.rows, size.rows * 1024 * 1024)
    assert size.rows == 1
    size.adapt(1, 100)
    assert size.rows > 1
    for _ in range(20):
        size.adapt(size.rows, size.rows * 100)
    assert size.rows == PAGE_BYTES // 100
    for _ in range(2):
        size.adapt(size.rows, 1)
    assert size.rows == MAX_ROWS
