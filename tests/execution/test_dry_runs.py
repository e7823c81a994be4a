"""``dry_run=true``: the response of a write that is rolled back."""

import sqlite3
from collections.abc import Mapping
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from encore import Context, Response, stop
from tests.fixtures.library import Api, assert_field_errors
from tests.fixtures.library_models import Book, Tag, User, book_tags
from tests.fixtures.models import ModelApi, Serve
from tests.fixtures.version_models import Owner, VersionBase


def is_dry(response: Any) -> bool:
    return bool(response.headers.get("dry-run") == "true")


def without_timestamps(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in ("createdAt", "updatedAt")}


def test_responses_are_those_of_the_writes_and_nothing_changes(api: Api) -> None:
    api.crud.resource(User)
    api.create("/users", id=1, firstName="Ada")
    requests: list[tuple[str, str, Any]] = [
        ("POST", "/users", {"id": 2, "firstName": "Bob"}),
        ("PUT", "/users/1", {"age": 1}),
        ("PATCH", "/users/1", {"age": 2}),
        ("DELETE", "/users/1", None),
    ]
    for method, path, body in requests:
        rows = api.rows(User)
        response = api.request(method, path + "?dry_run=true", json=body)
        assert is_dry(response), (method, response.text)
        assert api.rows(User) == rows
        done = api.request(method, path + "?dry_run=false", json=body)
        assert not is_dry(done)
        assert response.status_code == done.status_code
        assert response.headers.get("location") == done.headers.get("location")
        assert without_timestamps(response.json()) == without_timestamps(done.json())


def test_related_rows_are_rolled_back(api: Api) -> None:
    api.crud.resource(User, include=["books"])
    body = {"firstName": "Bob", "books": [{"title": "x"}]}
    response = api.post("/users?dry_run=true", body)
    assert [book["title"] for book in response.json()["books"]] == ["x"]
    assert (api.rows(User), api.rows(Book)) == ([], [])


@pytest.mark.parametrize("flag", ["True", "1", "yes", ""])
def test_invalid_flag_is_rejected_even_if_lenient(api: Api, flag: str) -> None:
    api.crud.resource(User)
    headers = {"Prefer": "handling=lenient"}
    response = api.post(f"/users?dry_run={flag}", {"firstName": "A"}, headers=headers)
    assert_field_errors(response, 400, "dry_run")
    response = api.post("/users?dry_run=true&dry_run=true", {"firstName": "A"}, headers=headers)
    assert_field_errors(response, 400, "dry_run")
    assert api.rows(User) == []


def test_reading_has_no_dry_run(api: Api) -> None:
    api.crud.resource(User)
    api.create("/users", firstName="Ada")
    assert api.get("/users/1?dry_run=true").status_code == 400
    assert api.get("/users?dry_run=true").status_code == 400
    assert "known are dry_run" in api.post("/users?zzz=1", {"firstName": "A"}).json()["detail"]


def test_errors_are_those_of_the_write(api: Api) -> None:
    api.crud.resource(User)
    api.create("/users", firstName="Ada", email="a")
    assert_field_errors(api.post("/users?dry_run=true", {"age": 1}), 400, "firstName")
    twin = {"firstName": "B", "email": "a"}
    assert_field_errors(api.post("/users?dry_run=true", twin), 409, "email")
    assert api.put("/users/9?dry_run=true", {"age": 1}).status_code == 404


def test_hooks_run_and_know_and_their_work_after_commit_does_not_run(api: Api) -> None:
    users = api.crud.resource(User)
    seen: list[Any] = []

    @users.create.write.after
    async def write(context: Context) -> None:
        seen.append(context.is_dry_run)
        context.after_commit(lambda: seen.append("committed"))
        await context.orm(lambda session: session.add(Tag(label="by hook")))

    response = api.post("/users?dry_run=true", {"firstName": "Ada"})
    assert (response.status_code, seen, api.rows(Tag)) == (201, [True], [])
    api.create("/users", firstName="Ada")
    assert seen == [True, False, "committed"]
    assert len(api.rows(Tag)) == 1


@pytest.mark.parametrize("stage", ["start", "fetch", "send", "complete"])
def test_response_of_a_hook_that_stops_is_rolled_back_too(api: Api, stage: str) -> None:
    users = api.crud.resource(User)

    async def write_and_stop(context: Context) -> Any:
        await context.orm(lambda session: session.add(Tag(label="by hook")))
        return stop(Response(202, [], b"stopped"))

    users.update.stage(stage).before(write_and_stop)
    api.create("/users", firstName="Ada")
    response = api.put("/users/1?dry_run=true", {"age": 1})
    assert (response.status_code, response.content, is_dry(response)) == (202, b"stopped", True)
    assert (api.rows(Tag), api.rows(User)[0]["age"]) == ([], None)


def test_links_have_dry_runs(api: Api) -> None:
    api.crud.resource(Book, include=["tags"], links=True)
    api.crud.resource(Tag)
    api.create("/books", title="a")
    api.create("/tags", label="t")
    assert is_dry(api.post("/books/1/tags?dry_run=true", {"id": 1}))
    assert api.rows(book_tags) == []
    api.post("/books/1/tags", {"id": 1})
    assert is_dry(api.delete("/books/1/tags/1?dry_run=true"))
    assert api.put("/books/1/tags?dry_run=true", []).json() == []
    assert len(api.rows(book_tags)) == 1


def test_dry_run_with_minimal_return(api: Api) -> None:
    api.crud.resource(User)
    headers = {"Prefer": "return=minimal"}
    response = api.post("/users?dry_run=true", {"firstName": "Ada"}, headers=headers)
    assert (response.status_code, response.content, is_dry(response)) == (201, b"", True)


def test_rows_of_sessions_are_rolled_back(serve: Serve) -> None:
    api = serve(VersionBase.metadata)
    api.crud.resource(Owner, include=["cars"])
    api.create("/owners", name="o")
    response = api.put("/owners/1?dry_run=true", {"name": "p"})
    assert (response.json()["version"], is_dry(response)) == (2, True)
    assert api.read("/owners/1")["version"] == 1


class DeferredBase(DeclarativeBase):
    pass


class Team(DeferredBase):
    __tablename__ = "teams"

    id: Mapped[int] = mapped_column(primary_key=True)


class Member(DeferredBase):
    __tablename__ = "members"

    id: Mapped[int] = mapped_column(primary_key=True)
    team_id: Mapped[int | None] = mapped_column(
        sa.ForeignKey("teams.id", deferrable=True, initially="DEFERRED")
    )
    team: Mapped[Team | None] = relationship()


def deferred(serve: Serve) -> ModelApi:
    api = serve(DeferredBase.metadata)
    api.crud.resource(Team)
    api.crud.resource(Member)
    return api


def test_deferred_constraints_are_checked(serve: Serve) -> None:
    api = deferred(serve)
    dry = api.post("/members?dry_run=true", {"team_id": 7})
    real = api.post("/members", {"team_id": 7})
    assert_field_errors(dry, 409, "team_id")
    assert_field_errors(real, 409, "team_id")
    api.create("/teams", id=7)
    assert is_dry(api.post("/members?dry_run=true", {"team_id": 7}))
    api.create("/members", id=1, team_id=7)
    assert api.delete("/teams/7?dry_run=true").status_code == 409
    assert is_dry(api.delete("/members/1?dry_run=true"))
    assert len(api.rows(Member)) == len(api.rows(Team)) == 1


def test_rows_that_violate_a_deferred_constraint_already_do_not_count(serve: Serve) -> None:
    api = deferred(serve)
    if not api.is_sqlite:
        pytest.skip("PostgreSQL does not store such rows")
    with sqlite3.connect(sa.make_url(api.url).database or "") as connection:
        connection.execute("INSERT INTO members (id, team_id) VALUES (1, 99)")
    assert is_dry(api.post("/members?dry_run=true", {"id": 5}))
    assert api.post("/members?dry_run=true", {"team_id": 98}).status_code == 409
