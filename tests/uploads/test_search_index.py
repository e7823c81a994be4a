"""Uploads into a table with a search index: written rows are found, undone rows are not."""

import json
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from encore import SearchOptions
from encore.database.search_index import add_search_index
from tests.fixtures.models import ModelApi, Serve


class Base(DeclarativeBase):
    pass


class Entry(Base):
    __tablename__ = "entries"
    __table_args__ = (sa.UniqueConstraint("number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str]
    text: Mapped[str] = mapped_column(sa.String(80))
    limited: Mapped[int] = mapped_column(sa.CheckConstraint("limited < 10"))


add_search_index(Entry.__table__, ["text"])


def upload(api: ModelApi, rows: list[dict[str, Any]], **query: str) -> Any:
    content = json.dumps(rows).encode()
    headers = {"Content-Type": "application/json"}
    return api.request(
        "POST", "/entries/upload", content=content, headers=headers, params=query
    ).json()


def numbers(api: ModelApi, term: str) -> list[str]:
    response = api.get("/entries", params={"q": term, "sort": "number"})
    return [row["number"] for row in response.json()]


def test_upload_updates_search_index(serve: Serve) -> None:
    api = serve(Base.metadata)
    entries = api.crud.resource(Entry, search=SearchOptions(attributes=["text"], index=True))
    api.crud.upload(entries, natural_key=["number"])
    rows = [{"number": str(n), "text": f"Übung {n}", "limited": n} for n in range(10)]
    assert upload(api, rows)["created"] == 10
    assert len(numbers(api, "übung")) == 10
    changed = [{"number": "3", "text": "Anders", "limited": 3}]
    assert upload(api, changed)["updated"] == 1
    assert numbers(api, "ANDERS") == ["3"]
    assert numbers(api, "übung 3") == []
    refused = [
        {"number": "a", "text": "Nie", "limited": 1},
        {"number": "b", "text": "Nie", "limited": 99},
    ]
    upload(api, refused)
    assert numbers(api, "nie") == []
    assert upload(api, refused, mode="partial")["created"] == 1
    assert numbers(api, "nie") == ["a"]
