"""Responses of resources with dialects: totals, deleted rows, streams; paths without them."""

from datetime import datetime
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from starlette.types import ASGIApp, Receive, Scope, Send

from encore import Context
from encore.http.request_state import RequestState
from tests.dialects.conftest import EVERY, ROWS, with_kinds
from tests.fixtures.in_process import postgres_with, sqlite_with
from tests.fixtures.library import Api, error_fields
from tests.fixtures.library_models import Kind, User

PAGE = "_start=0&_end=2"


@pytest.fixture
def rows(api: Api) -> Api:
    """Return a service whose rows a test may write."""
    return with_kinds(api, EVERY)


@pytest.mark.parametrize(
    "query", ["", "?count=2", "?_start=0&_end=2", "?range=[0,1]", "?id=1&id=2"]
)
def test_list_has_the_total_in_every_language(rows: Api, query: str) -> None:
    response = rows.get(f"/kinds{query}")
    total = "2" if "id=" in query else "4"
    assert response.headers["x-total-count"] == total
    assert response.headers["content-range"].endswith(f"/{total}")
    head = rows.request("HEAD", f"/kinds{query}")
    assert head.headers["x-total-count"] == total


def test_list_of_a_resource_without_dialects_has_no_total_header(api: Api) -> None:
    with_kinds(api, [])
    assert "x-total-count" not in api.get("/kinds").headers


@pytest.mark.parametrize("query", [PAGE, "range=[0,1]"])
def test_total_that_is_not_counted_is_not_sent(rows: Api, query: str) -> None:
    response = rows.get(f"/kinds?{query}", headers={"Prefer": "count=none"})
    assert response.headers["content-range"] == "items 0-1/*"
    assert "x-total-count" not in response.headers


@pytest.mark.parametrize("query", [PAGE, 'filter={"id":[1,2]}'])
def test_page_that_the_caller_knows_is_304(rows: Api, query: str) -> None:
    etag = rows.get(f"/kinds?{query}").headers["etag"]
    known = rows.get(f"/kinds?{query}", headers={"If-None-Match": etag})
    assert (known.status_code, known.content) == (304, b"")
    assert "x-total-count" not in known.headers
    rows.put("/kinds/1", {"whole": 77})
    assert rows.get(f"/kinds?{query}", headers={"If-None-Match": etag}).status_code == 200


def test_delete_returns_the_row_as_a_get_does(rows: Api) -> None:
    row = rows.read("/kinds/1")
    response = rows.delete("/kinds/1", headers={"Content-Type": "text/plain"})
    assert (response.status_code, response.json()) == (200, row)
    assert rows.get("/kinds/1").status_code == 404


def test_delete_with_minimal_preference_has_no_body(rows: Api) -> None:
    response = rows.delete("/kinds/1", headers={"Prefer": "return=minimal"})
    assert (response.status_code, response.content) == (204, b"")


def test_delete_shows_requested_fields_and_no_hidden_ones(api: Api) -> None:
    api.crud.resource(User, dialects=EVERY, include=["books"], exclude_attributes=["secret"])
    for query in ("", "?fields=id"):
        user = api.create("/users", firstName="Ada")
        deleted = api.delete(f"/users/{user['id']}{query}").json()
        assert deleted["id"] == user["id"]
        assert not {"secret", "books"} & deleted.keys()
        assert ("firstName" in deleted) == (query == "")


def test_dry_run_of_a_delete_returns_the_row_and_keeps_it(rows: Api) -> None:
    response = rows.delete("/kinds/1?dry_run=true")
    assert response.json()["id"] == 1
    assert rows.get("/kinds/1").status_code == 200


def test_hook_changes_the_deleted_row_that_is_sent(api: Api) -> None:
    kinds = api.crud.resource(Kind, dialects=EVERY)

    @kinds.delete.send.before
    async def stamp(context: Context) -> None:
        context.instance.by = "hook"

    api.create("/kinds", id=1)
    assert api.delete("/kinds/1").json()["by"] == "hook"


class DeletingCaller:
    """Sets the claims of a caller who may delete rows, but not read them."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        state = RequestState.from_scope(scope)
        state.claims = {"sub": "tester"}
        state.granted = frozenset({"delete"})
        await self._app(scope, receive, send)


def test_delete_shows_nothing_to_a_caller_who_may_not_read(library_url: str, api: Api) -> None:
    api.crud.resource(Kind)
    api.create("/kinds", id=1)
    deleting = Api(library_url, layer=DeletingCaller)
    deleting.crud.resource(Kind, dialects=EVERY, access={"all": "read", "delete": "delete"})
    assert deleting.delete("/kinds/1").json() == {}
    deleting.close()


@pytest.mark.parametrize("query", ["id_gte=2", "filter={}", "_start=0&_end=1", "_sort=id"])
@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
def test_bulk_write_has_no_dialect(rows: Api, method: str, query: str) -> None:
    body = {"whole": 1} if method == "PATCH" else None
    assert rows.request(method, f"/kinds?{query}", json=body).status_code == 400
    assert len(rows.read("/kinds")) == len(ROWS)


def test_bulk_write_by_keys_means_what_it_did(rows: Api) -> None:
    assert rows.delete("/kinds?id=1&id=2").json() == {"affected": 2}


@pytest.mark.parametrize("query", ["whole_gte=5&_sort=id&_order=desc", 'filter={"whole_gte":5}'])
def test_stream_has_the_filters_and_the_order_of_a_dialect(rows: Api, query: str) -> None:
    response = rows.get(f"/kinds?{query}", headers={"Accept": "text/csv"})
    assert response.status_code == 200
    found = [line.split(",")[0] for line in response.text.splitlines()[1:]]
    assert found == (["3", "1"] if "desc" in query else ["1", "3"])


@pytest.mark.parametrize(
    ("query", "field"),
    [(PAGE, "_end"), ("_page=1", "_page"), ("_limit=2", "_limit"), ("range=[0,1]", "range")],
)
def test_stream_rejects_the_page_of_a_dialect(rows: Api, query: str, field: str) -> None:
    response = rows.get(f"/kinds?{query}", headers={"Accept": "application/x-ndjson"})
    assert response.status_code == 400
    assert error_fields(response) == [field]


def test_hook_of_a_list_narrows_and_moves_the_page_of_a_dialect(api: Api) -> None:
    with_kinds(api, EVERY)
    kinds = api.crud.resource(Kind, dialects=EVERY, endpoints=["/mine", "/mine/{id}"])

    @kinds.list.fetch.before
    async def narrow(context: Context) -> None:
        context.criteria["whole"] = 5
        context.count = 1

    response = api.get("/mine?_start=0&_end=9")
    assert [row["id"] for row in response.json()] == [1]
    assert response.headers["x-total-count"] == "2"


@pytest.mark.parametrize("query", ["?filter={}", "?_start=0", "?_end=1", "?range=[0,1]"])
def test_row_has_no_list_parameters(rows: Api, query: str) -> None:
    for method in ("GET", "PUT", "DELETE"):
        body: dict[str, Any] = {"json": {}} if method == "PUT" else {}
        assert rows.request(method, f"/kinds/1{query}", **body).status_code == 400


class Base(DeclarativeBase):
    pass


class Note(Base):
    __tablename__ = "notes"

    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str]
    deleted_at: Mapped[datetime | None] = mapped_column("deletedAt", sa.DateTime)


@pytest.mark.parametrize("in_session", [False, True])
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_soft_delete_returns_the_row_with_the_time_of_its_deletion(
    database: str, tmp_path: Any, request: pytest.FixtureRequest, *, in_session: bool
) -> None:
    def check(url: str) -> None:
        api = Api(url)
        access = {"restore": ["library", "restore"]}
        api.crud.resource(Note, soft_delete="deletedAt", access=access, dialects=EVERY)
        row = api.create("/notes", text="a")
        deleted = api.delete(f"/notes/{row['id']}").json()
        assert deleted == {**row, "deletedAt": deleted["deletedAt"]}
        assert deleted["deletedAt"] is not None
        assert api.read("/notes?_start=0&_end=9") == []
        api.close()

    listener: Any = lambda mapper, connection, target: None  # noqa: E731, ARG005 - makes it need a session
    if in_session:
        sa.event.listen(Note, "before_update", listener)
    try:
        if database == "sqlite":
            check(sqlite_with(Base.metadata, tmp_path))
        else:
            with postgres_with(Base.metadata, request.getfixturevalue("postgres_url")) as url:
                check(url)
    finally:
        if in_session:
            sa.event.remove(Note, "before_update", listener)
