"""Streams in parts, read by the parser of ``email``: their rows, and the cursors between them."""

import re
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from tests.fixtures.models import ModelApi, Serve

TYPES = ["text/csv", "application/x-ndjson"]
ROWS = 1_500
PATHS = [
    "/books",
    "/books?sort=-rank,title",
    "/books?rank__gte=3&fields=id,rank&sort=rank",
    "/books?id=999999",
]


class Base(DeclarativeBase):
    pass


class Book(Base):
    __tablename__ = "books"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    rank: Mapped[int | None]


@pytest.fixture
def books(serve: Serve) -> ModelApi:
    api = serve(Base.metadata)
    api.crud.resource(Book)

    def fill(session: Session) -> None:
        session.add_all(
            # Line ends and quotes, and what looks like a boundary.
            Book(title=f'a\r\n--b"{n}', rank=None if n % 4 == 0 else n % 10)
            for n in range(ROWS)
        )

    api.orm(fill)
    return api


def stream_in_parts(api: ModelApi, path: str, type_: str) -> list[EmailMessage]:
    """Return the parts of a stream, as ``email`` reads them."""
    accept = {"Accept": f'multipart/mixed; type="{type_}"', "Accept-Encoding": "identity"}
    response = api.get(path, headers=accept)
    assert response.status_code == 200
    head = f"Content-Type: {response.headers['content-type']}\r\n\r\n".encode()
    message: Any = message_from_bytes(head + response.content, policy=policy.HTTP)
    assert not message.defects
    return list(message.iter_parts())


def body_of(part: EmailMessage) -> bytes:
    body = part.get_payload(decode=True)
    assert isinstance(body, bytes)
    assert len(body) == int(part["Content-Length"])
    return body


def link_of(part: EmailMessage) -> str:
    """Return the URL of a part's link."""
    return re.fullmatch(r'<(\S+)>; rel="next"', part["Link"])[1]  # type: ignore[index] # else it fails


@pytest.mark.parametrize("type_", TYPES)
@pytest.mark.parametrize("path", PATHS)
def test_bodies_of_parts_are_the_stream_without_parts(
    books: ModelApi, path: str, type_: str
) -> None:
    whole = books.get(path, headers={"Accept": type_}).content
    parts = stream_in_parts(books, path, type_)
    assert b"".join(map(body_of, parts)) == whole
    assert {part.get_content_type() for part in parts} == {type_}
    assert all(part["Link"] for part in parts[:-1])
    assert parts[-1]["Link"] is None
    assert len(parts) > 1 or "999999" in path


@pytest.mark.parametrize("type_", TYPES)
def test_cursor_of_a_part_continues_after_its_rows(books: ModelApi, type_: str) -> None:
    path = "/books?sort=-rank,title"
    whole = books.get(path, headers={"Accept": type_}).content
    head = whole[: whole.index(b"\r\n") + 2] if type_ == "text/csv" else b""
    first, *later = stream_in_parts(books, path, type_)
    done = len(body_of(first))
    rest = stream_in_parts(books, link_of(first), type_)
    assert b"".join(map(body_of, rest)) == head + whole[done:]
    assert first["Content-Range"] == "items 0-199/*"
    assert rest[0]["Content-Range"].startswith("items 200-")
    assert link_of(later[-2]).startswith("/books?sort=-rank%2Ctitle&cursor=")


def test_only_the_first_part_of_csv_has_a_header(books: ModelApi) -> None:
    parts = stream_in_parts(books, "/books", "text/csv")
    parameters = [part["Content-Type"].params["header"] for part in parts]
    assert parameters == ["present", *["absent"] * (len(parts) - 1)]


def test_list_without_pagination_is_streamed_in_parts_without_cursors(serve: Serve) -> None:
    api = serve(Base.metadata)
    api.crud.resource(Book, pagination=False)
    api.orm(lambda session: session.add_all(Book(title="x") for _ in range(500)))
    parts = stream_in_parts(api, "/books", "text/csv")
    assert len(parts) > 1
    assert [part["Link"] for part in parts] == [None] * len(parts)


def test_parts_must_be_named_and_have_no_file_name(books: ModelApi) -> None:
    def content_type(accept: str) -> str:
        response = books.get("/books?id=1", headers={"Accept": accept})
        return response.headers["content-type"].partition("; boundary=")[0]

    assert content_type('multipart/mixed; type="text/csv", text/csv;q=0.5').endswith('"text/csv"')
    assert content_type("multipart/mixed").endswith('type="text/csv"')
    assert content_type("multipart/*, */*;q=0.1") == "application/json"
    response = books.get("/books", headers={"Accept": "multipart/mixed"})
    assert "content-disposition" not in response.headers
    other = books.get("/books", headers={"Accept": 'multipart/mixed; type="text/html"'})
    assert other.status_code == 406


@pytest.mark.parametrize("query", ["_sort=rank&_order=desc", 'filter={"rank_gte":3}'])
def test_parts_of_a_query_in_a_dialect_have_no_link(books: ModelApi, query: str) -> None:
    books.crud.resource(
        Book, endpoints=["/items", "/items/{id}"], dialects=["react-admin", "json-server"]
    )
    parts = stream_in_parts(books, f"/items?{query}", "application/x-ndjson")
    assert len(parts) > 1
    assert [part["Link"] for part in parts] == [None] * len(parts)
