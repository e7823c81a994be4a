"""Histories of soft-deleted rows."""

from datetime import datetime
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from encore import ConfigurationError, history_table
from encore.types import UtcDateTime
from tests.fixtures.library import assert_field_errors
from tests.fixtures.models import ModelApi, Serve
from tests.history.conftest import history
from tests.history.test_as_of import at_last_change
from tests.history.test_start import start


class Base(DeclarativeBase):
    pass


class Page(Base):
    __tablename__ = "pages"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(sa.String(20))
    deleted_at: Mapped[datetime | None] = mapped_column("deletedAt", UtcDateTime)


history_table(Page)


class Unrecorded(DeclarativeBase):
    pass


class Leaf(Unrecorded):
    __tablename__ = "leaves"

    id: Mapped[int] = mapped_column(primary_key=True)
    removed: Mapped[datetime | None] = mapped_column(UtcDateTime)


history_table(Leaf, exclude=["removed"])


def pages(serve: Serve) -> ModelApi:
    api = serve(Base.metadata)
    api.crud.resource(Page, history=True, soft_delete="deletedAt", access={"restore": "library"})
    api.create("/pages", title="one")
    return api


def test_deletion_and_restoration_are_called_so(serve: Serve) -> None:
    api = pages(serve)
    api.delete("/pages/1")
    deleted = history(api, "/pages/1")[-1]
    assert deleted["operation"] == "delete"
    assert deleted["changes"]["deletedAt"]["before"] is None
    assert api.post("/pages/1/restore").status_code == 200
    operations = [entry["operation"] for entry in history(api, "/pages/1")]
    assert operations == ["create", "delete", "restore"]


def test_history_of_a_deleted_row_is_for_those_who_may_restore_it(serve: Serve) -> None:
    api = serve(Base.metadata)
    api.crud.resource(Page, history=True, soft_delete="deletedAt", access={"restore": "other"})
    api.create("/pages", title="one")
    assert api.get("/pages/1/history").status_code == 200
    api.delete("/pages/1")
    assert api.get("/pages/1/history").status_code == 404


def test_list_as_of_shows_the_rows_that_were_not_deleted_then(serve: Serve) -> None:
    api = pages(serve)
    before = at_last_change(api, "/pages/1")
    api.delete("/pages/1")
    after = at_last_change(api, "/pages/1")
    api.post("/pages/1/restore")
    assert [row["id"] for row in api.read("/pages", as_of=before)] == [1]
    assert api.read("/pages", as_of=after) == []
    assert [row["id"] for row in api.read("/pages")] == [1]


def test_deleted_row_is_restored_before_it_is_reverted(serve: Serve) -> None:
    api = pages(serve)
    api.put("/pages/1", {"title": "two"})
    first = history(api, "/pages/1")[0]["sequence"]
    api.delete("/pages/1")
    response = api.post("/pages/1/revert", {"sequence": first})
    assert response.status_code == 409
    assert "restore it" in response.json()["detail"]
    api.post("/pages/1/restore")
    row = api.post("/pages/1/revert", {"sequence": first}).json()
    assert (row["title"], row["deletedAt"]) == ("one", None)


def test_row_is_not_reverted_to_a_deletion(serve: Serve) -> None:
    api = pages(serve)
    api.delete("/pages/1")
    at = at_last_change(api, "/pages/1")
    api.post("/pages/1/restore")
    api.put("/pages/1", {"title": "two"})
    deletion = history(api, "/pages/1")[1]["sequence"]
    response = api.post("/pages/1/revert", {"sequence": deletion})
    assert_field_errors(response, 400, "sequence")
    assert_field_errors(api.post("/pages/1/revert", {"as_of": at}), 400, "as_of")
    assert api.read("/pages/1")["title"] == "two"


def test_time_of_the_deletion_cannot_be_excluded(serve: Serve) -> None:
    """Deleted rows would be shown in past lists."""
    api = serve(Unrecorded.metadata)
    options: Any = {"soft_delete": "removed", "access": {"restore": "library"}}
    api.crud.resource(Leaf, history=True, **options)
    with pytest.raises(ConfigurationError, match=r"Leaf.*history.*removed"):
        start(api)
