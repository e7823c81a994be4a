"""Values in CSV and NDJSON, compared with the JSON of the list."""

import csv
import datetime as dt
import enum
import io
import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from encore.streams.formulas import escape_formula, unescape_formula
from encore.types import DurationHours, FixedDecimal, UtcDateTime
from tests.fixtures.models import ModelApi, Serve

CSV = {"Accept": "text/csv", "Accept-Encoding": "identity"}
NDJSON = {"Accept": "application/x-ndjson", "Accept-Encoding": "identity"}
FORMULAS = ["=1+1", "+1", "-5", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\uff1d1", "'=1", "''-1"]
PLAIN = [
    "",
    " ",
    "a",
    "'",
    "it's",
    "'quoted'",
    'say "so"',
    "a,b",
    "two\r\nlines",
    "ä€𝄞",
    " =1",
    "x ",
]


class Base(DeclarativeBase):
    pass


class Mood(enum.Enum):
    good = "g"
    bad = "b"


class Owner(Base):
    __tablename__ = "owners"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    country: Mapped[str | None]
    pets: Mapped[list["Pet"]] = relationship(back_populates="owner")


class Pet(Base):
    __tablename__ = "pets"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str | None]
    whole: Mapped[int | None]
    ratio: Mapped[float | None]
    price: Mapped[Decimal | None] = mapped_column(sa.Numeric(12, 2))
    hours: Mapped[Decimal | None] = mapped_column(FixedDecimal(2))
    walked: Mapped[Decimal | None] = mapped_column(DurationHours)
    tame: Mapped[bool | None]
    born: Mapped[dt.date | None]
    fed: Mapped[dt.time | None]
    at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime())
    mood: Mapped[Mood | None]
    chip: Mapped[UUID | None]
    photo: Mapped[bytes | None]
    facts: Mapped[Any | None] = mapped_column(sa.JSON(none_as_null=True))
    owner_id: Mapped[int | None] = mapped_column(sa.ForeignKey("owners.id"))
    owner: Mapped[Owner | None] = relationship(back_populates="pets")


FULL: dict[str, Any] = {
    "name": "Rex",
    "whole": -5,
    "ratio": -1e16,
    "price": "-5.50",
    "hours": -7.25,
    "walked": 0.3333,
    "tame": True,
    "born": "2020-02-29",
    "fed": "06:30:00",
    "at": "2020-02-29T06:30:00.120Z",
    "mood": "good",
    "chip": "12345678-1234-5678-1234-567812345678",
    "photo": "+/8A",
    "facts": {"likes": ["=bones", 1, None, 'a "b"'], "é": True},
}


def pets(serve: Serve) -> ModelApi:
    api = serve(Base.metadata)
    api.crud.upload(api.crud.resource(Pet), natural_key=["name"])
    return api


def table(text: str) -> list[list[str]]:
    """Parse CSV as RFC 4180 has it; every line ends with CRLF."""
    assert text.endswith("\r\n")
    return list(csv.reader(io.StringIO(text, newline=""), strict=True))


def as_cell(value: Any, *, document: bool = False) -> str:
    """Return the cell of a value in the page on streams."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case str() if not document:
            return value
        case _:
            return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def test_csv_stream_of_every_type_has_the_values_of_the_list(serve: Serve) -> None:
    api = pets(serve)
    api.create("/pets", **FULL)
    api.create("/pets", name="nothing")
    api.create("/pets", name="other", facts="=text", ratio=0.1, tame=False, price="0.05")
    header, *rows = table(api.get("/pets", headers=CSV).text)
    listed = api.read("/pets")
    assert header == list(listed[0])
    for cells, row in zip(rows, listed, strict=True):
        found = dict(zip(header, cells, strict=True))
        for name in ("ratio", "hours"):  # Numbers, however they are written.
            if found[name]:
                assert float(found.pop(name)) == row.pop(name)
        expected = {n: as_cell(v, document=n == "facts") for n, v in row.items() if n in found}
        if row["photo"]:
            expected["photo"] = f"'{row['photo']}"
        assert found == expected


def test_ndjson_stream_has_the_rows_of_the_list(serve: Serve) -> None:
    api = pets(serve)
    api.create("/pets", **FULL)
    api.create("/pets", name="nothing")
    response = api.get("/pets", headers=NDJSON)
    assert response.headers["content-type"] == "application/x-ndjson"
    assert response.headers["content-disposition"] == 'attachment; filename="pets.ndjson"'
    assert response.text.endswith("\n")
    assert [json.loads(line) for line in response.text.splitlines()] == api.read("/pets")


def test_csv_stream_escapes_texts_that_a_spreadsheet_would_run_and_no_numbers(serve: Serve) -> None:
    api = pets(serve)
    for text in (*FORMULAS, *PLAIN):
        api.create("/pets", name=text, whole=-5, price="-1.00", hours=-0.5, ratio=-2.5)
    response = api.get("/pets?fields=name,whole,price,hours,ratio", headers=CSV)
    kind = "text/csv; charset=utf-8; header=present; formulas=escaped"
    assert response.headers["content-type"] == kind
    assert response.headers["content-disposition"] == 'attachment; filename="pets.csv"'
    _, *rows = table(response.text)
    assert [row[0] for row in rows] == [f"'{text}" for text in FORMULAS] + PLAIN
    assert {tuple(row[1:]) for row in rows} == {("-5", "-2.5", "-1.00", "-0.5")}


@given(st.text(st.sampled_from("'=+-@\t\r\n\uff1d\uff0b\uff0d\uff20a,\" ")))
def test_escaped_text_is_no_formula_and_is_read_back_as_it_was(text: str) -> None:
    escaped = escape_formula(text)
    assert unescape_formula(escaped) == text
    assert not escaped.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))


def test_csv_stream_distinguishes_null_from_the_empty_string(serve: Serve) -> None:
    api = pets(serve)
    api.create("/pets", name="", whole=1)
    api.create("/pets", whole=2)
    assert api.get("/pets?fields=name,whole", headers=CSV).text == 'name,whole\r\n"",1\r\n,2\r\n'
    assert api.get("/pets?fields=name", headers=CSV).text == 'name\r\n""\r\n""\r\n'


def test_stream_of_no_rows_is_a_header_or_nothing(serve: Serve) -> None:
    api = pets(serve)
    assert api.get("/pets?fields=id,name", headers=CSV).text == "id,name\r\n"
    response = api.get("/pets", headers=NDJSON)
    assert (response.status_code, response.text) == (200, "")


def test_upload_reads_back_what_a_stream_has_written(serve: Serve) -> None:
    api = pets(serve)
    api.create("/pets", **FULL)
    for number, text in enumerate((*FORMULAS, *filter(str.strip, PLAIN))):
        api.create("/pets", name=text, whole=-number, facts=[text], price=f"-{number}.50")
    fields = ",".join([*FULL, "owner_id"])
    listed = api.read(f"/pets?fields={fields}")
    for accept in (CSV, NDJSON):
        exported = api.get(f"/pets?fields={fields}", headers=accept)
        kind = {"Content-Type": exported.headers["content-type"]}
        report = api.post("/pets/upload", content=exported.content, headers=kind).json()
        counts = [report[name] for name in ("created", "updated", "unchanged", "rejected")]
        assert counts == [0, 0, len(listed), 0], report
        api.sql("DELETE FROM pets")
        report = api.post("/pets/upload", content=exported.content, headers=kind).json()
        assert report["created"] == len(listed), report
        assert api.read(f"/pets?fields={fields}&sort=id") == listed


def test_csv_of_others_keeps_its_apostrophes_in_an_upload(serve: Serve) -> None:
    api = pets(serve)
    kind = {"Content-Type": "text/csv"}
    assert api.post("/pets/upload", content=b"name\r\n'=1\r\n", headers=kind).json()["created"] == 1
    assert api.read("/pets")[0]["name"] == "'=1"


def library(serve: Serve, include: Sequence[str]) -> ModelApi:
    api = serve(Base.metadata)
    api.crud.resource(Owner, include=["pets"])
    api.crud.resource(Pet, include=include, exclude_attributes={"owner": ["country"]})
    api.create("/owners", name="Ada", country="UK", pets=[{"name": "Rex"}, {"name": "=Tom"}])
    api.create("/pets", name="stray")
    return api


def test_csv_stream_has_columns_for_an_embedded_row_and_json_for_several(serve: Serve) -> None:
    api = library(serve, ["owner"])
    assert api.get("/pets?fields=name,owner", headers=CSV).text == (
        "name,owner.id,owner.name\r\nRex,1,Ada\r\n'=Tom,1,Ada\r\nstray,,\r\n"
    )
    _, (name, embedded, count) = table(api.get("/owners?fields=name,pets", headers=CSV).text)
    assert (name, count) == ("Ada", "")
    (owner,) = api.read("/owners?fields=name,pets")
    assert json.loads(embedded) == owner["pets"]


@pytest.mark.parametrize("query", ["fields=id", "children=", "children=owner", "fields=id,owner"])
def test_stream_shows_what_fields_and_children_name(serve: Serve, query: str) -> None:
    api = library(serve, ["owner"])
    lines = api.get(f"/pets?{query}", headers=NDJSON).text.splitlines()
    listed = api.read(f"/pets?{query}")
    assert [json.loads(line) for line in lines] == listed
    header, *rows = table(api.get(f"/pets?{query}", headers=CSV).text)
    assert len(rows) == len(listed)
    shown = {name.partition(".")[0] for name in header}
    assert shown == set(listed[0])


def test_stream_shows_stored_values_that_do_not_fit_as_the_list_does(serve: Serve) -> None:
    api = serve(Base.metadata)
    if not api.is_sqlite:
        pytest.skip("PostgreSQL's columns hold what they can")
    api.crud.resource(Pet)
    api.sql("INSERT INTO pets (name, whole, born) VALUES ('x', '=1+1', 'soon')")
    (listed,) = api.read("/pets")
    assert (listed["whole"], listed["born"]) == ("=1+1", "soon")
    assert json.loads(api.get("/pets", headers=NDJSON).text) == listed
    text = api.get("/pets?fields=name,whole,born", headers=CSV).text
    assert text == "name,whole,born\r\nx,'=1+1,soon\r\n"
