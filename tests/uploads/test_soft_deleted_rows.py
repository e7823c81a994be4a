"""Uploads to soft-deleted tables: a deleted row is not found, changed or referred to."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.execution.test_soft_delete import Api, Author, Book, make_api, url

__all__ = ["make_api", "url"]
SOFT: dict[str, Any] = {"access": {"restore": "library:restore"}}


@pytest.fixture
def api(make_api: Callable[[], Api]) -> Api:
    api = make_api()
    books = api.crud.resource(Book, soft_delete="removed", **SOFT)
    api.crud.upload(books, natural_key=["isbn"], path="/by-isbn")
    api.crud.upload(books, natural_key=["code"], path="/by-code")
    api.crud.resource(Author, soft_delete="deletedAt", **SOFT)
    return api


def upload(api: Api, path: str, **row: Any) -> Any:
    response = api.send("POST", path, [row])
    assert "rejected" in response.json(), response.text
    return response.json()


def test_upload_does_not_find_a_deleted_row(api: Api) -> None:
    api.create("/books", title="Dune", isbn="1")
    api.delete("/books/1")
    report = upload(api, "/by-isbn", title="Dune", isbn="1")
    assert report["created"] == 1, report
    assert [(row["id"], row["removed"] is None) for row in api.rows(Book)] == [
        (1, False),
        (2, True),
    ]


def test_upload_rejects_a_row_with_the_unique_value_of_a_deleted_row(api: Api) -> None:
    api.create("/books", title="Dune", code="1")
    api.delete("/books/1")
    report = upload(api, "/by-code", title="Dune", code="1")
    assert (report["created"], report["rejected"]) == (0, 1)
    (row,) = api.rows(Book)
    assert row["title"] == "Dune"


def test_upload_rejects_a_reference_to_a_deleted_row(api: Api) -> None:
    api.create("/authors", name="Herbert")
    api.delete("/authors/1")
    report = upload(api, "/by-code", title="Dune", code="1", author_id=1)
    assert report["rejected"] == 1
    assert "existing row" in str(report)


def test_upload_does_not_write_the_timestamp_of_a_deletion(api: Api) -> None:
    report = upload(api, "/by-code", title="Dune", code="1", removed="2020-01-01T00:00:00Z")
    assert report["rejected"] == 1
