"""Which resources have bulk writes, and what their requests may be."""

from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from encore import Access
from encore.errors import ConfigurationError
from tests.fixtures.library import Api
from tests.fixtures.library_models import Country, Tag, User
from tests.fixtures.models import Serve


class Base(DeclarativeBase):
    pass


class Document(Base):
    """Its only field that clients write is JSON."""

    __tablename__ = "documents"

    id: Mapped[int] = mapped_column(primary_key=True)
    content: Mapped[Any] = mapped_column(sa.JSON)


class Total(Base):
    __table__ = sa.Table(
        "totals",
        Base.metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("sum", sa.Integer),
        info={"is_view": True},
    )


@pytest.mark.parametrize(
    ("options", "option", "message"),
    [
        ({"bulk": ["read"]}, "bulk", "none of create, update, delete"),
        ({"bulk": "create"}, "bulk", "must be true, false or a list"),
        ({"bulk": ["delete"], "actions": ["list"]}, "bulk", "there is no delete"),
        ({"bulk_limit": 0}, "bulk_limit", "an integer of at least 1"),
        ({"bulk_limit": True}, "bulk_limit", "an integer of at least 1"),
    ],
)
def test_invalid_option_stops_the_start(
    api: Api, options: dict[str, Any], option: str, message: str
) -> None:
    with pytest.raises(ConfigurationError, match=f"{option}.*{message}"):
        api.crud.resource(User, **options)


def test_bulk_writes_need_the_scopes_of_their_action(api: Api) -> None:
    access = {"create": "a", "update": Access(all_of=("b",)), "delete": "c"}
    api.crud.resource(Tag, access=access)
    routes: Any = api.app.routes
    operations = {
        (route.path, method): route.operation.access
        for route in routes
        if hasattr(route, "operation")
        for method in route.methods
    }
    assert operations["/tags", "POST"] == operations["/tags/bulk", "POST"] == Access(all_of=("a",))
    assert operations["/tags", "PATCH"] == Access(all_of=("b",))
    assert operations["/tags", "DELETE"] == Access(all_of=("c",))


@pytest.mark.parametrize("actions", [["create", "delete"], ["create", "list", "delete"]])
def test_rows_are_chosen_and_counted_for_those_who_may_read_them(
    api: Api, actions: list[str]
) -> None:
    """The number of rows that a filter matches tells what is stored, even of a dry run."""
    reading = {name: Access(all_of=("library", "reads")) for name in ("list", "read")}
    api.crud.resource(Tag, access=reading, actions=actions)
    api.create("/tags", label="a")
    prefers = {"Prefer": "return=representation"}
    for query in ("label__startswith=a&dry_run=true", "id__gte=0"):
        for headers in ({}, prefers):
            refused = api.delete(f"/tags?{query}", headers=headers)
            assert refused.status_code == 403, refused.text
    assert len(api.rows(Tag)) == 1


def test_rows_are_changed_by_a_filter_for_those_who_may_list_them(api: Api) -> None:
    api.crud.resource(Tag, access={"list": Access(all_of=("library", "reads"))})
    api.create("/tags", label="a")
    answer = api.request("PATCH", "/tags?label__startswith=a&dry_run=true", json={"label": "b"})
    assert answer.status_code == 403
    changed = api.request("PATCH", "/tags", json=[{"id": 1, "label": "b"}])
    assert changed.status_code == 200  # An array names its rows by key.


def test_views_and_rows_below_a_parent_have_no_bulk_writes(api: Api, serve: Serve) -> None:
    api.crud.resource(User, associations=True)
    user = api.create("/users", firstName="a")
    for method in ("POST", "PATCH", "DELETE"):
        response = api.request(method, f"/users/{user['id']}/books?id=1", json=None)
        assert response.status_code == 405
    views = serve(Base.metadata)
    views.crud.resource(Total)
    assert views.delete("/totals?id=1").status_code == 405


def test_row_with_the_key_bulk_is_updated_by_post(api: Api) -> None:
    api.crud.resource(Country, update_method="POST")
    api.create("/countries", code="bulk", name="x")
    assert api.post("/countries/bulk", {"name": "y"}).json()["name"] == "y"
    assert api.post("/countries", [{"code": "a", "name": "z"}]).json()["created"] == 1


def test_array_for_a_model_of_json_is_one_of_rows(serve: Serve) -> None:
    api = serve(Base.metadata)
    api.crud.resource(Document)
    rows = [{"content": [1, {"a": None}]}, {"content": "x"}, {"content": None}]
    response = api.post("/documents", rows[:2])
    assert response.json()["created"] == 2
    assert [row["content"] for row in api.read("/documents")] == [[1, {"a": None}], "x"]
    response = api.request("PATCH", "/documents?id__gt=0", json={"content": [2]})
    assert response.json() == {"affected": 2}
    assert [row["content"] for row in api.read("/documents")] == [[2], [2]]


def test_array_in_finale_mode_creates_many_rows_and_forms_one(api: Api) -> None:
    api.crud.resource(Tag, compatible="finale")
    assert api.post("/tags", [{"label": "a", "unknown": 1}]).json()["created"] == 1
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    response = api.request("POST", "/tags", content="label=b", headers=headers)
    assert response.status_code == 201
    response = api.request("POST", "/tags", content="[label]=c", headers=headers)
    assert response.status_code == 400


def test_compressed_array_creates_its_rows(api: Api) -> None:
    import gzip  # noqa: PLC0415 - for this test alone

    api.crud.resource(Tag)
    content = gzip.compress(b'[{"label": "a"}, {"label": "b"}]')
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    response = api.request("POST", "/tags", content=content, headers=headers)
    assert response.json()["created"] == 2
    content = gzip.compress(b'{"label": "c"}')
    assert api.request("POST", "/tags", content=content, headers=headers).status_code == 201


def test_array_of_another_media_type_is_415(api: Api) -> None:
    api.crud.resource(Tag)
    headers = {"Content-Type": "text/csv"}
    for path in ("/tags", "/tags/bulk"):
        assert api.request("POST", path, content="[1]", headers=headers).status_code == 415


def test_body_beyond_the_limit_is_413(api: Api) -> None:
    api.crud.resource(Tag)
    body = [{"label": "x" * 1000}] * 1100
    assert api.post("/tags", body).status_code == 413
    headers = {"Content-Type": "application/json"}
    content = b" " * (1024 * 1024 + 1) + b"[]"
    assert api.request("POST", "/tags", content=content, headers=headers).status_code == 413
