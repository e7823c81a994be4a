"""One transaction around a request: an error at any stage leaves nothing written."""

import asyncio
from typing import Any

import pytest

from encore.errors import Conflict
from encore.execution.context import Context
from encore.execution.hooks import STAGES
from tests.fixtures.library import Api
from tests.fixtures.library_models import Book, Profile, Tag, User, book_tags

TABLES = (User, Book, Profile, Tag, book_tags)


def fail(_: Context) -> None:
    raise Conflict("on purpose")


WRITES = [
    (
        "create",
        "POST",
        "/users",
        {"firstName": "A", "books": [{"title": "B"}], "profile": {"nickname": "new"}},
    ),
    ("update", "PUT", "/users/1", {"firstName": "C", "profile": {"nickname": "other"}}),
    ("delete", "DELETE", "/users/2", None),
]


@pytest.mark.parametrize("timing", ["before", "after"])
@pytest.mark.parametrize("stage", STAGES)
def test_error_at_any_stage_rolls_back(api: Api, stage: str, timing: str) -> None:
    users = api.crud.resource(User, associations=True)
    api.create("/users", firstName="Ada", profile={"nickname": "p"})
    api.create("/users", firstName="Bob")
    for action in ("create", "update", "delete"):
        hooks = users.hooks[action].stage(stage)
        getattr(hooks, timing)(fail)

    before = [api.rows(table) for table in TABLES]
    for _, method, path, body in WRITES:
        assert api.request(method, path, json=body).status_code == 409
        assert [api.rows(table) for table in TABLES] == before


def test_unexpected_error_rolls_back(api: Api) -> None:
    users = api.crud.resource(User)

    @users.create.write.after
    async def fail(_: Context) -> None:
        raise ZeroDivisionError

    assert api.post("/users", {"firstName": "A"}).status_code == 500
    assert api.rows(User) == []


def test_concurrent_creates_with_failures_commit_only_successes(api: Api) -> None:
    users = api.crud.resource(User, associations=True)

    @users.create.write.after
    async def sometimes(context: Context) -> None:
        await asyncio.sleep(0)
        if context.attributes["age"] % 3 == 0:
            raise Conflict("on purpose")

    async def write() -> list[Any]:
        return await asyncio.gather(
            *(
                api.call(
                    "POST",
                    "/users",
                    json={
                        "firstName": f"n{n}",
                        "age": n,
                        "email": f"{n % 50}@x",
                        "books": [{"title": f"t{n}"}],
                    },
                )
                for n in range(100)
            )
        )

    answers = api.run(write())
    assert {answer.status_code for answer in answers} == {201, 409}
    made = {answer.json()["id"] for answer in answers if answer.status_code == 201}
    rows = api.rows(User)
    assert {row["id"] for row in rows} == made
    assert all(row["age"] % 3 for row in rows)
    assert len({row["email"] for row in rows}) == len(rows)
    assert {row["authorId"] for row in api.rows(Book)} == made


def test_disconnected_caller_rolls_back(api: Api) -> None:
    users = api.crud.resource(User)

    @users.create.write.after
    async def wait(_: Context) -> None:
        await asyncio.sleep(5)

    async def leave() -> None:
        task = asyncio.create_task(api.call("POST", "/users", json={"firstName": "A"}))
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    api.run(leave())
    assert api.rows(User) == []
    users.create.write.afters.clear()
    users.create.notify()
    assert api.post("/users", {"firstName": "A"}).status_code == 201
