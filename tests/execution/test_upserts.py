"""``on_conflict=merge|ignore``: a create that finds the stored row by a unique key."""

import asyncio
from typing import Any
from uuid import uuid4

import httpx
import pytest
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from encore import Context
from encore.database.engine import with_connection
from encore.errors import BadRequest, ConfigurationError
from encore.http.access import Access
from encore.http.request_state import RequestState
from encore.types import Timestamps
from tests.fixtures.library import Api, assert_field_errors
from tests.fixtures.library_models import Book, Country, Profile, Seat, Shelf, Tag, User
from tests.fixtures.models import ModelApi, Serve
from tests.fixtures.openapi import resolved
from tests.fixtures.version_models import Car, VersionBase


def merge(api: Api, path: str, body: Any, on: str = "", **options: Any) -> httpx.Response:
    query = "?on_conflict=merge" + (f"&on={on}" if on else "")
    return api.post(path + query, body, **options)


def ignore(api: Api, path: str, body: Any, on: str = "", **options: Any) -> httpx.Response:
    query = "?on_conflict=ignore" + (f"&on={on}" if on else "")
    return api.post(path + query, body, **options)


def test_merge_creates_or_changes_the_row(api: Api) -> None:
    api.crud.resource(User, upsert=True)
    body = {"firstName": "Ada", "email": "a", "age": 1}
    created = merge(api, "/users", body, "email")
    assert (created.status_code, created.headers["location"]) == (201, "/users/1")
    changed = merge(api, "/users", {"firstName": "Bob", "email": "a"}, "email")
    assert (changed.status_code, changed.headers["location"]) == (200, "/users/1")
    assert {**changed.json(), "updatedAt": ""} == {
        **created.json(),
        "firstName": "Bob",
        "updatedAt": "",
    }
    assert changed.json()["updatedAt"] > created.json()["updatedAt"]
    assert len(api.rows(User)) == 1


def test_ignore_creates_or_returns_the_row(api: Api) -> None:
    api.crud.resource(User, upsert=True)
    created = ignore(api, "/users", {"firstName": "Ada", "email": "a"}, "email")
    found = ignore(api, "/users", {"firstName": "Bob", "email": "a", "age": 3}, "email")
    assert (created.status_code, found.status_code) == (201, 200)
    assert found.json() == created.json()
    assert found.headers["location"] == "/users/1"
    invalid = ignore(api, "/users", {"firstName": "B", "email": "a", "age": "x"}, "email")
    assert_field_errors(invalid, 400, "age")


@pytest.mark.parametrize("mode", ["merge", "ignore"])
def test_primary_key_is_the_default_if_the_body_has_it(api: Api, mode: str) -> None:
    api.crud.resource(User, upsert=True)
    api.create("/users", id=7, firstName="Ada", email="a")
    path = f"/users?on_conflict={mode}"
    assert api.post(path, {"id": 7, "firstName": "B"}).json()["id"] == 7
    assert api.post(path, {"id": 8, "firstName": "C"}).status_code == 201
    conflict = api.post(path, {"id": 9, "firstName": "C", "email": "a"})
    assert_field_errors(conflict, 409, "email")
    assert api.post("/users", {"firstName": "D"}).json()["id"] == 9


def test_only_other_key_is_the_default_without_the_primary_one(api: Api) -> None:
    api.crud.resource(Tag, upsert=True)
    assert merge(api, "/tags", {"label": "x"}).status_code == 201
    assert merge(api, "/tags", {"label": "x"}).status_code == 200
    assert len(api.rows(Tag)) == 1


def test_ambiguous_or_unknown_key_is_refused_in_words(api: Api) -> None:
    api.crud.resource(Profile, upsert=True)
    body = {"nickname": "x", "userId": None}
    response = merge(api, "/profiles", body)
    assert_field_errors(response, 400, "on")
    assert "id or nickname or userId" in response.json()["detail"]
    for on in ("firstName", "zzz", "nickname,userId", "nickname,nickname", "", ",", "createdAt"):
        response = api.post(f"/profiles?on_conflict=merge&on={on}", body)
        assert_field_errors(response, 400, "on")
    assert_field_errors(merge(api, "/profiles", body, "userId"), 400, "userId")
    assert_field_errors(merge(api, "/profiles", {"nickname": "x"}, "userId"), 400, "userId")
    assert merge(api, "/profiles", body, "nickname").status_code == 201


INVALID = ["on_conflict=replace", "on_conflict=", "on_conflict=merge&on_conflict=merge", "on=id"]


@pytest.mark.parametrize("query", INVALID)
def test_invalid_parameters_are_refused_even_if_lenient(api: Api, query: str) -> None:
    api.crud.resource(Tag, upsert=True)
    headers = {"Prefer": "handling=lenient"}
    assert api.post(f"/tags?{query}", {"label": "x"}, headers=headers).status_code == 400
    assert api.rows(Tag) == []


@pytest.mark.parametrize("prefer", ["", "handling=lenient"])
def test_resource_without_upserts_refuses_the_parameter(api: Api, prefer: str) -> None:
    api.crud.resource(Tag)
    tag = api.create("/tags", label="x")
    headers = {"Prefer": prefer}
    body = {"label": "y"}
    path = "/tags?on_conflict=merge"
    assert_field_errors(api.post(path, body, headers=headers), 400, "on_conflict")
    path = f"/tags/{tag['id']}?on_conflict=merge"
    assert_field_errors(api.put(path, body, headers=headers), 400, "on_conflict")
    assert_field_errors(api.delete(path, headers=headers), 400, "on_conflict")
    assert len(api.rows(Tag)) == 1


def test_text_and_composite_keys(api: Api) -> None:
    api.crud.resource(Country, upsert=True)
    api.crud.resource(Seat, upsert=True)
    code = "a/é %?"
    assert merge(api, "/countries", {"code": code, "name": "X"}).status_code == 201
    changed = merge(api, "/countries", {"code": code, "name": "Y"})
    assert (changed.status_code, changed.json()) == (200, {"code": code, "name": "Y"})
    assert api.read(changed.headers["location"]) == changed.json()
    other = merge(api, "/countries", {"code": "b", "name": "Y"}, "name")
    assert_field_errors(other, 400, "code")  # The key of a stored row cannot change.
    seat = {"line": "A", "number": 1, "note": "x"}
    assert merge(api, "/seats", seat, "number,line").status_code == 201
    assert merge(api, "/seats", {**seat, "note": "y"}).json() == {**seat, "note": "y"}


def test_item_path_of_another_key(api: Api) -> None:
    api.crud.resource(Shelf, endpoints=("/shelves", "/shelves/{code}"), upsert=True)
    assert merge(api, "/shelves", {"code": "x"}).status_code == 201
    changed = merge(api, "/shelves", {"code": "x"})
    assert (changed.status_code, changed.headers["location"]) == (200, "/shelves/x")
    assert ignore(api, "/shelves", {"code": "x"}).json() == {"id": 1, "code": "x"}


def test_related_rows_are_written_as_in_an_update(api: Api) -> None:
    api.crud.resource(Book, upsert=True, include=["author"])
    api.create("/books", title="a", isbn="1")
    body = {"title": "b", "isbn": "1", "author": {"firstName": "Ada"}}
    changed = merge(api, "/books", body, "isbn")
    assert changed.json()["author"]["firstName"] == "Ada"
    assert (len(api.rows(Book)), len(api.rows(User))) == (1, 1)


def test_hooks_of_both_actions_run_and_a_create_is_undone(api: Api) -> None:
    users = api.crud.resource(User, upsert=True)
    seen: list[Any] = []

    @users.create.write.before
    async def create(context: Context) -> None:
        context.attributes["age"] = 50
        context.after_commit(lambda: seen.append("create committed"))
        await context.orm(lambda session: session.add(Tag(label=str(uuid4()))))

    @users.update.write.before
    def update(context: Context) -> None:
        context.attributes["rank"] = 3
        context.after_commit(lambda: seen.append("update committed"))

    @users.create.complete.before
    def complete(context: Context) -> None:
        seen.append(None if context.error is None else context.error.status)

    body = {"firstName": "Ada", "email": "a"}
    assert merge(api, "/users", body, "email").json()["age"] == 50
    assert (seen, len(api.rows(Tag))) == ([None, "create committed"], 1)
    with_tag = api.rows(Tag)
    seen.clear()
    changed = merge(api, "/users", {**body, "age": 1}, "email")
    assert (changed.json()["age"], changed.json()["rank"]) == (1, 3)
    assert (seen, api.rows(Tag)) == ([409, "update committed"], with_tag)


@pytest.mark.parametrize("mode", ["merge", "ignore"])
def test_row_that_criteria_hide_is_answered_as_by_a_create(api: Api, mode: str) -> None:
    users = api.crud.resource(User, upsert=True)

    @users.all.start.before
    def own(context: Context) -> None:
        context.criteria["rank"] = 1

    @users.create.start.before
    def mine(context: Context) -> None:
        context.attributes["rank"] = 1

    with_rank = sa.insert(User).values(id=7, first_name="Other", email="a", rank=2)
    _execute(api, with_rank)
    body = {"firstName": "Ada", "email": "a", "id": 8}
    upserted = api.post(f"/users?on_conflict={mode}&on=email", body)
    created = api.post("/users", body)
    for response in (upserted, created):
        assert_field_errors(response, 409, "email")
    assert upserted.json()["detail"] == created.json()["detail"]
    assert [row["firstName"] for row in api.rows(User)] == ["Other"]


def _execute(api: Api, statement: Any) -> None:
    def run(connection: sa.Connection) -> None:
        connection.execute(statement)
        connection.commit()

    with_connection(api.url, run)


class KeysBase(DeclarativeBase):
    pass


class Item(Timestamps, KeysBase):
    """Every shape of a unique key."""

    __tablename__ = "items"
    __table_args__ = (
        sa.UniqueConstraint("tenant", "code"),
        sa.Index("by_serial", "serial", unique=True),
        sa.Index(
            "by_active",
            "active",
            unique=True,
            sqlite_where=sa.text("active > 0"),
            postgresql_where=sa.text("active > 0"),
        ),
        sa.Index("by_lower", sa.text("lower(name)"), unique=True),
        sa.UniqueConstraint("later", deferrable=True, initially="DEFERRED").ddl_if(
            dialect="postgresql"
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant: Mapped[int] = mapped_column(default=1)
    code: Mapped[str | None]
    serial: Mapped[str | None]
    active: Mapped[int | None]
    name: Mapped[str | None]
    later: Mapped[int | None]
    secret: Mapped[str | None] = mapped_column(unique=True)


def test_keys_with_values_that_hooks_set(serve: Serve) -> None:
    api = serve(KeysBase.metadata)
    items = api.crud.resource(
        Item, upsert=[["tenant", "code"]], exclude_attributes=["tenant"], read_only_attributes=[]
    )
    tenants = [1]

    @items.all.start.before
    def filter_tenant(context: Context) -> None:
        context.criteria["tenant"] = tenants[0]

    @items.create.start.before
    def set_tenant(context: Context) -> None:
        context.attributes["tenant"] = tenants[0]

    assert merge(api, "/items", {"code": "a", "name": "x"}).status_code == 201
    assert merge(api, "/items", {"code": "a", "name": "y"}, "code").status_code == 200
    tenants[0] = 2
    created = merge(api, "/items", {"code": "a", "name": "z"}, "code")
    assert created.status_code == 201
    assert [(row["tenant"], row["name"]) for row in api.rows(Item)] == [(1, "y"), (2, "z")]
    assert_field_errors(merge(api, "/items", {"code": None}), 400, "code")
    assert_field_errors(merge(api, "/items", {"code": "a"}, "tenant,code"), 400, "on")
    assert_field_errors(merge(api, "/items", {"id": 1, "code": "a"}, "id"), 400, "on")


def test_all_keys_that_clients_may_write_are_offered(serve: Serve) -> None:
    api = serve(KeysBase.metadata)
    api.crud.resource(Item, upsert=True, write_only_attributes=["secret"])
    response = merge(api, "/items", {"code": "a"})
    assert "id or serial or tenant,code" in response.json()["detail"].replace(
        "tenant,code or serial", "serial or tenant,code"
    )
    for on in ("active", "name", "later", "secret"):
        assert_field_errors(merge(api, "/items", {on: 1, "serial": "s"}, on), 400, "on")


STOPS: list[tuple[dict[str, Any], str]] = [
    ({"upsert": 1}, "must be true, false or a list"),
    ({"upsert": "id"}, "must be true, false or a list"),
    ({"upsert": [[1]]}, "must be true, false or a list"),
    ({"upsert": []}, "must be true, false or a list"),
    ({"upsert": ["zzz"]}, "zzz"),
    ({"upsert": ["active"]}, "active is neither"),
    ({"upsert": ["name"]}, "name is neither"),
    ({"upsert": ["later"]}, "later is neither"),
    ({"upsert": ["code"]}, "code is neither"),
    ({"upsert": [["id", "id"]]}, "is neither"),
    ({"upsert": ["secret"], "write_only_attributes": ["secret"]}, "secret is hidden"),
    ({"upsert": True, "actions": ["create", "read"]}, "there is no update"),
    ({"upsert": True, "actions": ["create", "update"]}, "there is no read"),
    (
        {"upsert": True, "read_only_attributes": ["id", "code", "serial", "secret"]},
        "there is no unique key",
    ),
    ({"upsert": ["id", "id"]}, "two keys"),
]


@pytest.mark.parametrize(("options", "message"), STOPS, ids=str)
def test_invalid_options_stop_the_start(
    serve: Serve, options: dict[str, Any], message: str
) -> None:
    api = serve(KeysBase.metadata)
    with pytest.raises(ConfigurationError, match=f"upsert.*{message}"):
        api.crud.resource(Item, **options)


def test_hook_that_replaces_the_create_stops_the_start(api: Api) -> None:
    tags = api.crud.resource(Tag, upsert=True)
    with pytest.raises(ConfigurationError, match=r"upsert.*replaces"):
        tags.create.write.replace(lambda _: None)


def versioned(serve: Serve) -> ModelApi:
    api = serve(VersionBase.metadata)
    api.crud.resource(Car, upsert=True)
    return api


def test_version_is_counted_and_sessions_are_used(serve: Serve) -> None:
    api = versioned(serve)
    created = merge(api, "/cars", {"name": "a", "colour": "red"}, "name")
    assert created.status_code == 201
    changed = merge(api, "/cars", {"name": "a", "colour": "blue"}, "name")
    before, after = created.json(), changed.json()
    versions = [name for name in before if before[name] != after[name]]
    assert changed.status_code == 200
    assert sorted(versions) == ["colour", *(n for n in sorted(versions) if n != "colour")]
    assert ignore(api, "/cars", {"name": "a"}, "name").json() == after


@pytest.mark.parametrize("mode", ["merge", "ignore"])
def test_dry_run_and_minimal_return(api: Api, mode: str) -> None:
    api.crud.resource(Tag, upsert=True)
    path, body = f"/tags?on_conflict={mode}&dry_run=true", {"label": "a"}
    headers = {"Prefer": "return=minimal"}
    created = api.post(path, body, headers=headers)
    assert (created.status_code, created.headers["dry-run"]) == (201, "true")
    assert api.rows(Tag) == []
    api.create("/tags", id=5, label="a")
    found = api.post(path, body, headers=headers)
    assert (found.status_code, found.content) == (204, b"")
    assert (found.headers["dry-run"], found.headers["location"]) == ("true", "/tags/5")
    assert found.headers["preference-applied"] == "return=minimal"


def test_rejections_of_either_action_are_sent(api: Api) -> None:
    users = api.crud.resource(User, upsert=True)

    @users.update.write.before
    def refuse(_: Context) -> None:
        raise BadRequest("no changes")

    api.create("/users", firstName="Ada", email="a")
    response = merge(api, "/users", {"firstName": "B", "email": "a"}, "email")
    assert (response.status_code, response.json()["detail"]) == (400, "no changes")
    assert_field_errors(merge(api, "/users", {"email": "a"}, "email"), 400, "firstName")


class Caller:
    """Sets the scopes of the caller."""

    granted = frozenset({"create"})

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            RequestState.from_scope(scope).granted = self.granted
        await self._app(scope, receive, send)


@pytest.mark.parametrize(("mode", "needed"), [("merge", "update"), ("ignore", "read")])
def test_scopes_of_both_actions_are_needed(
    api: Api, monkeypatch: pytest.MonkeyPatch, mode: str, needed: str
) -> None:
    api.app.add_middleware(Caller)
    access = {name: Access(all_of=(name,)) for name in ("create", "update", "read")}
    api.crud.resource(Tag, upsert=True, access=access)
    path = f"/tags?on_conflict={mode}"
    assert api.post(path, {"label": "a"}).status_code == 403
    assert api.post("/tags", {"label": "a"}).status_code == 201
    monkeypatch.setattr(Caller, "granted", frozenset({needed}))
    assert api.post(path, {"label": "a"}).status_code in (200, 403)
    monkeypatch.setattr(Caller, "granted", frozenset({"create", needed}))
    assert api.post(path, {"label": "a"}).status_code == 200
    assert api.post(path, {"label": "b"}).status_code == 201


@pytest.mark.parametrize("mode", ["merge", "ignore"])
@pytest.mark.parametrize("count", [2, 8])
def test_simultaneous_upserts_of_one_key_create_one_row(api: Api, mode: str, count: int) -> None:
    api.crud.resource(User, upsert=True)

    async def post_all(email: str) -> list[int]:
        path = f"/users?on_conflict={mode}&on=email"
        bodies = [{"firstName": f"{number}", "email": email} for number in range(count)]
        responses = await asyncio.gather(*(api.call("POST", path, json=body) for body in bodies))
        return sorted(response.status_code for response in responses)

    for number in range(10):
        assert api.run(post_all(f"e{number}")) == [200] * (count - 1) + [201]
    assert len(api.rows(User)) == 10


def test_simultaneous_upserts_of_rows_with_two_keys(api: Api) -> None:
    api.crud.resource(User, upsert=True)

    async def post_all(id_: int) -> list[int]:
        path = "/users?on_conflict=merge&on=email"
        body = {"id": id_, "firstName": "a", "email": f"e{id_}"}
        responses = await asyncio.gather(*(api.call("POST", path, json=body) for _ in range(4)))
        return sorted(response.status_code for response in responses)

    for number in range(1, 11):
        assert api.run(post_all(number)) == [200, 200, 200, 201]


def test_openapi_describes_upserts(api: Api) -> None:
    api.crud.resource(Tag, upsert=True)
    api.crud.resource(Country)
    paths = resolved(api.app.openapi())["paths"]
    operation = paths["/tags"]["post"]
    names = {parameter["name"] for parameter in operation["parameters"]}
    assert {"on_conflict", "on", "dry_run", "Prefer"} <= names
    assert {"200", "201", "204"} <= set(operation["responses"])
    assert "stored already" in operation["responses"]["200"]["description"]
    for status in ("200", "201", "204"):
        headers = operation["responses"][status]["headers"]
        assert {"Location", "ETag", "Preference-Applied", "Dry-Run"} <= headers.keys(), status
    others = {parameter["name"] for parameter in paths["/countries"]["post"]["parameters"]}
    assert "on_conflict" not in others
    assert "200" not in paths["/countries"]["post"]["responses"]


@pytest.mark.parametrize("mode", ["merge", "ignore"])
def test_idempotency_key_holds_for_the_whole_upsert(api: Api, mode: str) -> None:
    api.crud.resource(Tag, upsert=True)
    path, headers = f"/tags?on_conflict={mode}", {"Idempotency-Key": str(uuid4())}
    tag = api.create("/tags", label="a")
    first = api.post(path, {"label": "a"}, headers=headers)
    assert (first.status_code, first.json()) == (200, tag)
    assert api.delete(f"/tags/{tag['id']}").status_code == 200
    again = api.post(path, {"label": "a"}, headers=headers)
    assert (again.status_code, again.json()) == (200, tag)
    assert again.headers["idempotency-replayed"] == "true"
    assert api.rows(Tag) == []
    assert api.post(path, {"label": "b"}, headers=headers).status_code == 422
