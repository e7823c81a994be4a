"""Soft deletes: DELETE hides a row, ``restore`` shows it again, for callers with its scopes."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from sqlalchemy import ForeignKey
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship
from starlette.types import ASGIApp, Receive, Scope, Send

from encore import Context, Crud
from encore.database.engine import with_connection
from encore.database.factory import open_database
from encore.database.tables import metadata as library_metadata
from encore.errors import ConfigurationError
from encore.http.request_state import RequestState
from encore.types import UtcDateTime
from tests.fixtures.in_process import InProcessService, empty, postgres_with, sqlite_with
from tests.fixtures.openapi import resolved

BOTH = "library library:restore"
ROWS = ["read", "update", "delete"]


class Base(DeclarativeBase):
    pass


class Author(Base):
    __tablename__ = "authors"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    deletedAt: Mapped[datetime | None] = mapped_column(UtcDateTime)  # noqa: N815 - the name in JSON
    books: Mapped[list["Book"]] = relationship(back_populates="author", order_by="Book.id")


class Book(Base):
    __tablename__ = "books"
    __table_args__ = (
        sa.Index(
            "ix_isbn",
            "isbn",
            unique=True,
            sqlite_where=sa.text("removed IS NULL"),
            postgresql_where=sa.text("removed IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    isbn: Mapped[str | None]
    code: Mapped[str | None] = mapped_column(unique=True)
    author_id: Mapped[int | None] = mapped_column(ForeignKey("authors.id"))
    removed: Mapped[datetime | None] = mapped_column(sa.DateTime)
    version: Mapped[int] = mapped_column()
    author: Mapped[Author | None] = relationship(back_populates="books")

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 - SQLAlchemy's name


class Label(Base):
    __tablename__ = "labels"

    lang: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    text: Mapped[str | None]
    deletedAt: Mapped[datetime | None] = mapped_column(UtcDateTime)  # noqa: N815 - the name in JSON


class ViewBase(DeclarativeBase):
    pass


VIEW = sa.DDL("CREATE VIEW book_titles AS SELECT id, title, removed FROM books")  # type: ignore[no-untyped-call] # SQLAlchemy's
sa.event.listen(Base.metadata, "after_create", VIEW)


class BookTitle(ViewBase):
    __tablename__ = "book_titles"
    __table_args__ = {"info": {"is_view": True}}  # noqa: RUF012 - SQLAlchemy's name

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    removed: Mapped[datetime | None] = mapped_column(sa.DateTime)


class ScopesMiddleware:
    """Authenticates every request, with the scopes of the header ``X-Scopes``."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        state = RequestState.from_scope(scope)
        header = dict(scope["headers"]).get(b"x-scopes", b"library")
        state.claims, state.granted = {"sub": "tester"}, frozenset(header.decode().split())
        await self._app(scope, receive, send)


class Api(InProcessService):
    """A service over the tables of this module."""

    def __init__(self, url: str, secret: str | None = None) -> None:
        super().__init__(url, open_database(url), ScopesMiddleware)
        self.crud = Crud(self.app, self.database, scopes=("library",), secret=secret)

    def send(self, method: str, path: str, json: Any = None, scopes: str = BOTH) -> httpx.Response:
        return self.request(method, path, json=json, headers={"X-Scopes": scopes})

    def create(self, path: str, **values: Any) -> Any:
        response = self.send("POST", path, values)
        assert response.status_code == 201, response.text
        return response.json()

    def delete(self, path: str) -> None:
        response = self.send("DELETE", path)
        assert (response.status_code, response.json()) == (200, {})

    def read(self, path: str) -> Any:
        response = self.send("GET", path)
        assert response.status_code == 200, response.text
        return response.json()

    def status(self, method: str, path: str, json: Any = None, scopes: str = BOTH) -> int:
        return self.send(method, path, json, scopes).status_code


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if request.param == "sqlite":
        yield sqlite_with(Base.metadata, tmp_path_factory.mktemp("soft"))
        return
    with postgres_with(Base.metadata, request.getfixturevalue("postgres_url")) as postgres:
        yield postgres


@pytest.fixture
def make_api(url: str) -> Iterator[Callable[[], Api]]:
    def empty_tables(connection: sa.Connection) -> None:
        library_metadata.create_all(connection)
        empty(connection, Base.metadata)
        connection.commit()

    made: list[Api] = []

    def make() -> Api:
        made.append(Api(url))
        return made[-1]

    with_connection(url, empty_tables)
    yield make
    for api in made:
        api.close()


@pytest.fixture
def api(make_api: Callable[[], Api]) -> Api:
    api = make_api()
    restore = {"restore": ["library", "library:restore"]}
    api.crud.resource(Author, associations=True, soft_delete="deletedAt", access=restore)
    api.crud.resource(Book, include=["author"], soft_delete="removed", access=restore)
    api.crud.resource(
        Label,
        endpoints=["/labels", "/labels/{lang}/{name}"],
        soft_delete="deletedAt",
        access=restore,
    )
    return api


def test_deleted_row_is_gone_from_every_read(api: Api) -> None:
    author = api.create("/authors", name="Herbert", books=[{"title": "Dune"}, {"title": "Emperor"}])
    api.delete("/books/1")
    assert api.status("GET", "/books/1") == 404
    assert api.status("DELETE", "/books/1") == 404
    assert api.status("PATCH", "/books/1", {"title": "x"}) == 404
    assert [row["id"] for row in api.read("/books")] == [2]
    assert [row["id"] for row in api.read(f"/authors/{author['id']}")["books"]] == [2]
    assert api.read("/authors?books.title=Dune") == []
    assert [row["id"] for row in api.read("/authors/1/books")] == [2]
    assert api.send("GET", "/books").headers["content-range"] == "items 0-0/1"
    assert api.send("GET", "/authors/1/books/1").status_code == 404


def test_deleted_parent_is_gone_from_its_children(api: Api) -> None:
    api.create("/authors", name="Herbert", books=[{"title": "Dune"}])
    api.delete("/authors/1")
    (book,) = api.read("/books")
    assert (book["author_id"], book["author"]) == (1, None)
    assert api.read("/authors/1/books") == []
    assert api.read("/books?author.name=Herbert") == []


def test_restore_takes_no_members(api: Api) -> None:
    author = api.create("/authors", name="Ada")
    api.delete(f"/authors/{author['id']}")
    path = f"/authors/{author['id']}/restore"
    refused = api.send("POST", path, {"name": "Bob"})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "name")
    assert api.send("POST", path, {}).status_code == 200


def test_deleted_rows_are_shown_to_callers_with_the_scope_of_restore(api: Api) -> None:
    api.create("/books", title="Dune")
    api.create("/books", title="Emma")
    api.delete("/books/1")
    assert [row["id"] for row in api.read("/books?deleted=only")] == [1]
    assert [row["id"] for row in api.read("/books?deleted=with")] == [1, 2]
    assert api.read("/books/1?deleted=with")["removed"] is not None
    assert api.status("GET", "/books/2?deleted=only") == 404
    assert api.status("GET", "/books?deleted=all") == 400
    assert api.status("DELETE", "/books/1?deleted=with") == 400
    refused = api.send("GET", "/books?deleted=with", scopes="library")
    assert refused.status_code == 403
    assert "library:restore" in refused.json()["detail"]
    assert "library:restore" in refused.headers["www-authenticate"]


def test_restore_shows_the_row_again_and_counts_its_version(api: Api) -> None:
    api.create("/books", title="Dune")
    api.delete("/books/1")
    assert api.status("POST", "/books/1/restore", scopes="library") == 403
    restored = api.send("POST", "/books/1/restore")
    assert restored.status_code == 200
    assert restored.json()["removed"] is None
    assert restored.json()["version"] == 3
    assert api.read("/books/1") == restored.json()
    again = api.send("POST", "/books/1/restore")
    assert (again.status_code, again.json()["detail"]) == (409, "The row is not deleted")
    assert api.status("POST", "/books/9/restore") == 404


def test_restore_by_composite_text_key(api: Api) -> None:
    api.create("/labels", lang="en", name="a b", text="x")
    api.delete("/labels/en/a%20b")
    assert api.read("/labels") == []
    assert api.send("POST", "/labels/en/a%20b/restore").json()["text"] == "x"


def test_partial_unique_index_allows_the_value_of_a_deleted_row(api: Api) -> None:
    api.create("/books", title="Dune", isbn="1")
    api.delete("/books/1")
    api.create("/books", title="Dune", isbn="1")
    taken = api.send("POST", "/books/1/restore")
    assert (taken.status_code, taken.json()["errors"][0]["field"]) == (409, "isbn")
    assert [row["id"] for row in api.read("/books")] == [2]


def test_unique_constraint_counts_deleted_rows(api: Api) -> None:
    api.create("/books", title="Dune", code="1")
    api.delete("/books/1")
    taken = api.send("POST", "/books", {"title": "Dune", "code": "1"})
    assert taken.status_code == 409
    assert taken.json()["errors"] == [{"field": "code", "message": "code must be unique"}]


def test_timestamp_of_the_deletion_is_read_only_in_every_body(api: Api) -> None:
    then = "2020-01-01T00:00:00.000Z"
    assert api.status("POST", "/authors", {"name": "a", "deletedAt": then}) == 400
    nested = api.send("POST", "/authors", {"name": "a", "books": [{"title": "b", "removed": then}]})
    assert nested.json()["errors"][0]["field"] == "books.0.removed"


def test_body_cannot_connect_a_deleted_row(api: Api) -> None:
    api.create("/authors", name="Herbert")
    api.delete("/authors/1")
    refused = api.send("POST", "/books", {"title": "Dune", "author": {"id": 1}})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (409, "author")


def test_key_of_a_deleted_row_is_not_assigned_again(make_api: Callable[[], Api]) -> None:
    api = make_api()
    api.crud.resource(Author, soft_delete="deletedAt", access={"restore": "library:restore"})
    api.create("/authors", id=50, name="a")
    api.delete("/authors/50")
    api.create("/authors", id=10, name="b")
    if not api.is_sqlite:  # Which numbers a row behind the highest that is stored.
        assert api.create("/authors", name="c")["id"] == 51
    taken = api.send("POST", "/authors", {"id": 50, "name": "d"})
    assert (taken.status_code, taken.json()["errors"][0]["field"]) == (409, "id")


def test_parameter_and_route_are_in_openapi(api: Api) -> None:
    described = resolved(api.app.openapi())["paths"]
    for path in ("/books", "/books/{id}"):
        parameters = described[path]["get"]["parameters"]
        (deleted,) = [p for p in parameters if p["name"] == "deleted"]
        assert deleted["schema"]["enum"] == ["with", "only"]
        assert "library:restore" in deleted["description"]
    assert {"200", "404", "409"} <= described["/books/{id}/restore"]["post"]["responses"].keys()
    assert not [
        p for p in described["/books/{id}"]["delete"]["parameters"] if p["name"] == "deleted"
    ]


def test_deleted_rows_are_counted_exactly_where_they_are_estimated(api: Api) -> None:
    for title in ("a", "b", "c"):
        api.create("/books", title=title)
    api.delete("/books/3")
    headers = {"X-Scopes": BOTH, "Prefer": "count=estimated"}
    response = api.request("GET", "/books?count=1", headers=headers)
    if api.is_sqlite:
        assert response.headers["content-range"] == "items 0-0/2"
    assert response.status_code == 200


def test_dry_run_of_delete_and_restore_changes_nothing(api: Api) -> None:
    api.create("/books", title="Dune")
    assert api.send("DELETE", "/books/1?dry_run=true").status_code == 200
    assert api.status("GET", "/books/1") == 200
    api.delete("/books/1")
    assert api.send("POST", "/books/1/restore?dry_run=true").status_code == 200
    assert api.status("GET", "/books/1") == 404


def test_reference_to_a_row_that_is_being_deleted_waits_and_is_refused(
    make_api: Callable[[], Api],
) -> None:
    api = make_api()
    restore = {"restore": "library:restore"}
    authors = api.crud.resource(Author, soft_delete="deletedAt", access=restore)
    api.crud.resource(Book, soft_delete="removed", access=restore)
    api.create("/authors", name="Herbert")

    async def run() -> tuple[int, int]:
        marked = asyncio.Event()

        @authors.delete.write.after
        async def hold(_: Context) -> None:
            marked.set()
            await asyncio.sleep(0.2)

        async def refer() -> httpx.Response:
            await marked.wait()
            return await api.call("POST", "/books", json={"title": "Dune", "author_id": 1})

        deleted, created = await asyncio.gather(api.call("DELETE", "/authors/1"), refer())
        return deleted.status_code, created.status_code

    assert api.run(run()) == (200, 409)


def test_hidden_timestamp_is_not_shown_and_restored_rows_are(make_api: Callable[[], Api]) -> None:
    api = make_api()
    options = {"soft_delete": "removed", "exclude_attributes": ["removed"]}
    api.crud.resource(Book, access={"restore": "library:restore"}, **options)
    api.create("/books", title="Dune")
    api.delete("/books/1")
    (row,) = api.read("/books?deleted=only")
    assert "removed" not in row
    assert api.status("GET", "/books?removed__is_null=false&deleted=with") == 400
    assert api.send("POST", "/books/1/restore").json()["title"] == "Dune"


def test_view_leaves_deleted_rows_out_if_it_says_so(make_api: Callable[[], Api]) -> None:
    api = make_api()
    api.crud.resource(Book, soft_delete="removed", access={"restore": "library:restore"})
    api.crud.resource(BookTitle, soft_delete="removed", access={"restore": "library:restore"})
    api.create("/books", title="Dune")
    api.create("/books", title="Emma")
    api.delete("/books/1")
    assert [row["title"] for row in api.read("/book_titles")] == ["Emma"]
    assert [row["title"] for row in api.read("/book_titles?deleted=only")] == ["Dune"]


def test_hooks_of_delete_and_restore_narrow_the_rows(make_api: Callable[[], Api]) -> None:
    api = make_api()
    books = api.crud.resource(Book, soft_delete="removed", access={"restore": "library:restore"})
    api.create("/books", title="Dune")
    api.create("/books", title="Emma")
    api.delete("/books/1")

    @books.all.fetch.before
    async def only_emma(context: Context) -> None:
        if context.action != "create":
            context.criteria["title"] = "Emma"

    assert api.status("POST", "/books/1/restore") == 404
    assert api.read("/books?deleted=with")[0]["title"] == "Emma"
    api.delete("/books/2")
    assert api.status("POST", "/books/2/restore") == 200


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"soft_delete": "gone"}, "'gone' is none of"),
        ({"soft_delete": "title"}, "'title' is not a column of timestamps"),
        (
            {"soft_delete": "removed", "write_only_attributes": ["removed"]},
            "contradicts write_only_attributes",
        ),
        ({"soft_delete": 3}, "must be the name of a field"),
        ({"soft_delete": "removed"}, "restore: soft_delete needs the scopes"),
        ({"access": {"restore": "x"}}, "there is no restore: the option soft_delete"),
    ],
)
def test_invalid_option_stops_the_start(
    make_api: Callable[[], Api], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        make_api().crud.resource(Book, **options)


def test_restore_by_a_path_with_a_parent(make_api: Callable[[], Api]) -> None:
    api = make_api()
    restore = {"restore": "library:restore"}
    api.crud.resource(Author, soft_delete="deletedAt", access=restore)
    paths = ["/authors/{author_id}/books", "/authors/{author_id}/books/{id}"]
    api.crud.resource(Book, endpoints=paths, soft_delete="removed", access=restore, actions=ROWS)
    api.crud.resource(
        Book, endpoints=["/books", "/books/{id}"], soft_delete="removed", access=restore
    )
    api.create("/authors", name="Herbert")
    api.create("/books", title="Dune", author_id=1)
    api.delete("/authors/1/books/1")
    assert api.status("POST", "/authors/2/books/1/restore") == 404
    assert api.send("POST", "/authors/1/books/1/restore").json()["title"] == "Dune"


def test_restore_with_an_idempotency_key_is_carried_out_once(api: Api) -> None:
    api.create("/books", title="Dune")
    api.delete("/books/1")
    headers = {"X-Scopes": BOTH, "Idempotency-Key": "k1"}
    first, again = [api.request("POST", "/books/1/restore", headers=headers) for _ in range(2)]
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.headers["idempotency-replayed"] == "true"
    assert first.json() == again.json()


def test_batch_deletes_and_restores_in_one_transaction(api: Api) -> None:
    api.create("/books", title="Dune")
    delete = {"method": "DELETE", "path": "/books/1"}
    restore = {"method": "POST", "path": "/books/1/restore"}
    done = api.send("POST", "/batch", {"operations": [delete, restore]})
    assert [result["status"] for result in done.json()["results"]] == [200, 200]
    undone = api.send("POST", "/batch", {"operations": [delete, delete]})
    assert undone.status_code == 404
    assert api.read("/books/1")["version"] == 3


def test_bulk_delete_marks_rows_and_counts_versions(api: Api) -> None:
    for title in ("a", "b", "b"):
        api.create("/books", title=title)
    assert api.send("DELETE", "/books?title=b").status_code == 200
    assert [row["id"] for row in api.read("/books")] == [1]
    assert [row["version"] for row in api.read("/books?deleted=only")] == [2, 2]


def test_bulk_update_cannot_refer_to_a_deleted_row(api: Api) -> None:
    api.create("/authors", name="Herbert")
    api.create("/books", title="Dune")
    api.delete("/authors/1")
    refused = api.send("PATCH", "/books?title=Dune", {"author_id": 1})
    assert refused.status_code == 409, refused.text
    assert api.read("/books/1")["author_id"] is None


def test_restore_judges_preconditions(api: Api) -> None:
    api.create("/books", title="Dune")
    stale = api.send("GET", "/books/1").headers["etag"]
    gone = api.request("DELETE", "/books/1", headers={"X-Scopes": BOTH, "If-Match": '"9.x"'})
    assert gone.status_code == 412
    gone = api.request("DELETE", "/books/1", headers={"X-Scopes": BOTH, "If-Match": stale})
    assert gone.status_code == 200
    tag = api.send("GET", "/books/1?deleted=with").headers["etag"]

    def restore(tag: str) -> httpx.Response:
        headers = {"X-Scopes": BOTH, "If-Match": tag}
        return api.request("POST", "/books/1/restore", headers=headers)

    refused = restore(stale)
    assert (refused.status_code, refused.headers["etag"][:2]) == (412, '"2')
    assert restore(tag).status_code == 200
    assert restore(tag).status_code == 409
    missing = {"X-Scopes": BOTH, "If-Match": tag}
    assert api.request("POST", "/books/9/restore", headers=missing).status_code == 404


def test_restore_of_a_row_that_is_not_deleted_is_a_conflict_with_hooks_too(
    make_api: Callable[[], Api],
) -> None:
    api = make_api()
    books = api.crud.resource(Book, soft_delete="removed", access={"restore": "library:restore"})
    api.create("/books", title="Dune")

    @books.restore.write.before
    async def rename(context: Context) -> None:
        context.attributes["title"] = f"{context.instance.title} again"

    assert api.status("POST", "/books/1/restore") == 409
    api.delete("/books/1")
    assert api.send("POST", "/books/1/restore").json()["title"] == "Dune again"


def test_resources_of_the_same_rows_must_agree(make_api: Callable[[], Api]) -> None:
    crud = make_api().crud
    crud.resource(Book, endpoints=["/all", "/all/{id}"], actions=["list", "read"])
    access = {"restore": "x"}
    crud.resource(Book, soft_delete="removed", access=access)
    with pytest.raises(ConfigurationError, match="both must name 'removed'"):
        crud.resource(Book, endpoints=["/b", "/b/{id}"])
