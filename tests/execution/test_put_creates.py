"""``put_creates``: PUT creates the row that its path names, if there is none."""

import asyncio
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from encore import Context
from encore.errors import BadRequest, ConfigurationError
from encore.http.access import Access
from encore.http.request_state import RequestState
from tests.fixtures.library import Api, assert_field_errors
from tests.fixtures.library_models import Country, Profile, Seat, Shelf, Tag, User
from tests.fixtures.models import Serve
from tests.fixtures.openapi import resolved
from tests.fixtures.version_models import Owner, VersionBase


def test_put_of_a_missing_row_creates_it(api: Api) -> None:
    api.crud.resource(User, put_creates=True)
    created = api.put("/users/7", {"firstName": "Ada"})
    assert (created.status_code, created.headers["location"]) == (201, "/users/7")
    row = created.json()
    assert (row["id"], row["firstName"], row["rank"]) == (7, "Ada", 7)
    changed = api.put("/users/7", {"age": 1})
    assert (changed.status_code, changed.json()["firstName"]) == (200, "Ada")
    assert "location" not in changed.headers
    assert api.post("/users", {"firstName": "Bob"}).json()["id"] == 8
    assert api.request("PATCH", "/users/9", json={"firstName": "C"}).status_code == 404


def test_put_without_the_option_creates_nothing(api: Api) -> None:
    api.crud.resource(User)
    assert api.put("/users/7", {"firstName": "Ada"}).status_code == 404
    assert api.rows(User) == []


def test_key_in_the_body_agrees_with_the_path(api: Api) -> None:
    api.crud.resource(User, put_creates=True)
    assert_field_errors(api.put("/users/7", {"id": 8, "firstName": "A"}), 400, "id")
    assert_field_errors(api.put("/users/7", {"id": None, "firstName": "A"}), 400, "id")
    assert_field_errors(api.put("/users/7", {"age": 1}), 400, "firstName")
    assert_field_errors(api.put("/users/7", {"firstName": "A", "zzz": 1}), 400, "zzz")
    assert api.put("/users/7", {"id": 7, "firstName": "A"}).status_code == 201
    assert api.put("/users/x", {"firstName": "A"}).status_code == 404
    highest = 2**53 - 1 if api.is_sqlite else 2**31 - 1
    assert_field_errors(api.put(f"/users/{highest}", {"firstName": "A"}), 400, "id")


def test_text_and_composite_keys(api: Api) -> None:
    api.crud.resource(Country, put_creates=True)
    api.crud.resource(Seat, put_creates=True)
    made = api.put("/countries/C%2F%C3%A9%20%25", {"name": "X"})
    assert (made.status_code, made.json()["code"]) == (201, "C/é %")
    assert api.read(made.headers["location"])["name"] == "X"
    made = api.put("/seats/A/3", {"note": "n"})
    assert (made.status_code, made.json()) == (201, {"line": "A", "number": 3, "note": "n"})
    assert api.put("/seats/A/3", {"number": 3}).status_code == 200
    assert_field_errors(api.put("/seats/A/4", {"number": 3}), 400, "number")


def test_key_that_a_body_could_not_have_is_not_created(api: Api) -> None:
    api.crud.resource(Country, put_creates=True)
    api.crud.resource(Seat, put_creates=True)
    assert_field_errors(api.put(f"/countries/{'x' * 21}", {"name": "X"}), 400, "code")
    assert_field_errors(api.put(f"/seats/{'x' * 11}/3", {}), 400, "line")
    assert api.put(f"/countries/{'é' * 20}", {"name": "X"}).status_code == 201


def test_path_of_another_unique_key(api: Api) -> None:
    api.crud.resource(Shelf, endpoints=("/shelves", "/shelves/{code}"), put_creates=True)
    made = api.put("/shelves/x", {})
    assert (made.status_code, made.json()) == (201, {"id": 1, "code": "x"})
    assert api.put("/shelves/x", {}).status_code == 200


def test_conflict_with_another_row_stays_a_conflict(api: Api) -> None:
    api.crud.resource(User, put_creates=True)
    api.create("/users", firstName="Ada", email="a")
    response = api.put("/users/7", {"firstName": "B", "email": "a"})
    assert_field_errors(response, 409, "email")
    assert len(api.rows(User)) == 1


def test_hooks_and_validation_are_those_of_the_action_that_runs(api: Api) -> None:
    users = api.crud.resource(User, put_creates=True)
    ran: list[str] = []

    def note(name: str, _: Context) -> None:
        ran.append(name)

    for action in ("create", "update"):
        for stage in ("start", "write", "complete"):
            name = f"{action}.{stage}"
            users.hooks[action].stage(stage).before(partial(note, name))
    users.create.write.before(lambda context: context.attributes.update(rank=3))
    assert api.put("/users/7", {"firstName": "Ada"}).json()["rank"] == 3
    assert ran == ["create.start", "create.write", "create.complete"]
    ran.clear()
    assert api.put("/users/7", {"firstName": "Ada"}).json()["rank"] == 3
    assert ran == ["update.start", "update.write", "update.complete"]


def test_row_that_criteria_hide_is_neither_changed_nor_created(api: Api) -> None:
    users = api.crud.resource(User, put_creates=True)

    @users.update.start.before
    def own(context: Context) -> None:
        context.criteria["rank"] = 1

    api.create("/users", id=7, firstName="Ada", rank=2)
    assert api.put("/users/7", {"firstName": "B"}).status_code == 404
    assert [row["firstName"] for row in api.rows(User)] == ["Ada"]
    assert api.put("/users/8", {"firstName": "C", "rank": 1}).status_code == 201


def test_error_formatter_sees_the_last_error_only(api: Api) -> None:
    tags = api.crud.resource(Tag, put_creates=True)
    seen: list[int] = []
    tags.all.on_error(lambda _, error: seen.append(error.status))
    tags.update.start.before(lambda context: context.criteria.update({"label": "x"}))
    api.create("/tags", id=1, label="a")
    assert api.put("/tags/1", {"label": "b"}).status_code == 404
    assert api.put("/tags/2", {"label": "a"}).status_code == 409
    assert seen == [404, 409]


def test_rows_of_sessions_are_created(serve: Serve) -> None:
    api = serve(VersionBase.metadata)
    api.crud.resource(Owner, put_creates=True)
    created = api.put("/owners/3", {"name": "o"})
    assert (created.status_code, created.json()["version"]) == (201, 1)
    assert api.put("/owners/3", {"name": "p"}).json()["version"] == 2


def test_put_that_replaces_also_creates(api: Api) -> None:
    api.crud.resource(User, put_creates=True, put_replaces=True)
    assert api.put("/users/7", {"firstName": "Ada", "age": 3}).status_code == 201
    assert api.put("/users/7", {"firstName": "Ada"}).json()["age"] is None


def test_dry_run_and_minimal_return_of_a_create(api: Api) -> None:
    api.crud.resource(User, put_creates=True)
    headers = {"Prefer": "return=minimal"}
    dry = api.put("/users/7?dry_run=true", {"firstName": "Ada"}, headers=headers)
    assert (dry.status_code, dry.content, dry.headers["dry-run"]) == (201, b"", "true")
    assert api.rows(User) == []


@pytest.mark.parametrize("count", [2, 8])
def test_simultaneous_puts_of_a_missing_row_create_it_once(api: Api, count: int) -> None:
    api.crud.resource(User, put_creates=True)

    async def put_all(path: str) -> list[int]:
        bodies = [{"firstName": f"{number}"} for number in range(count)]
        responses = await asyncio.gather(*(api.call("PUT", path, json=body) for body in bodies))
        return sorted(response.status_code for response in responses)

    for number in range(10, 20):
        assert api.run(put_all(f"/users/{number}")) == [200] * (count - 1) + [201]
    assert len(api.rows(User)) == 10


def test_rows_that_others_create_and_delete_meanwhile(api: Api) -> None:
    """The other action runs if the row appears or disappears after it was looked for."""
    users = api.crud.resource(User, put_creates=True)
    others: list[Any] = []

    async def interfere(_: Context) -> None:
        if others:
            method, path, body = others.pop()
            await api.call(method, path, json=body)

    users.create.start.before(interfere)
    users.update.start.before(interfere)
    others.append(("POST", "/users", {"id": 7, "firstName": "Other", "age": 5}))
    response = api.put("/users/7", {"firstName": "Ada"})
    assert (response.status_code, response.json()["age"]) == (200, 5)
    others.append(("DELETE", "/users/7", None))
    response = api.put("/users/7", {"firstName": "Ada"})
    assert (response.status_code, response.json()["age"]) == (201, None)


class Caller:
    """Sets the scopes of the caller."""

    granted = frozenset({"library"})

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            RequestState.from_scope(scope).granted = self.granted
        await self._app(scope, receive, send)


def test_create_needs_the_scopes_of_create(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    api.app.add_middleware(Caller)
    access = {"create": Access(all_of=("library", "library:create"))}
    api.crud.resource(Tag, put_creates=True, access=access)
    refused = api.put("/tags/1", {"label": "a"})
    assert refused.status_code == 403
    assert "library:create" in refused.headers["www-authenticate"]
    monkeypatch.setattr(Caller, "granted", frozenset({"library", "library:create"}))
    assert api.put("/tags/1", {"label": "a"}).status_code == 201
    monkeypatch.setattr(Caller, "granted", frozenset({"library"}))
    assert api.put("/tags/1", {"label": "b"}).status_code == 200


def test_scopes_that_are_not_known_are_not_assumed(api: Api) -> None:
    access = {"create": Access(all_of=("library", "library:create"))}
    api.crud.resource(Tag, put_creates=True, access=access)
    assert api.put("/tags/1", {"label": "a"}).status_code == 403


INVALID: list[tuple[dict[str, Any], str]] = [
    ({"put_creates": 1}, "must be true or false"),
    ({"put_creates": True, "actions": ["create", "read"]}, "there is no PUT"),
    ({"put_creates": True, "update_method": "POST"}, "there is no PUT"),
    ({"put_creates": True, "actions": ["update", "read"]}, "there is no create"),
    ({"put_creates": True, "read_only_attributes": ["id"]}, "clients may not write id"),
]


@pytest.mark.parametrize(("options", "message"), INVALID, ids=str)
def test_options_that_contradict_stop_the_start(
    api: Api, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigurationError, match=f"put_creates.*{message}"):
        api.crud.resource(Profile, **options)


class GeneratedBase(DeclarativeBase):
    pass


class Generated(GeneratedBase):
    __tablename__ = "generated"

    id: Mapped[int] = mapped_column(sa.Identity(always=True), primary_key=True)
    name: Mapped[str | None]


def test_keys_that_only_the_database_sets_stop_the_start(serve: Serve) -> None:
    api = serve(GeneratedBase.metadata)
    with pytest.raises(ConfigurationError, match="clients may not write id"):
        api.crud.resource(Generated, put_creates=True)


def test_hook_that_refuses_the_create(api: Api) -> None:
    users = api.crud.resource(User, put_creates=True)

    @users.create.auth.before
    def refuse(_: Context) -> None:
        raise BadRequest("no new users")

    assert api.put("/users/7", {"zzz": 1}).json()["detail"] == "no new users"


def test_openapi_describes_both_responses(api: Api) -> None:
    api.crud.resource(Tag, put_creates=True)
    operations = resolved(api.app.openapi())["paths"]["/tags/{id}"]
    responses = operations["put"]["responses"]
    assert {"200", "201", "204"} <= set(responses)
    assert responses["201"]["content"] == responses["200"]["content"]
    assert {"Location", "Preference-Applied", "Dry-Run"} <= set(responses["201"]["headers"])
    assert "201" not in operations["patch"]["responses"]


def test_idempotency_key_of_a_put_that_creates(api: Api) -> None:
    api.crud.resource(Tag, put_creates=True)
    headers = {"Idempotency-Key": str(uuid4())}
    first = api.put("/tags/3", {"label": "a"}, headers=headers)
    again = api.put("/tags/3", {"label": "a"}, headers=headers)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.headers["idempotency-replayed"] == "true"
    assert again.headers["location"] == first.headers["location"]


def test_stored_response_is_sent_after_the_row_is_gone(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither a precondition nor the scopes of create refuse what was carried out."""
    api.app.add_middleware(Caller)
    access = {"create": Access(all_of=("library", "library:create"))}
    api.crud.resource(Tag, put_creates=True, access=access)
    monkeypatch.setattr(Caller, "granted", frozenset({"library", "library:create"}))
    created = api.put("/tags/3", {"label": "a"})
    monkeypatch.setattr(Caller, "granted", frozenset({"library"}))
    keyed = {"Idempotency-Key": str(uuid4())}
    matching = {"Idempotency-Key": str(uuid4()), "If-Match": created.headers["etag"]}
    changed = [api.put("/tags/3", {"label": "b"}, headers=h) for h in (matching, keyed)]
    assert api.delete("/tags/3").status_code == 200
    again = [api.put("/tags/3", {"label": "b"}, headers=h) for h in (matching, keyed)]
    assert [r.content for r in again] == [r.content for r in changed]
    assert [r.headers["idempotency-replayed"] for r in again] == ["true", "true"]
    assert api.put("/tags/3", {"label": "c"}, headers=matching).status_code == 422
    assert api.put("/tags/3", {"label": "c"}, headers=keyed).status_code == 422
    matching["Idempotency-Key"], keyed["Idempotency-Key"] = str(uuid4()), str(uuid4())
    assert api.put("/tags/3", {"label": "b"}, headers=matching).status_code == 412
    assert api.put("/tags/3", {"label": "b"}, headers=keyed).status_code == 403
    assert api.rows(Tag) == []
