"""What hooks see and set before and after the request is parsed."""

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from encore import Context, Resource, stop
from encore.errors import Forbidden
from encore.execution.context import Response
from tests.fixtures.library import Api, assert_field_errors
from tests.fixtures.library_models import User

EARLY = ["start", "auth"]


class Invalid(NamedTuple):
    """A request that is refused once it is validated, naming what is wrong."""

    action: str
    method: str
    path: str
    status: int
    body: Any = None


INVALID = [
    Invalid("create", "POST", "/users", 400, {"age": "old"}),
    Invalid("create", "POST", "/users?nmae=x", 400, {"firstName": "Ada"}),
    Invalid("list", "GET", "/users?frstName=Ada", 400),
    Invalid("list", "GET", "/users?age=old", 400),
    Invalid("list", "GET", "/users?sort=nothing", 400),
    Invalid("read", "GET", "/users/1?x=1", 400),
    Invalid("read", "GET", "/users/me", 404),
    Invalid("update", "PUT", "/users/1", 400, {"firstName": None}),
    Invalid("delete", "DELETE", "/users/1?x=1", 400),
]
EACH = pytest.mark.parametrize("request_", INVALID, ids=lambda one: f"{one.action} {one.path}")


@pytest.fixture
def users(api: Api) -> Resource:
    """Users, of whom there is one."""
    users = api.crud.resource(User)
    api.create("/users", firstName="Ada", rank=1)
    return users


@EACH
@pytest.mark.parametrize("stage", EARLY)
def test_caller_rejected_by_hook_of_start_learns_no_names(
    api: Api, users: Resource, stage: str, request_: Invalid
) -> None:
    answer = api.request(request_.method, request_.path, json=request_.body)
    assert answer.status_code == request_.status

    @users.all.stage(stage).before
    def refuse(_: Context) -> None:
        raise Forbidden("not you")

    api.database.sql.clear()
    answer = api.request(request_.method, request_.path, json=request_.body)
    assert (answer.status_code, answer.json()["detail"]) == (403, "not you")
    assert_field_errors(answer, 403)
    assert api.database.sql == []


@EACH
def test_stop_in_hook_of_start_precedes_validation(
    api: Api, users: Resource, request_: Invalid
) -> None:
    users.all.auth(lambda _: stop(Response(203, [], b"cached")))
    answer = api.request(request_.method, request_.path, json=request_.body)
    assert (answer.status_code, answer.content) == (203, b"cached")


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b"7", "application/json", 400),
        (b"{}", "text/plain", 415),
        (b" " * 1_100_000, "application/json", 413),
    ],
)
def test_undecodable_body_is_rejected_before_hooks(
    api: Api, users: Resource, content: bytes, kind: str, status: int
) -> None:
    seen: list[Any] = []
    users.all.start.before(lambda context: seen.append(context.request_body))
    headers = {"Content-Type": kind}
    answer = api.request("POST", "/users", content=content, headers=headers)
    assert answer.status_code == status
    assert seen == []


@pytest.mark.parametrize("stage", EARLY)
def test_hook_of_start_sees_decoded_body(api: Api, users: Resource, stage: str) -> None:
    seen: list[Any] = []
    users.all.stage(stage).before(lambda context: seen.append(context.request_body))
    api.put("/users/1", {"age": "x", "captcha": 7})
    assert seen == [{"age": "x", "captcha": 7}]


def add_to_given(context: Context) -> None:
    context.request_body["firstName"] = "hook"


def replace_given(context: Context) -> None:
    context.request_body = {"firstName": "hook"}


def set_attribute(context: Context) -> None:
    context.attributes["first_name"] = "hook"


def replace_attributes(context: Context) -> None:
    context.attributes = {"first_name": "hook"}


@pytest.mark.parametrize("stage", EARLY)
@pytest.mark.parametrize("hook", [add_to_given, replace_given, set_attribute, replace_attributes])
def test_values_set_by_hook_of_start_override_body(
    api: Api, users: Resource, stage: str, hook: Callable[[Context], None]
) -> None:
    for action in ("create", "update"):
        users.hooks[action].stage(stage).before(hook)
    made = api.create("/users", firstName="client")
    assert made["firstName"] == "hook"
    assert api.put("/users/1", {"firstName": "client"}).json()["firstName"] == "hook"


def test_body_made_invalid_by_hook_of_start_is_rejected(api: Api, users: Resource) -> None:
    users.create.start(lambda context: context.request_body.update(age="x"))
    assert_field_errors(api.post("/users", {"firstName": "Ada"}), 400, "age")


def test_status_and_page_set_by_hook_of_start_stay(api: Api, users: Resource) -> None:
    def early(context: Context) -> None:
        context.status, context.count, context.shallow = 202, 1, True

    users.all.start(early)
    assert api.post("/users", {"firstName": "B"}).status_code == 202
    answer = api.get("/users?count=5")
    assert (answer.status_code, len(answer.json())) == (202, 1)
