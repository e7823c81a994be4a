"""What hooks may return and raise, and which registrations are refused."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, StreamingResponse

from encore import SKIP, ConfigurationError, Context, Resource, stop
from encore.errors import ApiError
from encore.execution.context import Response
from encore.execution.hooks import TIMINGS
from tests.fixtures.library import Api
from tests.fixtures.library_models import User


def note(seen: list[str], text: str) -> Callable[[Context], None]:
    return lambda _: seen.append(text)


STAGES = ["start", "auth", "fetch", "data", "write", "send"]


@pytest.fixture
def users(api: Api) -> Resource:
    """Users, of whom there is none."""
    return api.crud.resource(User, associations=True)


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("raises", [True, False], ids=["raised", "returned"])
def test_stop_raised_or_returned_at_any_stage_ends_action(
    api: Api, users: Resource, stage: str, *, raises: bool
) -> None:
    seen: list[str] = []

    @users.create.stage(stage).after
    async def end(_: Context) -> Any:
        await asyncio.sleep(0)
        if raises:
            raise stop(Response(202, [], b"later"))
        return stop(Response(202, [], b"later"))

    users.create.complete(lambda context: seen.append(str(context.error)))
    answer = api.post("/users", {"firstName": "A"})
    assert (answer.status_code, answer.content, seen) == (202, b"later", ["None"])
    assert len(api.rows(User)) == (stage in ("write", "send"))


def test_stop_in_complete_replaces_the_response(api: Api, users: Resource) -> None:
    @users.all.complete
    def end(context: Context) -> None:
        raise stop(Response(299, [], str(context.error).encode()))

    assert api.post("/users", {"firstName": "A"}).content == b"None"
    assert (api.get("/users/9").status_code, api.get("/users/9").content) == (299, b"Not Found")
    assert len(api.rows(User)) == 1


async def nothing() -> None:
    return None


async def a_dict() -> dict[str, int]:
    return {"a": 1}


async def yields() -> Any:
    yield 1


RESULTS: list[tuple[Callable[[], Any], bool]] = [
    (lambda: None, True),
    (lambda: SKIP, True),
    (nothing, True),
    (lambda: asyncio.ensure_future(nothing()), True),
    (a_dict, False),
    (yields, False),
    (lambda: True, False),
    (lambda: False, False),
    (lambda: {"a": 1}, False),
    (lambda: "skip", False),
    (lambda: JSONResponse({}), False),
    (lambda: Response(200, [], b""), False),
    (lambda: ApiError.for_status(403), False),
    (lambda: stop, False),
]


@pytest.mark.parametrize("number", range(len(RESULTS)))
def test_hook_with_other_result_returns_500(api: Api, users: Resource, number: int) -> None:
    result, allowed = RESULTS[number]
    users.create.write.after(lambda _: result())
    answer = api.post("/users", {"firstName": "A"})
    assert answer.status_code == (201 if allowed else 500)
    assert len(api.rows(User)) == allowed


ERRORS: list[tuple[Callable[[], Exception], int, str, list[Any]]] = [
    (lambda: ApiError.for_status(404, "No such shelf"), 404, "No such shelf", []),
    (lambda: ApiError.for_status(403), 403, "Forbidden", []),
    (lambda: ApiError.for_status(400, "Bad", ["a", "b"]), 400, "Bad", ["a", "b"]),
    (lambda: ApiError.for_status(418), 418, "I'm a Teapot", []),
    (lambda: ApiError.for_status(451, "Not here"), 451, "Not here", []),
    (lambda: ApiError.for_status(422, "No", [{"field": "x", "message": "y"}]), 422, "No",
     [{"field": "x", "message": "y"}]),
    (lambda: ApiError.for_status(499), 499, "Status 499", []),
    (lambda: ApiError.for_status(502, "The archive is away"), 502, "The archive is away", []),
    (lambda: HTTPException(402, "Pay first"), 402, "Pay first", []),
    (lambda: HTTPException(507), 507, "Insufficient Storage", []),
    (lambda: ApiError.for_status(200), 500, "internal error", []),
    (lambda: ApiError.for_status(400, "x", "name"), 500, "internal error", []),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(ERRORS)))
def test_hook_rejects_with_any_status_message_and_errors(
    api: Api, users: Resource, number: int
) -> None:
    make, status, message, errors = ERRORS[number]
    seen: list[Any] = []

    @users.list.fetch.before
    def refuse(_: Context) -> None:
        raise make()

    users.list.complete(lambda context: seen.append(context.error))
    answer = api.get("/users")
    problem = answer.json()
    assert (answer.status_code, problem["status"]) == (status, status)
    assert (problem["message"], problem["detail"]) == (message, message)
    assert problem["errors"] == errors
    assert [error.status for error in seen] == [status]


def test_on_error_async_on_all_formats_errors(api: Api, users: Resource) -> None:
    @users.all.on_error
    async def plain(_: Context, error: ApiError) -> Any:
        await asyncio.sleep(0)
        return JSONResponse({"oh": error.message}, status_code=error.status)

    assert api.get("/users/9").json() == {"oh": "Not Found"}
    assert list(api.post("/users", {}).json()) == ["oh"]
    with pytest.raises(ValueError, match="on_error has a formatter already"):
        users.read.on_error(plain)


def test_stop_with_streaming_response_raises(api: Api, users: Resource) -> None:
    users.list.fetch.before(lambda _: stop(StreamingResponse(iter(["x"]))))
    assert api.get("/users").status_code == 500


def three(_: Any, __: Any, ___: Any) -> None: ...


def assign_milestone(users: Resource) -> None:
    users.create.write = three  # type: ignore[assignment] # as somebody would write it


def assign_timing(users: Resource) -> None:
    users.create.write.before = three  # type: ignore[method-assign,assignment] # likewise


REFUSED: list[tuple[Callable[[Any], Any], type[Exception], str]] = [
    (lambda r: r.create.write.befor(print), AttributeError, "befor"),
    (lambda r: r.all.write.befor(print), AttributeError, "befor"),
    (lambda r: r.create.writ.before(print), AttributeError, "invalid stage: writ"),
    (lambda r: r.create.write(three), TypeError, "three is called with 1 argument"),
    (lambda r: r.create.write.replace(three), TypeError, "three is called with 1 argument"),
    (lambda r: r.create.write("three"), TypeError, "must be callable, not str"),
    (lambda r: r.create.on_error(nothing), TypeError, "formatter nothing is called with 2"),
    (assign_milestone, AttributeError, "write.before"),
    (assign_timing, AttributeError, "read-only"),
    (lambda r: r.use({"create": {"write": {"befor": print}}}), AttributeError, "invalid timing"),
    (lambda r: r.use({"create": {"write": [print]}}), TypeError, "must be callable, not list"),
    (lambda r: r.use({"create": print}), TypeError, "create: must be a mapping"),
    (lambda r: r.use({"extraConfiguration": print}), AttributeError, "extraConfiguration"),
    (lambda r: r.use({"extra_configuration": 1}), TypeError, "must be callable, not int"),
    (lambda r: r.nested_resources["books"].create.start(print), ConfigurationError,
     "resource Book: option actions: there is no create, so its hooks would never run"),
    (lambda r: r.nested_resources["profile"].list.on_error(print), ConfigurationError, "no list"),
    (lambda r: r.nested_resources["books"].use({"update": {"start": print}}), ConfigurationError,
     "no update"),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(REFUSED)))
def test_invalid_registration_raises(users: Resource, number: int) -> None:
    register, kind, text = REFUSED[number]
    with pytest.raises(kind, match=text):
        register(users)


def test_bundle_registers_every_timing_and_on_error(api: Api, users: Resource) -> None:
    seen: list[str] = []

    users.use(
        {
            "create": {
                "write": {timing: note(seen, timing) for timing in TIMINGS},
                "on_error": lambda _, error: JSONResponse(error.message, status_code=409),
            }
        }
    )
    assert api.post("/users", {"firstName": "A"}).status_code == 201
    assert seen == ["before", "action", "replace", "after"]
    assert api.rows(User) == []
    assert api.post("/users", {"age": "x"}).status_code == 409


def test_hooks_of_nested_resources_run(api: Api, users: Resource) -> None:
    seen: list[str] = []
    for name, nested in users.nested_resources.items():
        nested.all.start(note(seen, name))
    api.create("/users", firstName="A", books=[{"title": "x"}], profile={"nickname": "p"})
    for path in ("/users/1/books", "/users/1/books/1", "/users/1/profile"):
        assert api.get(path).status_code == 200
    assert seen == ["books", "books", "profile"]
