"""The option ``previous_key``: a row whose key is not stored renames the row with its old one."""

from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, validates

from encore import ConfigurationError
from encore.openapi.document import make_document
from encore.types import Timestamps
from encore.uploads import MergeContext, UploadedRow
from tests.fixtures.models import ModelApi, Serve
from tests.fixtures.openapi import json_schema, resolve, resolved
from tests.fixtures.uploads import NDJSON, ndjson, statuses


class Base(DeclarativeBase):
    pass


class Note(Timestamps, Base):
    __tablename__ = "notes"
    __table_args__ = (sa.UniqueConstraint("box", "code", "owner"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    box: Mapped[str] = mapped_column(sa.String(20), default="b")
    code: Mapped[str | None] = mapped_column(sa.String(5))
    text: Mapped[str] = mapped_column(sa.String(20))
    owner: Mapped[str] = mapped_column(sa.String(20))
    version: Mapped[int] = mapped_column(server_default="1")
    __mapper_args__: Any = {"version_id_col": version}  # noqa: RUF012 - SQLAlchemy's form


class Letter(Base):
    """Needs ORM sessions."""

    __tablename__ = "letters"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    text: Mapped[str | None]
    version: Mapped[int] = mapped_column()
    __mapper_args__: Any = {"version_id_col": version}  # noqa: RUF012 - SQLAlchemy's form

    @validates("code")
    def check_code(self, _: str, value: str) -> str:
        if value == "bad":
            raise ValueError("is a bad code")
        return value


class Notes:
    """Uploads notes for one owner at a time."""

    def __init__(self, api: ModelApi) -> None:
        self.api = api
        self.owner = "ada"
        notes = api.crud.resource(Note, read_only_attributes=["owner"])
        self.hooks = api.crud.upload(
            notes,
            natural_key=["box", "code"],
            owned_by=["owner"],
            previous_key={"code": "formerCode"},
        )
        self.hooks.validate_row(self._complete)

    def _complete(self, row: UploadedRow) -> None:
        row.attributes["owner"] = self.owner
        row.attributes.setdefault("box", "b")

    def upload(self, rows: Any, owner: str = "ada", status: int = 200, **params: str) -> Any:
        self.owner = owner
        response = self.api.post("/notes/upload", rows, params=params)
        assert response.status_code == status, response.text
        return response.json()

    def stored(self) -> list[tuple[Any, ...]]:
        rows = self.api.rows(Note)
        return sorted((r["id"], r["code"], r["text"], r["version"], r["owner"]) for r in rows)


@pytest.fixture
def notes(serve: Serve) -> Notes:
    notes = Notes(serve(Base.metadata))
    notes.upload([{"code": "a", "text": "one"}, {"code": "b", "text": "two"}])
    return notes


def renaming(code: str, former: str, text: str = "one", **values: Any) -> dict[str, Any]:
    return {"code": code, "formerCode": former, "text": text, **values}


def test_pure_rename_is_unchanged_and_counts_the_version_up(notes: Notes) -> None:
    before = notes.api.read("/notes/1")
    report = notes.upload([renaming("c", "a")])
    assert report["rows"] == [{"line": 1, "status": "unchanged", "id": 1}]
    assert notes.stored() == [(1, "c", "one", 2, "ada"), (2, "b", "two", 1, "ada")]
    assert notes.api.read("/notes/1")["updatedAt"] > before["updatedAt"]
    assert statuses(notes.upload([renaming("c", "a")])) == ["unchanged"]
    assert notes.stored()[0] == (1, "c", "one", 2, "ada")


def test_rename_with_other_values_is_updated(notes: Notes) -> None:
    assert statuses(notes.upload([renaming("c", "a", "three")])) == ["updated"]
    assert notes.stored()[0] == (1, "c", "three", 2, "ada")


def test_single_row_is_renamed(notes: Notes) -> None:
    body = notes.upload(renaming("c", "a"))
    assert (body["id"], body["code"]) == (1, "c")


def test_dry_run_renames_nothing(notes: Notes) -> None:
    rows = [renaming("c", "a"), renaming("d", "b", "x"), renaming("e", "z")]
    report = notes.upload(rows, dry_run="true")
    assert statuses(report) == ["unchanged", "updated", "created"]
    assert [row[1] for row in notes.stored()] == ["a", "b"]


def test_stored_own_key_overrides_previous_key(notes: Notes) -> None:
    report = notes.upload([renaming("b", "a", "two")])
    assert report["rows"] == [{"line": 1, "status": "unchanged", "id": 2}]
    assert [row[1] for row in notes.stored()] == ["a", "b"]


def test_row_of_another_owner_or_other_rest_of_the_key_is_not_renamed(notes: Notes) -> None:
    assert statuses(notes.upload([renaming("c", "a")], owner="bob")) == ["created"]
    assert statuses(notes.upload([renaming("d", "a", box="other")])) == ["created"]
    assert [row[1] for row in notes.stored()] == ["a", "b", "c", "d"]


def test_first_of_two_rows_with_one_previous_key_renames(notes: Notes) -> None:
    report = notes.upload([renaming("c", "a"), renaming("d", "a")])
    assert statuses(report) == ["unchanged", "created"]
    assert [row[1] for row in notes.stored()] == ["c", "b", "d"]


@pytest.mark.parametrize("part_rows", [1, 10_000])
def test_previous_key_that_is_the_key_of_another_row_renames_nothing(
    notes: Notes, part_rows: int
) -> None:
    notes.hooks.parts.rows = part_rows
    rows = [renaming("c", "a", "new"), renaming("a", "x"), renaming("e", "e")]
    report = notes.upload(rows, mode="partial")
    assert statuses(report) == ["created", "unchanged", "created"]
    assert [row[1:3] for row in notes.stored()] == [
        ("a", "one"),
        ("b", "two"),
        ("c", "new"),
        ("e", "one"),
    ]


def test_upload_in_parts_renames(notes: Notes) -> None:
    notes.hooks.parts.rows = 2
    notes.upload([{"code": f"o{n}", "text": "x"} for n in range(5)])
    rows = ndjson([renaming(f"n{n}", f"o{n}", "x") for n in range(7)])
    response = notes.api.post(
        "/notes/upload?mode=partial", content=rows, headers={"Content-Type": NDJSON}
    )
    assert statuses(response.json()) == ["unchanged"] * 5 + ["created"] * 2
    assert [row[1] for row in notes.stored()][2:7] == [f"n{n}" for n in range(5)]


def test_many_rows_are_renamed_in_time_that_grows_with_their_number(notes: Notes) -> None:
    rows = [{"code": f"{n}", "text": "x"} for n in range(20_000)]
    renamed = [renaming(f"n{n:x}", f"{n}", "x") for n in range(20_000)]
    for body in (rows, renamed):  # Quadratic statements would take minutes.
        report = notes.upload(body, report="rejected")
    assert report["unchanged"] == 20_000


def test_chain_of_renames_keeps_all_rows(notes: Notes) -> None:
    report = notes.upload([renaming("b", "a"), renaming("c", "b", "two")])
    assert statuses(report) == ["updated", "created"]  # The row with code b is the first's.
    assert [row[1:3] for row in notes.stored()] == [("a", "one"), ("b", "one"), ("c", "two")]


def test_rejected_row_is_not_renamed(notes: Notes) -> None:
    @notes.hooks.validate_merge
    async def reject(merge: MergeContext) -> None:
        await merge.reject(merge.staging.is_renamed, "code", "must not be renamed")

    assert statuses(notes.upload([renaming("c", "a")], mode="partial")) == ["rejected"]
    assert notes.stored()[0] == (1, "a", "one", 1, "ada")


def test_hooks_see_which_rows_are_written(notes: Notes) -> None:
    seen: list[Any] = []

    @notes.hooks.before_write
    async def look(merge: MergeContext) -> None:
        staging = merge.staging
        rows = sa.select(staging.line, staging.is_renamed).where(staging.is_written)
        seen.extend(await merge.fetch_all(rows.order_by(staging.line)))

    notes.upload([renaming("c", "a"), {"code": "b", "text": "two"}, renaming("d", "z")])
    assert [(line, bool(renamed)) for line, renamed in seen] == [(1, True), (3, False)]


def test_key_that_the_database_rejects_is_rejected(notes: Notes) -> None:
    notes.api.sql("CREATE UNIQUE INDEX one_code ON notes (code)")
    notes.upload([{"code": "c", "text": "bob's"}], owner="bob")
    report = notes.upload([renaming("c", "a"), renaming("d", "b", "two")], mode="partial")
    assert statuses(report) == ["rejected", "unchanged"]
    assert report["rows"][0]["errors"][0]["field"] == "code"
    assert [row[1] for row in notes.stored()] == ["a", "d", "c"]
    assert notes.upload([renaming("c", "a")], status=400)["rejected"] == 1


def test_invalid_previous_keys_are_rejected(notes: Notes) -> None:
    rows = [
        {"code": "c", "formerCode": ["a"], "text": "x"},
        renaming("c", "too long"),
        {"text": "x", "formerCode": "a"},
        {"code": "e", "text": "x", "formerCode": None},
    ]
    report = notes.upload(rows, mode="partial")
    assert statuses(report) == ["rejected"] * 3 + ["created"]
    assert [row["errors"][0] for row in report["rows"][:3]] == [
        {"field": "formerCode", "message": "formerCode cannot be an array or an object"},
        {"field": "formerCode", "message": "formerCode must be at most 5 characters long, not 8"},
        {"field": "code", "message": "code is required with formerCode"},
    ]


def test_csv_may_have_a_column_of_previous_keys(notes: Notes) -> None:
    response = notes.api.post(
        "/notes/upload",
        content="code,text,formerCode\nc,one,a\nb,two,\n",
        headers={"Content-Type": "text/csv"},
    )
    assert statuses(response.json()) == ["unchanged", "unchanged"]
    assert [row[1] for row in notes.stored()] == ["c", "b"]


def test_model_written_by_sessions_is_renamed(serve: Serve) -> None:
    api = serve(Base.metadata)
    letters = api.crud.resource(Letter)
    api.crud.upload(letters, natural_key=["code"], previous_key={"code": "was"})
    api.post("/letters/upload", [{"code": code, "text": "x"} for code in "abc"])
    rows = [
        {"code": "A", "was": "a", "text": "x"},
        {"code": "B", "was": "b", "text": "y"},
        {"code": "bad", "was": "c", "text": "x"},
        {"code": "d", "was": "z"},
    ]
    report = api.post("/letters/upload", rows, params={"mode": "partial"}).json()
    assert statuses(report) == ["unchanged", "updated", "rejected", "created"]
    stored = api.read("/letters", sort="id")
    assert [(row["code"], row["text"], row["version"]) for row in stored] == [
        ("A", "x", 2),
        ("B", "y", 2),
        ("c", "x", 1),
        ("d", None, 1),
    ]


def test_upload_without_previous_key_rejects_the_member(serve: Serve) -> None:
    api = serve(Base.metadata)
    api.crud.upload(api.crud.resource(Letter), natural_key=["code"])
    response = api.post("/letters/upload", [{"code": "A", "was": "a"}])
    assert response.status_code == 400
    assert response.json()["errors"][0]["field"] == "was"


def test_openapi_describes_the_member(notes: Notes) -> None:
    document = resolved(make_document(notes.api.app))
    body = document["paths"]["/notes/upload"]["post"]["requestBody"]
    row = resolve(document, json_schema(body)["items"])
    member = row["properties"]["formerCode"]
    assert (member["type"], member["maxLength"]) == (["string", "null"], 5)
    assert "new one" in member["description"]
    assert "formerCode" not in row["required"]


@pytest.mark.parametrize(
    ("previous", "message"),
    [
        (["code"], "must be a dict of names"),
        ({"text": "former"}, "'text' must be one of natural_key"),
        ({"code": "text"}, "'text' must be a name that no field has"),
        ({"unknown": "former"}, "'unknown' is not one of"),
    ],
)
def test_invalid_option_stops_the_start(serve: Serve, previous: Any, message: str) -> None:
    api = serve(Base.metadata)
    notes = api.crud.resource(Letter)
    with pytest.raises(ConfigurationError, match=message):
        api.crud.upload(notes, natural_key=["code"], previous_key=previous)
