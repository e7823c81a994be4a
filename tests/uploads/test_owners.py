"""The option ``owned_by``: rows match only stored rows of the same owner."""

import re
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from encore import ConfigurationError
from encore.uploads import MergeContext, UploadedRow
from tests.fixtures.models import ModelApi, Serve


class Base(DeclarativeBase):
    pass


class Note(Base):
    __tablename__ = "notes"
    __table_args__ = (sa.UniqueConstraint("code", "owner"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str | None] = mapped_column(sa.String(20))
    text: Mapped[str] = mapped_column(sa.String(20))
    owner: Mapped[str] = mapped_column(sa.String(20))
    editor: Mapped[str | None] = mapped_column(sa.String(20))


class Tag(Base):
    __tablename__ = "tags"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(20), unique=True)
    owner: Mapped[str] = mapped_column(sa.String(20))
    keeper: Mapped[str | None] = mapped_column(sa.String(20))


READ_ONLY = ["owner"]


class Notes:
    """Uploads notes for one owner at a time."""

    def __init__(self, api: ModelApi) -> None:
        self.api = api
        self.owner = "ada"
        notes = api.crud.resource(Note, read_only_attributes=READ_ONLY)
        upload = api.crud.upload(notes, natural_key=["code"], owned_by=["owner"])
        upload.validate_row(self._set_owner)

    def _set_owner(self, row: UploadedRow) -> None:
        row.attributes["owner"] = self.owner

    def upload(self, owner: str, rows: Any, status: int = 200, **params: str) -> Any:
        self.owner = owner
        response = self.api.post("/notes/upload", rows, params=params)
        assert response.status_code == status, response.text
        return response.json()

    def stored(self) -> list[tuple[str, str]]:
        return sorted((row["owner"], row["text"]) for row in self.api.rows(Note))


@pytest.fixture
def notes(serve: Serve) -> Notes:
    return Notes(serve(Base.metadata))


def statuses(report: Any) -> list[str]:
    return [row["status"] for row in report["rows"]]


def test_row_matches_only_rows_of_its_owner(notes: Notes) -> None:
    rows = [{"code": "a", "text": "one"}]
    assert statuses(notes.upload("ada", rows)) == ["created"]
    assert statuses(notes.upload("bob", rows)) == ["created"]
    assert statuses(notes.upload("bob", rows)) == ["unchanged"]
    assert statuses(notes.upload("bob", [{"code": "a", "text": "two"}])) == ["updated"]
    assert notes.stored() == [("ada", "one"), ("bob", "two")]


@pytest.mark.parametrize("params", [{}, {"mode": "partial"}, {"dry_run": "true"}])
def test_row_of_another_owner_does_not_change_the_report(
    notes: Notes, params: dict[str, str]
) -> None:
    rows = [{"code": "a", "text": "one"}, {"code": "a", "text": "two"}, {"code": "b", "text": "x"}]
    notes.upload("ada", rows[1:])
    free, taken = ([{**row, "code": row["code"] + end} for row in rows] for end in ("-free", ""))
    status = 400 if not params else 200
    expected, found = (notes.upload("bob", sent, status, **params) for sent in (free, taken))
    for report in (expected, found):
        report.pop("request_id", None)
        for row in report["rows"]:
            row.pop("id", None)
    assert found == expected


def test_duplicate_rows_are_reported_by_the_natural_key_alone(notes: Notes) -> None:
    report = notes.upload("ada", [{"code": "a", "text": text} for text in "xy"], mode="partial")
    (error,) = report["rows"][1]["errors"]
    assert error == {"field": "code", "message": "code must be unique: the same as in line 1"}


def test_owner_in_a_row_is_rejected(notes: Notes) -> None:
    report = notes.upload("ada", [{"code": "a", "text": "x", "owner": "bob"}], mode="partial")
    assert report["rows"][0]["errors"] == [{"field": "owner", "message": "owner is read-only"}]


def test_row_whose_hook_sets_no_owner_is_rejected(serve: Serve) -> None:
    api = serve(Base.metadata)
    notes = api.crud.resource(Note, read_only_attributes=READ_ONLY)
    api.crud.upload(notes, natural_key=["code"], owned_by=["owner"])
    report = api.post("/notes/upload?mode=partial", [{"code": "a", "text": "x"}]).json()
    message = "notes.owner cannot be null"
    assert report["rows"][0]["errors"] == [{"field": "owner", "message": message}]


def test_hook_sees_only_matches_of_the_owner(serve: Serve) -> None:
    notes = Notes(serve(Base.metadata))
    notes.upload("ada", [{"code": "a", "text": "one"}])
    found: list[Any] = []

    async def remember(merge: MergeContext) -> None:
        found.extend(await merge.fetch_all(sa.select(merge.staging.status, merge.staging.id)))

    upload = notes.api.crud.upload(
        notes.api.crud.resource(
            Note, endpoints=["/more", "/more/{id}"], read_only_attributes=READ_ONLY
        ),
        natural_key=["code"],
        owned_by=["owner"],
    )
    upload.validate_row(lambda row: row.attributes.__setitem__("owner", "bob"))
    upload.validate_merge(remember)
    assert notes.api.post("/more/upload", [{"code": "a", "text": "two"}]).status_code == 200
    assert [tuple(row) for row in found] == [("created", None)]


@pytest.mark.parametrize(
    ("model", "options", "message"),
    [
        (Note, {"owned_by": "owner"}, "option owned_by: must be a list of names"),
        (Note, {"owned_by": ["nothing"]}, "option owned_by: 'nothing' is not one of"),
        (Note, {"owned_by": ["id"]}, "'id' must be one of read_only_attributes"),
        (Note, {"owned_by": ["text"]}, "'text' must be one of read_only_attributes"),
        (Note, {"owned_by": ["editor"]}, "'editor' must not be nullable"),
        (Note, {"owned_by": ["code"]}, "'code' is not a field that can name an owner"),
        (Tag, {"owned_by": ["owner"]}, "name is unique by itself, so that the rows of two owners"),
    ],
)
def test_invalid_owner_raises_configuration_error(
    serve: Serve, model: Any, options: dict[str, Any], message: str
) -> None:
    api = serve(Base.metadata)
    read_only = [*READ_ONLY, "editor" if model is Note else "keeper"]
    resource = api.crud.resource(model, read_only_attributes=read_only)
    key = "code" if model is Note else "name"
    with pytest.raises(ConfigurationError, match=re.escape(message)):
        api.crud.upload(resource, natural_key=[key], **options)
