"""The query grammar under hypothesis: only documented errors, and values round-trip."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_from_bytes, urlencode

import pytest
from fastapi import FastAPI
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy import String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from encore import Crud
from encore.database.sqlite import SqliteDatabase
from encore.errors import ApiError
from encore.types import Timestamps


class Base(DeclarativeBase):
    """The base of this module's model."""


class TextItem(Timestamps, Base):
    """A row of texts whose names in JSON differ from those in Python."""

    __tablename__ = "text_items"

    id: Mapped[int] = mapped_column(primary_key=True)
    part_number: Mapped[str | None] = mapped_column("partNumber", String(255))
    model_number: Mapped[str | None] = mapped_column("modelNumber", String(255))
    name: Mapped[str | None] = mapped_column(String(255))
    description: Mapped[str | None] = mapped_column(Text)


# No database is opened: a query is understood, or not, before it is asked.
RESOURCE = Crud(FastAPI(), SqliteDatabase(Path("never-opened.sqlite"))).resource(TextItem)

COLUMNS = ["id", "partNumber", "modelNumber", "name", "description", "createdAt", "updatedAt"]
TEXTS = ["partNumber", "modelNumber", "name", "description"]
# Letters of the grammar come more often than chance would have them.
GRAMMAR = st.sampled_from([*"[]{}\"',-+_%\\.=&~!:;()<>*|", "null", "true", "$gt", "__", " ", "%25"])
FREE = st.lists(GRAMMAR | st.text(max_size=5), max_size=8).map("".join)
NAMES = st.sampled_from([*COLUMNS, "q", "sort", "count", "offset", "page"]) | FREE
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=40)


def read(query: str | bytes) -> Any:
    """Return the parsed query string of a list."""
    query_string = query.encode() if isinstance(query, str) else query
    return RESOURCE.parse_list_query({"query_string": query_string, "headers": []})


def outcome(query: str | bytes) -> Any:
    """Return the parsed query string, or its error."""
    try:
        return read(query)
    except ApiError as refusal:
        return refusal


@given(st.lists(st.tuples(NAMES, FREE), max_size=6))
@example([("id", "[" * 5000)])
@example([("id", "9" * 5000)])
@example([("name", '["' + "\\ud800" + '"]')])
@example([("createdAt", "9999-12-31T23:59:59-23:59")])
@example([("page", "9" * 30), ("count", "-" + "9" * 30)])
def test_query_is_parsed_or_rejected(pairs: list[tuple[str, str]]) -> None:
    query = urlencode(pairs, errors="surrogatepass")
    found = outcome(query)
    if isinstance(found, ApiError):
        assert found.status == 400
        assert found.message
    else:
        assert 1 <= found.count <= 1000
        assert 0 <= found.offset < 2**63
        assert found == read(query)


@given(st.binary(max_size=200))
def test_any_bytes_are_parsed_or_rejected(query: bytes) -> None:
    for text in (query, quote_from_bytes(query).encode(), b"name=" + query):
        found = outcome(text)
        assert not isinstance(found, ApiError) or found.status == 400


@given(st.sampled_from(TEXTS), TEXT)
@example("name", "null")
@example("name", "[1]")
@example("name", '"')
@example("name", '["a"]')
@example("name", "")
@example("name", "-1")
@example("name", "a b+c&d=e%25;f")
def test_quoted_text_is_returned_unchanged(field: str, text: str) -> None:
    for form in (json.dumps(text), json.dumps([text]), json.dumps(text, ensure_ascii=False)):
        assert read(f"{field}={quote(form)}").values == (text,)
    if text != "null" and text[:1] not in ("[", '"'):
        assert read(urlencode({field: text})).values == (text,)


@given(st.sampled_from(TEXTS), st.lists(TEXT, min_size=2, max_size=20, unique=True))
def test_a_list_of_texts_comes_back_in_either_form(field: str, texts: list[str]) -> None:
    array = read(f"{field}={quote(json.dumps(texts))}")
    repeated = read("&".join(f"{field}={quote(json.dumps(text))}" for text in texts))
    assert set(array.values) == set(repeated.values) == set(texts)
    assert array.statement_key == repeated.statement_key


@given(st.integers(-(2**53), 2**53 - 1))
def test_a_number_comes_back(number: int) -> None:
    assert read(f"id={number}").values == (number,)
    assert read(f"id=[{number}]").values == (number,)


@given(st.integers(max_value=-(2**53) - 1) | st.integers(min_value=2**53))
def test_number_outside_the_column_is_rejected(number: int) -> None:
    with pytest.raises(ApiError, match="id must be"):
        read(f"id={number}")


@given(
    st.integers(-(10**20), 10**20),
    st.integers(0, 10**9),
    st.integers(0, 10**9),
)
def test_count_offset_and_page_add_up(count: int, offset: int, page: int) -> None:
    size = 100 if count < 1 else min(count, 1000)
    found = read(f"count={count}&offset={offset}&page={page}")
    assert (found.count, found.offset) == (size, offset + page * size)


@given(st.lists(st.tuples(st.sampled_from(COLUMNS), st.booleans()), min_size=1, max_size=10))
def test_an_order_comes_back_and_ends_with_the_key(terms: list[tuple[str, bool]]) -> None:
    sort = ",".join(("-" if descending else "") + name for name, descending in terms)
    order = read(f"sort={sort}").statement_key.order
    expected: dict[str, bool] = {}
    for name, descending in terms:
        expected.setdefault(name, descending)
    expected.setdefault("id", False)
    assert [(term.field.name, term.descending) for term in order] == list(expected.items())


@given(TEXT.filter(lambda text: text not in COLUMNS and text.removeprefix("-") not in COLUMNS))
def test_what_is_no_column_is_not_sorted_by(text: str) -> None:
    if "," in text:
        return
    with pytest.raises(ApiError, match="Sorting not allowed on given attributes") as refusal:
        read(f"sort={quote(text)}")
    assert refusal.value.errors == [text.removeprefix("-")]


@given(TEXT.filter(bool))
def test_a_search_is_never_a_pattern_of_the_callers_own(text: str) -> None:
    (pattern, *others) = read(f"q={quote(text)}").values
    assert others == [pattern] * (len(TEXTS) - 1)
    unescaped = pattern[1:-1].replace("\\\\", "\x00").replace("\\%", "%").replace("\\_", "_")
    # Case is ignored by a pattern in lower case; that of other letters than ASCII's counts.
    folded = "".join(one.lower() if one.isascii() else one for one in text)
    assert unescaped.replace("\x00", "\\") == folded


@given(st.text(st.characters(categories=["Ll", "Lu"]), min_size=1, max_size=20))
def test_unknown_name_is_rejected_and_repeated(name: str) -> None:
    if name in {*COLUMNS, "q", "sort", "count", "offset", "page", "or", "not", "fields"}:
        return
    with pytest.raises(ApiError) as refusal:
        read(urlencode({name: "1"}))
    assert f"Unknown query parameter {name!r}" in refusal.value.message
