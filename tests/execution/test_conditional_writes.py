"""Preconditions of writes on one row: judged on the locked row, before the body is."""

from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, validates

from encore import Access, Context
from encore.errors import ConfigurationError, Forbidden
from encore.http.request_state import RequestState
from encore.types import Timestamps
from tests.fixtures.library import CLAIMS, Api
from tests.fixtures.library_models import Book, Country, Kind, Seat, User
from tests.fixtures.models import ModelApi, Serve
from tests.fixtures.openapi import resolved
from tests.fixtures.version_models import Owner, VersionBase

OLD = "Sun, 06 Nov 1994 08:49:37 GMT"
LATER = "Sun, 06 Nov 2095 08:49:37 GMT"


def tag_of(api: Api, path: str, **headers: str) -> str:
    response = api.get(path, headers=headers)
    assert response.status_code == 200, response.text
    tag: str = response.headers["etag"]
    return tag


def row_part(tag: str) -> str:
    return tag.strip('"').partition(".")[0]


@pytest.fixture
def users(api: Api) -> Api:
    api.crud.resource(User, exclude_attributes=["secret"])
    api.create("/users", firstName="A")
    return api


def path_of(api: Api, model: Any = User) -> str:
    return f"/users/{api.rows(model)[0]['id']}"


def test_stale_tag_is_412_with_the_current_one_and_writes_nothing(users: Api) -> None:
    path = path_of(users)
    first = tag_of(users, path)
    changed = users.put(path, {"firstName": "B"}, headers={"If-Match": first})
    assert changed.status_code == 200
    assert changed.headers["etag"] == tag_of(users, path) != first
    before = users.rows(User)
    for method in ("PUT", "PATCH", "DELETE"):
        body = None if method == "DELETE" else {"firstName": "C"}
        response = users.request(method, path, json=body, headers={"If-Match": first})
        assert response.status_code == 412, response.text
        assert response.headers["etag"] == changed.headers["etag"]
        assert response.json()["errors"][0]["field"] == "If-Match"
    assert users.rows(User) == before
    tag = changed.headers["etag"]
    assert users.delete(path, headers={"If-Match": tag}).status_code == 200


def test_only_the_row_part_of_strong_tags_is_compared(users: Api) -> None:
    path = path_of(users)
    tag = tag_of(users, path)
    version = row_part(tag)
    for value in (f'"{version}"', f'"{version}.another"', f'"x", "{version}.y"', "*", tag):
        assert users.put(path, {}, headers={"If-Match": value}).status_code == 200, value
    for value in (f"W/{tag}", f'"x{version}"', f'".{version}"', '""', f'"{version}x.y"'):
        assert users.put(path, {}, headers={"If-Match": value}).status_code == 412, value


def test_hidden_column_is_part_of_the_version(users: Api) -> None:
    path = path_of(users)
    tag = tag_of(users, path)
    users.crud.resource(User, endpoints=("/all", "/all/{id}"))
    assert users.put(path.replace("users", "all"), {"secret": "s"}).status_code == 200
    assert users.put(path, {}, headers={"If-Match": tag}).status_code == 412


def test_order_of_errors(users: Api) -> None:
    path = path_of(users)
    stale, malformed = {"If-Match": '"x"'}, {"If-Match": "x"}
    invalid = {"firstName": 7, "nothing": 1}
    assert users.put("/users/999", invalid, headers=malformed).status_code == 400
    assert users.put("/users/999", invalid, headers=stale).status_code == 404
    assert users.put("/users/999", {}, headers={"If-Match": "*"}).status_code == 404
    assert users.put(path, invalid, headers=stale).status_code == 412
    assert users.put(path, invalid, headers={"If-Match": "*"}).status_code == 400
    assert users.put(f"{path}?nothing=1", {}, headers=stale).status_code == 400
    assert users.delete("/users/999", headers=stale).status_code == 404


def test_hook_of_auth_is_asked_before_the_precondition(users: Api) -> None:
    resource = users.crud.resource(User, endpoints=("/guarded", "/guarded/{id}"))

    def forbid(_: Context) -> None:
        raise Forbidden("no")

    resource.update.auth.before(forbid)
    path = path_of(users).replace("users", "guarded")
    assert users.put(path, {"firstName": 7}, headers={"If-Match": '"x"'}).status_code == 403


def test_if_unmodified_since_is_judged_in_whole_seconds_unless_if_match_is_sent(users: Api) -> None:
    path = path_of(users)
    last = users.get(path).headers["last-modified"]
    assert last.endswith(" GMT")

    def send(date: str, **more: str) -> httpx.Response:
        return users.put(path, {}, headers={"If-Unmodified-Since": date, **more})

    assert send(last).status_code == 200
    assert send(LATER).status_code == 200
    refused = send(OLD)
    assert refused.status_code == 412
    assert refused.headers["last-modified"] == last
    assert send(OLD, **{"If-Match": "*"}).status_code == 200
    assert send("yesterday", **{"If-Match": "*"}).status_code == 200
    assert send("yesterday").status_code == 400
    assert send(LATER, **{"If-Match": '"x"'}).status_code == 412


def test_date_of_a_row_without_one_cannot_be_met(api: Api) -> None:
    api.crud.resource(Country)
    api.create("/countries", code="a/b", name="A")
    response = api.put("/countries/a%2Fb", {}, headers={"If-Unmodified-Since": LATER})
    assert response.status_code == 412
    assert "last-modified" not in api.get("/countries/a%2Fb").headers


def test_if_none_match_of_a_write_names_what_must_not_be_current(users: Api) -> None:
    path = path_of(users)
    tag = tag_of(users, path)
    for value in ("*", tag, f"W/{tag}"):
        assert users.put(path, {}, headers={"If-None-Match": value}).status_code == 412
        assert users.delete(path, headers={"If-None-Match": value}).status_code == 412
    assert users.put(path, {}, headers={"If-None-Match": '"x"'}).status_code == 200
    assert users.put("/users/999", {}, headers={"If-None-Match": "*"}).status_code == 404


def test_if_modified_since_of_a_write_is_400(users: Api) -> None:
    response = users.put(path_of(users), {}, headers={"If-Modified-Since": OLD})
    assert response.status_code == 400
    assert response.json()["errors"][0]["field"] == "If-Modified-Since"


def test_operation_without_tags_refuses_preconditions(users: Api) -> None:
    for headers in (
        {"If-Match": '"x"'},
        {"If-None-Match": "*"},
        {"If-None-Match": '"x"'},
        {"If-Unmodified-Since": LATER},
    ):
        response = users.post("/users", {"firstName": "B"}, headers=headers)
        assert response.status_code == 412, headers
        assert response.json()["errors"][0]["field"] == next(iter(headers))
    assert users.post("/users", {"firstName": "B"}, headers={"If-Match": "*"}).status_code == 201
    assert users.post("/users", {}, headers={"If-Match": "x"}).status_code == 400


def test_require_match_is_428_after_404_and_before_the_body(api: Api) -> None:
    api.crud.resource(User, require_match=True)
    api.create("/users", firstName="A")
    path = path_of(api)
    for headers in ({}, {"If-Unmodified-Since": LATER}, {"If-None-Match": '"x"'}):
        for method in ("PUT", "PATCH", "DELETE"):
            body = None if method == "DELETE" else {"nothing": 7}
            response = api.request(method, path, json=body, headers=headers)
            assert response.status_code == 428, (method, headers)
            assert response.json()["type"] == "urn:problem-type:precondition-required"
    assert api.put("/users/999", {"nothing": 7}).status_code == 404
    tag = tag_of(api, path)
    assert api.put(path, {"nothing": 7}, headers={"If-Match": tag}).status_code == 400
    assert api.put(path, {"age": 7}, headers={"If-Match": tag}).status_code == 200
    assert api.delete(path, headers={"If-Match": "*"}).status_code == 200
    for item in ("put", "patch", "delete"):
        described = resolved(api.app.openapi())["paths"]["/users/{id}"][item]
        assert {"412", "428"} <= set(described["responses"])


def test_require_match_must_be_true_or_false(api: Api) -> None:
    with pytest.raises(ConfigurationError, match="require_match"):
        api.crud.resource(User, require_match=["update"])


def test_body_of_a_get_is_put_back_with_its_tag(api: Api) -> None:
    api.crud.resource(Book, include=["author", "tags"])
    created = api.create("/books", title="T", author={"firstName": "A"}, tags=[{"label": "t"}])
    path = f"/books/{created['id']}"
    got = api.get(path)
    response = api.put(path, got.json(), headers={"If-Match": got.headers["etag"]})
    assert response.status_code == 200, response.text
    again = api.put(path, {"title": "U"}, headers={"If-Match": got.headers["etag"]})
    assert again.status_code in (200, 412)  # 200 if the first PUT came in the same millisecond.
    assert response.headers["etag"] != got.headers["etag"] or again.status_code == 200


def test_composite_and_text_keys(api: Api) -> None:
    api.crud.resource(Seat)
    columns = {column.name for column in Seat.__table__.columns}
    assert columns >= {"line", "number"}
    api.crud.resource(Country)
    api.create("/countries", code="ä b", name="A")
    path = "/countries/%C3%A4%20b"
    tag = tag_of(api, path)
    assert api.put(path, {"name": "B"}, headers={"If-Match": tag}).status_code == 200
    assert api.put(path, {"name": "C"}, headers={"If-Match": tag}).status_code == 412
    assert api.delete(path, headers={"If-Match": tag}).status_code == 412


def test_tags_of_every_column_type_are_the_same_from_each_operation(api: Api) -> None:
    api.crud.resource(Kind)
    body = {
        "text": "ä", "whole": 3, "big": 2**60, "real": 2,
        "amount": "1.5", "ratio": "2", "moment": "2020-01-01T00:00:00.123Z",
        "document": {"b": [1, None]},
    }  # fmt: skip
    created = api.post("/kinds", body)
    assert created.status_code == 201, created.text
    path = f"/kinds/{created.json()['id']}"
    assert tag_of(api, path) == created.headers["etag"]
    changed = api.put(path, {"whole": 4, "real": 5}, headers={"If-Match": tag_of(api, path)})
    assert changed.status_code == 200, changed.text
    assert tag_of(api, path) == changed.headers["etag"]


def choose_second(context: Context) -> None:
    context.key = {"name": "B"}


@pytest.fixture
def countries(api: Api) -> tuple[Api, Any, str, dict[str, str]]:
    """Return the API, its resource, the tag of the first row, and headers with both tags."""
    resource = api.crud.resource(Country)
    for code in ("a", "b"):
        api.create("/countries", code=code, name=code.upper())
    tags = [tag_of(api, f"/countries/{code}") for code in ("a", "b")]
    return api, resource, tags[0], {"If-Match": ", ".join(tags)}


Countries = tuple[Api, Any, str, dict[str, str]]


@pytest.mark.parametrize("stage", ["start", "fetch", "data", "write"])
def test_row_that_a_hook_selects_is_judged(countries: Countries, stage: str) -> None:
    api, resource, first, both = countries
    resource.update.stage(stage).before(choose_second)
    path = "/countries/a"
    assert api.put(path, {"name": "C"}, headers={"If-Match": first}).status_code == 412
    assert api.put(path, {"name": "C"}, headers=both).status_code == 200
    assert [row["name"] for row in api.rows(Country)] == ["A", "C"]


@pytest.mark.parametrize("stage", ["start", "fetch"])
def test_row_that_criteria_of_hooks_exclude_is_404(countries: Countries, stage: str) -> None:
    api, resource, _, both = countries

    def restrict(context: Context) -> None:
        context.criteria = {"name": "B"}

    for name in ("update", "delete"):
        resource.hooks[name].stage(stage).before(restrict)
    stale = {"If-Match": '"x"'}
    assert api.delete("/countries/a", headers=stale).status_code == 404
    assert api.put("/countries/a", {"name": "C"}, headers=stale).status_code == 404
    assert api.delete("/countries/b", headers=stale).status_code == 412
    assert api.delete("/countries/b", headers=both).status_code == 200


class ItemBase(DeclarativeBase):
    pass


class Staff(Timestamps, ItemBase):
    __tablename__ = "staff"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(20))
    kind: Mapped[str] = mapped_column(sa.String(20))
    __mapper_args__: Any = {"polymorphic_on": kind, "polymorphic_identity": "staff"}  # noqa: RUF012


class Manager(Staff):
    __tablename__ = "managers"

    id: Mapped[int] = mapped_column(sa.ForeignKey("staff.id"), primary_key=True)
    budget: Mapped[int | None]
    __mapper_args__: Any = {"polymorphic_identity": "manager"}  # noqa: RUF012


class Checked(ItemBase):
    __tablename__ = "checked"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(20))

    @validates("name")
    def strip(self, _: str, value: str) -> str:
        return value.strip()


@pytest.mark.parametrize(
    ("model", "changed"), [(Manager, {"budget": 2}), (Checked, {"name": " b"})]
)
def test_row_that_a_session_writes(serve: Serve, model: Any, changed: dict[str, Any]) -> None:
    api = serve(ItemBase.metadata)
    api.crud.resource(model)
    created = api.post(f"/{model.__tablename__}", {"name": "a"})
    assert created.status_code == 201, created.text
    path = f"/{model.__tablename__}/{created.json()['id']}"
    tag = tag_of(api, path)
    assert created.headers["etag"] == tag
    response = api.put(path, changed, headers={"If-Match": tag})
    assert response.status_code == 200, response.text
    assert response.headers["etag"] == tag_of(api, path) != tag
    assert api.put(path, changed, headers={"If-Match": tag}).status_code == 412
    assert api.delete(path, headers={"If-Match": tag}).status_code == 412
    assert api.delete(path, headers={"If-Match": response.headers["etag"]}).status_code == 200


def test_counted_version_is_the_row_part(serve: Serve) -> None:
    api = serve(VersionBase.metadata)
    api.crud.resource(Owner)
    created = api.post("/owners", {"name": "a"})
    path = f"/owners/{created.json()['id']}"
    assert row_part(created.headers["etag"]) == "1"
    assert created.headers["etag"] == tag_of(api, path)
    response = api.put(path, {"name": "b"}, headers={"If-Match": '"1"'})
    assert response.status_code == 200
    assert row_part(response.headers["etag"]) == "2"
    assert response.headers["etag"] == tag_of(api, path)
    stale = api.put(path, {"name": "c"}, headers={"If-Match": created.headers["etag"]})
    assert stale.status_code == 412
    assert stale.headers["etag"] == '"2"'
    # A change that does not count the version is another representation nevertheless.
    api.sql("UPDATE owners SET name = 'd'")
    fresh = api.get(path, headers={"If-None-Match": response.headers["etag"]})
    assert fresh.status_code == 200
    assert row_part(fresh.headers["etag"]) == "2"


def test_update_method_post_is_conditional(api: Api) -> None:
    api.crud.resource(User, update_method="POST")
    api.create("/users", firstName="A")
    path = path_of(api)
    assert api.post(path, {"age": 1}, headers={"If-Match": '"x"'}).status_code == 412
    tag = tag_of(api, path)
    assert api.post(path, {"age": 1}, headers={"If-Match": tag}).status_code == 200


def test_value_that_does_not_fit_its_column_is_part_of_the_version(serve: Serve) -> None:
    api = serve(ItemBase.metadata)
    if not api.is_sqlite:
        return
    api.crud.resource(Staff)
    created = api.post("/staff", {"name": "a"})
    path = f"/staff/{created.json()['id']}"
    api.sql("UPDATE staff SET name = CAST(x'ff' AS TEXT)")
    tag = tag_of(api, path)
    assert tag_of(api, path) == tag
    assert api.put(path, {"name": "b"}, headers={"If-Match": tag}).status_code == 200
    assert api.put(path, {"name": "c"}, headers={"If-Match": tag}).status_code == 412


@pytest.fixture
def granted(api: Api) -> set[str]:
    """Return the scopes of the caller, which a test changes."""
    scopes = {"read", "write"}

    class Gate:
        authenticates = True

        def __init__(self, app: Any) -> None:
            self._app = app

        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            state = RequestState.from_scope(scope)
            state.claims, state.granted = CLAIMS, frozenset(scopes)
            await self._app(scope, receive, send)

    api.app.add_middleware(Gate)
    return scopes


def test_caller_who_may_not_read_gets_no_tag(api: Api, granted: set[str]) -> None:
    access = {"all": "write", "read": Access(all_of=("read",)), "list": "read"}
    api.crud.resource(User, access=access)
    api.crud.resource(User, endpoints=("/blind", "/blind/{id}"), actions=("create", "update"))
    tagged = api.post("/users", {"firstName": "A"})
    assert "etag" in tagged.headers
    path = f"/users/{tagged.json()['id']}"
    granted.discard("read")
    for response in (
        api.post("/users", {"firstName": "A"}),
        api.put(path, {"age": 1}),
        api.put(path, {"age": 1}, headers={"If-Match": '"x"'}),
        api.post("/blind", {"firstName": "A"}),
    ):
        assert response.status_code in (200, 201, 412)
        assert not {"etag", "last-modified"} & set(response.headers), response.request.url


def test_sessions_of_another_process_are_not_lost(serve: Serve) -> None:
    """The row is judged as it is stored, whoever wrote it."""
    api: ModelApi = serve(ItemBase.metadata)
    api.crud.resource(Checked)
    created = api.post("/checked", {"name": "a"})
    path = f"/checked/{created.json()['id']}"
    tag = tag_of(api, path)
    api.sql("UPDATE checked SET name = 'z'")
    assert api.put(path, {"name": "b"}, headers={"If-Match": tag}).status_code == 412
    assert api.sql("SELECT name FROM checked") == [("z",)]


@pytest.mark.parametrize(
    "options",
    [{"bulk": ["update"]}, {"bulk": ["delete"]}, {"upsert": True}, {"checks_if_match": ["update"]}],
    ids=str,
)
def test_require_match_contradicts_writes_that_compare_nothing(
    api: Api, options: dict[str, Any]
) -> None:
    with pytest.raises(ConfigurationError, match="require_match"):
        api.crud.resource(User, require_match=True, **options)


def test_require_match_leaves_no_bulk_writes_and_no_uploads(api: Api) -> None:
    users = api.crud.resource(User, require_match=True)
    api.create("/users", firstName="A")
    assert api.request("PATCH", "/users?age=1", json={"age": 2}).status_code == 405
    assert api.delete("/users?age=1").status_code == 405
    with pytest.raises(ConfigurationError, match="require_match"):
        api.crud.upload(users, natural_key=["email"])


def test_put_that_creates_with_if_none_match_never_overwrites(api: Api) -> None:
    api.crud.resource(Country, put_creates=True)
    only_new = {"If-None-Match": "*"}
    created = api.put("/countries/a", {"name": "A"}, headers=only_new)
    assert created.status_code == 201, created.text
    assert created.headers["etag"] == tag_of(api, "/countries/a")
    again = api.put("/countries/a", {"name": "B"}, headers=only_new)
    assert again.status_code == 412
    assert again.headers["etag"] == created.headers["etag"]
    missing = api.put("/countries/b", {"name": "B"}, headers={"If-Match": "*"})
    assert missing.status_code == 412
    assert [row["name"] for row in api.rows(Country)] == ["A"]


def test_replay_is_not_judged_again(users: Api) -> None:
    path = path_of(users)
    headers = {"If-Match": tag_of(users, path), "Idempotency-Key": "k" * 30}
    first = users.put(path, {"age": 1}, headers=headers)
    assert first.status_code == 200
    again = users.put(path, {"age": 1}, headers=headers)
    assert (again.status_code, again.content) == (200, first.content)
    assert again.headers["etag"] == first.headers["etag"]
    assert again.headers["idempotency-replayed"] == "true"


def test_dry_run_has_no_tag_and_is_judged(users: Api) -> None:
    path = path_of(users)
    stale = users.put(f"{path}?dry_run=true", {}, headers={"If-Match": '"x"'})
    assert stale.status_code == 412
    response = users.put(f"{path}?dry_run=true", {"age": 1}, headers={"If-Match": "*"})
    assert response.status_code == 200
    assert "etag" not in response.headers


def test_minimal_response_has_the_tag(users: Api) -> None:
    path = path_of(users)
    response = users.put(path, {"age": 1}, headers={"Prefer": "return=minimal"})
    assert response.status_code == 204
    assert response.headers["etag"] == tag_of(users, path)
