"""Upserts and PUT that creates, of rows that are soft-deleted or have a history."""

from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from encore.types import UtcDateTime
from tests.fixtures.history_models import HistoryBase, Note
from tests.fixtures.library import assert_field_errors
from tests.fixtures.models import ModelApi, Serve
from tests.history.conftest import history


class KeptBase(DeclarativeBase):
    pass


class Kept(KeptBase):
    __tablename__ = "kept"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(sa.String(10), unique=True)
    note: Mapped[str | None]
    deleted_at: Mapped[Any] = mapped_column("deletedAt", UtcDateTime, nullable=True)


@pytest.fixture
def api(serve: Serve) -> ModelApi:
    api = serve(KeptBase.metadata)
    api.crud.resource(
        Kept,
        upsert=True,
        put_creates=True,
        soft_delete="deletedAt",
        access={"restore": "library"},
    )
    return api


@pytest.mark.parametrize("mode", ["merge", "ignore"])
def test_key_of_a_deleted_row_is_taken_as_for_a_create(api: ModelApi, mode: str) -> None:
    api.create("/kept", code="a")
    assert api.delete("/kept/1").status_code == 200
    path = f"/kept?on_conflict={mode}&on=code"
    assert_field_errors(api.post(path, {"code": "a"}), 409, "code")
    assert_field_errors(api.post("/kept", {"code": "a"}), 409, "code")
    assert_field_errors(api.put("/kept/1", {"code": "b"}), 409, "id")
    assert [row["deletedAt"] is None for row in api.rows(Kept)] == [False]


def test_restored_row_is_found_again(api: ModelApi) -> None:
    api.create("/kept", code="a")
    api.delete("/kept/1")
    assert api.post("/kept/1/restore").status_code == 200
    merged = api.post("/kept?on_conflict=merge&on=code", {"code": "a", "note": "n"})
    assert (merged.status_code, merged.json()["note"]) == (200, "n")
    assert api.put("/kept/1", {"note": "m"}).status_code == 200


def test_histories_record_upserts_and_nothing_of_dry_runs(serve: Serve) -> None:
    api = serve(HistoryBase.metadata)
    api.crud.resource(Note, history=True, upsert=True, put_creates=True)
    note = {"language": "en", "number": 1, "text": "one"}
    assert api.post("/notes?on_conflict=merge&dry_run=true", note).status_code == 201
    assert api.post("/notes?on_conflict=merge", note).status_code == 201
    assert api.post("/notes?on_conflict=ignore", {**note, "text": "x"}).status_code == 200
    assert api.post("/notes?on_conflict=merge", {**note, "text": "two"}).status_code == 200
    assert api.put("/notes/en/1?dry_run=true", {"text": "x"}).status_code == 200
    assert api.delete("/notes/en/1?dry_run=true").status_code == 200
    entries = history(api, "/notes/en/1")
    assert [entry["operation"] for entry in entries] == ["create", "update"]
    assert {entry["subject"] for entry in entries} == {"tester"}
    assert api.put("/notes/en/2", {"text": "two"}).status_code == 201
    assert [entry["operation"] for entry in history(api, "/notes/en/2")] == ["create"]
