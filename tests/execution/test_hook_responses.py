"""Responses that hooks have a hand in: what cannot be sent is refused before anything is kept."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from encore import Context, Resource, stop
from encore.errors import ApiError
from encore.execution.context import Response
from tests.fixtures.library import Api
from tests.fixtures.library_models import Shelf, User


@pytest.fixture
def users(api: Api) -> Resource:
    """Users, of whom there is none."""
    return api.crud.resource(User, associations=True)


UNSENDABLE: list[Callable[[Context], Any]] = [
    *(lambda c, s=s: setattr(c, "status", s) for s in (99, 100, 1000, 600, True, "200", None)),
    *(
        lambda c, h=h: c.headers.append(h)
        for h in (
            ("x-a", "b"),
            (b"x-a", "b"),
            (b"x-a", 5),
            (b"x a", b"b"),
            (b"", b"b"),
            (b"x-a", b"b\r\nset-cookie: c=d"),
            (b"x-a", b"b\0"),
            (b"content-length", b"3"),
            (b"Transfer-Encoding", b"chunked"),
            b"x-a",
        )
    ),
    lambda c: setattr(c, "headers", {b"x": b"y"}),
    lambda c: setattr(c, "body", "text"),
    lambda _: stop(Response(99, [], b"")),
    lambda _: stop(Response(200, None, b"")),  # type: ignore[arg-type] # on purpose
    lambda _: stop(Response(200, [], "x")),  # type: ignore[arg-type] # on purpose
    lambda _: stop(JSONResponse({}, 999)),
]


@pytest.mark.parametrize("number", range(len(UNSENDABLE)))
def test_unsendable_response_returns_500_and_writes_nothing(
    api: Api, users: Resource, number: int
) -> None:
    users.create.send.after(UNSENDABLE[number])
    answer = api.post("/users", {"firstName": "A"})
    assert (answer.status_code, answer.json()["message"]) == (500, "internal error")
    assert api.rows(User) == []


@pytest.mark.parametrize("status", [204, 304])
def test_response_204_has_neither_content_nor_length(
    api: Api, users: Resource, status: int
) -> None:
    @users.create.send.before
    def empty(context: Context) -> None:
        context.status = status

    answer = api.post("/users", {"firstName": "A"})
    assert (answer.status_code, answer.content) == (status, b"")
    assert "content-length" not in answer.headers
    assert len(api.rows(User)) == 1


RAISED = [(200, 500), (204, 500), (302, 302), (418, 418), (600, 500), (99, 500)]


@pytest.mark.parametrize(("status", "answered"), RAISED)
def test_http_exception_with_success_status_returns_500(
    api: Api, users: Resource, status: int, answered: int
) -> None:
    @users.create.write.after
    def refuse(_: Context) -> None:
        raise HTTPException(status, {"why": "because"})  # type: ignore[arg-type] # FastAPI's may

    answer = api.post("/users", {"firstName": "A"})
    assert answer.status_code == answered
    assert api.rows(User) == []
    if answered == status == 418:
        assert answer.json()["detail"] == {"why": "because"}
    users.create.write.after(lambda _: None)
    assert api.get("/users").status_code == 200  # No transaction was left open.


LATE = [("read", "data"), ("read", "send"), ("list", "data"), ("update", "send")]


@pytest.mark.parametrize(("action", "stage"), LATE)
def test_criteria_and_key_set_after_fetch_raise(
    api: Api, users: Resource, action: str, stage: str
) -> None:
    row = api.create("/users", firstName="A")
    request = {"read": ("GET", f"/users/{row['id']}"), "list": ("GET", "/users")}.get(
        action, ("PUT", f"/users/{row['id']}")
    )
    hooks = getattr(users, action)
    read = []

    def too_late(context: Context) -> None:
        read.append(bool(context.criteria))  # Looking is no mistake.
        context.criteria["firstName"] = "B"

    getattr(hooks, stage).before(too_late)
    options: dict[str, Any] = {"json": {"firstName": "Z"}} if action == "update" else {}
    assert api.request(*request, **options).status_code == 500
    assert read == [False]
    assert [one["firstName"] for one in api.rows(User)] == ["A"]


def test_key_without_row_set_before_write_is_not_found(api: Api) -> None:
    shelves = api.crud.resource(Shelf)
    row = api.create("/shelves", code="a")

    @shelves.update.write.before
    @shelves.delete.write.before
    def another(context: Context) -> None:
        context.key = {"code": "b"}

    assert api.put(f"/shelves/{row['id']}", {"code": "c"}).status_code == 404
    assert api.delete(f"/shelves/{row['id']}").status_code == 404


def test_on_error_that_hangs_or_returns_invalid_value_returns_500(api: Api) -> None:
    users = api.crud.resource(User, hook_seconds=0.05)

    @users.all.on_error
    async def slow(_: Context, error: ApiError) -> Any:
        if error.status == 404:
            await asyncio.sleep(60)
        return "nonsense"

    assert api.get("/users/9").status_code == 500
    assert api.post("/users", {"nope": 1}).status_code == 500
