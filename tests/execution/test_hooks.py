"""Hooks: their order, what they may do, and what becomes of the answer."""

import asyncio
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session
from starlette.responses import JSONResponse

from encore.errors import ApiError, Forbidden
from encore.execution.context import Context, Response
from encore.execution.hooks import SKIP, STAGES, stop
from encore.execution.resource import Resource
from tests.fixtures.library import CLAIMS, Api, assert_field_errors
from tests.fixtures.library_models import Kind, Tag, User


class Call(NamedTuple):
    """A request that runs an action."""

    action: str
    method: str
    path: str
    body: Any = None
    status: int = 200


CALLS = [
    Call("create", "POST", "/users", {"firstName": "New"}, 201),
    Call("list", "GET", "/users"),
    Call("read", "GET", "/users/1"),
    Call("update", "PUT", "/users/1", {"firstName": "New"}),
    Call("delete", "DELETE", "/users/1"),
]
EACH_ACTION = pytest.mark.parametrize("call", CALLS, ids=lambda call: call.action)


@pytest.fixture
def users(api: Api) -> Resource:
    """Users, of whom there is one."""
    users = api.crud.resource(User, exclude_attributes=["secret"])
    api.run(_with_user(api))
    return users


async def _with_user(api: Api) -> None:
    async with api.database.writing() as connection:
        await connection.orm(lambda session: session.add(User(first_name="Ada", rank=1)))


def note(seen: list[str], text: str) -> Callable[[Context], None]:
    return lambda _: seen.append(text)


@EACH_ACTION
def test_hooks_run_in_finales_order_at_every_stage(api: Api, users: Resource, call: Call) -> None:
    seen: list[str] = []
    for stage in STAGES:
        hooks = users.hooks[call.action].stage(stage)
        hooks.after(note(seen, f"{stage}.after"))
        hooks.action(note(seen, stage))
        hooks.before(note(seen, f"{stage}.before"))
        hooks.before(note(seen, f"{stage}.before2"))
    assert api.request(call.method, call.path, json=call.body).status_code == call.status
    assert seen == [
        f"{stage}{moment}" for stage in STAGES for moment in (".before", ".before2", "", ".after")
    ]


@EACH_ACTION
def test_hook_before_stage_without_step_runs(api: Api, users: Resource, call: Call) -> None:
    @users.hooks[call.action].auth.before
    def refuse(_: Context) -> None:
        raise Forbidden("not you")

    before = api.rows(User)
    assert api.request(call.method, call.path, json=call.body).status_code == 403
    assert api.rows(User) == before


def test_hook_of_all_runs_in_every_action(api: Api, users: Resource) -> None:
    seen: list[str] = []

    @users.all.start.before
    async def first(context: Context) -> None:
        await asyncio.sleep(0)
        seen.append(context.action)

    for call in CALLS:
        api.request(call.method, call.path, json=call.body)
    assert seen == ["create", "list", "read", "update", "delete"]


def test_bundle_registers_hooks_and_calls_extra_configuration(api: Api, users: Resource) -> None:
    seen: list[str] = []
    users.use(
        {
            "create": {"write": {"before": note(seen, "before"), "after": note(seen, "after")}},
            "list": {"fetch": note(seen, "fetch")},
            "all": {"start": {"before": note(seen, "start")}},
            "extra_configuration": lambda resource: seen.append(resource.name),
        }
    )
    api.post("/users", {"firstName": "B"})
    api.get("/users")
    assert seen == ["User", "start", "before", "after", "start", "fetch"]


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        (lambda users: users.create.stert, "invalid stage: stert"),
        (lambda users: users.all.stert, "invalid stage: stert"),
        (lambda users: users.use({"create": {"stert": print}}), "invalid stage: stert"),
        (lambda users: users.use({"all": {"stert": print}}), "invalid stage: stert"),
        (lambda users: users.use({"creat": {"start": print}}), "invalid action: creat"),
        (lambda users: users.use({"read": {"auth": {"befor": print}}}), "invalid timing: befor"),
    ],
)
def test_unknown_stage_or_action_raises_attribute_error(
    users: Resource, wrong: Callable[[Resource], Any], text: str
) -> None:
    with pytest.raises(AttributeError, match=f"^{text}$"):
        wrong(users)


def test_replace_hook_runs_instead_of_step(api: Api, users: Resource) -> None:
    @users.create.write.replace
    def instead(context: Context) -> None:
        context.instance = {"made": context.attributes["first_name"]}

    response = api.post("/users", {"firstName": "B"})
    assert (response.status_code, response.json()) == (201, {"made": "B"})
    assert "location" not in response.headers
    assert len(api.rows(User)) == 1


def test_instance_set_by_hook_is_returned_unchanged(api: Api, users: Resource) -> None:
    def wrap(context: Context) -> None:
        context.instance = {"rows": context.instance if context.action == "list" else 1}

    users.read.fetch.after(wrap)
    assert api.read("/users/1") == {"rows": 1}


def test_skip_skips_rest_of_its_stage_only(api: Api, users: Resource) -> None:
    seen: list[str] = []
    users.create.write.before(lambda _: SKIP)
    users.create.write.after(note(seen, "write.after"))
    users.create.send.before(note(seen, "send.before"))
    users.create.send.before(lambda _: SKIP)
    users.create.complete(note(seen, "complete"))
    assert api.post("/users", {"firstName": "B"}).content == b""
    assert seen == ["send.before", "complete"]
    assert len(api.rows(User)) == 1


STOPS = [
    Response(202, [(b"x-mine", b"yes")], b"later"),
    JSONResponse("later", status_code=202, headers={"x-mine": "yes"}),
]


@pytest.mark.parametrize("response", STOPS, ids=["ours", "starlette"])
def test_stop_ends_action_commits_and_runs_complete(
    api: Api, users: Resource, response: Any
) -> None:
    seen: list[str] = []
    users.create.write.after(lambda _: stop(response))
    users.create.send.before(note(seen, "send"))
    users.create.complete(note(seen, "complete"))
    answer = api.post("/users", {"firstName": "B"})
    assert (answer.status_code, answer.headers["x-mine"]) == (202, "yes")
    assert "later" in answer.text
    assert seen == ["complete"]
    assert len(api.rows(User)) == 2


def test_attributes_set_by_hook_override_body_and_satisfy_required(
    api: Api, users: Resource
) -> None:
    @users.create.data.before
    def name(context: Context) -> None:
        context.attributes["first_name"] = context.claims["sub"]
        context.attributes["email"] = "set@x"

    for body in ({}, {"email": "client@y"}):
        row = api.post("/users", body)
        if body:  # The second breaks the unique key that the hook sets.
            assert_field_errors(row, 409, "email")
        else:
            assert (row.json()["firstName"], row.json()["email"]) == (CLAIMS["sub"], "set@x")


def test_required_field_without_hook_is_rejected(api: Api, users: Resource) -> None:
    users.create.start(lambda _: None)
    assert_field_errors(api.post("/users", {}), 400, "firstName")


def test_hook_sets_fields_read_only_to_clients(api: Api) -> None:
    users = api.crud.resource(User, read_only_attributes=["email", "firstName"])

    @users.all.write.before
    def stamp(context: Context) -> None:
        if context.action != "delete":
            context.attributes.update(first_name="hook", email=f"{context.action}@x")

    row = api.create("/users", age=1)
    assert (row["firstName"], row["email"]) == ("hook", "create@x")
    assert api.put("/users/1", {"email": "create@x"}).json()["email"] == "update@x"
    assert_field_errors(
        api.post("/users", {"firstName": "client", "email": "c"}), 400, "firstName", "email"
    )
    assert_field_errors(api.put("/users/1", {"email": "client"}), 400, "email")


CRITERIA: list[tuple[Any, list[str]]] = [
    ({"first_name": "Bob"}, ["Bob"]),
    ({"email": None, "rank": 1}, ["Ada"]),
    ({"first_name": ["Ada", "Cyd"]}, ["Ada", "Cyd"]),
    ({"first_name": []}, []),
    ([User.first_name.in_(["Bob", "Cyd"]), User.rank > 2], ["Cyd"]),
]


@pytest.mark.parametrize(("criteria", "names"), CRITERIA)
def test_criteria_restrict_every_action(
    api: Api, users: Resource, criteria: Any, names: list[str]
) -> None:
    api.post("/users", {"firstName": "Bob", "rank": 2, "email": "b"})
    api.post("/users", {"firstName": "Cyd", "rank": 3})

    @users.all.fetch.before
    def narrow(context: Context) -> None:
        if context.action != "create":
            context.criteria = criteria

    answer = api.get("/users?sort=firstName")
    assert [row["firstName"] for row in answer.json()] == names
    assert answer.headers["content-range"].endswith(f"/{len(names)}")
    for row in api.rows(User):
        seen = 200 if row["firstName"] in names else 404
        path = f"/users/{row['id']}"
        assert api.get(path).status_code == seen
        assert api.put(path, {"age": 1}).status_code == seen
        assert api.delete(path).status_code == seen


def test_page_set_by_hook_overrides_query(api: Api, users: Resource) -> None:
    for n in range(9):
        api.post("/users", {"firstName": f"n{n}"})

    @users.list.fetch.before
    def page(context: Context) -> None:
        context.count, context.offset, context.page = 3, 1, 2

    answer = api.get("/users?count=5&offset=9&sort=id")
    assert [row["id"] for row in answer.json()] == [row["id"] for row in api.rows(User)][7:10]
    assert answer.headers["content-range"] == "items 7-9/10"


def test_hook_selects_embedded_relations_and_passes_options(api: Api) -> None:
    users = api.crud.resource(User, associations=True)

    @users.all.start.before
    def choose(context: Context) -> None:
        context.include = ["books"]
        context.options["word"] = "kept"

    @users.all.send.before
    def tell(context: Context) -> None:
        context.headers.append((b"x-word", context.options["word"].encode()))

    answer = api.post("/users", {"firstName": "A", "profile": {"nickname": "p"}})
    assert answer.headers["x-word"] == "kept"
    assert "profile" not in answer.json()
    assert api.read("/users/1")["books"] == []


def test_deleted_instance_contains_deleted_row(api: Api, users: Resource) -> None:
    seen: list[Any] = []
    users.delete.complete(lambda c: seen.append((c.deleted_instance.first_name, c.instance)))
    assert api.delete("/users/1").json() == {}
    assert seen == [("Ada", {})]


def add_tag(label: str) -> Callable[[Session], None]:
    return lambda session: session.add(Tag(label=label))


@pytest.mark.parametrize("outcome", ["committed", "undone"])
@pytest.mark.parametrize("call", [CALLS[0], *CALLS[3:]], ids=lambda call: call.action)
def test_orm_rows_share_transaction(api: Api, users: Resource, call: Call, outcome: str) -> None:
    hooks, fails = users.hooks[call.action], outcome == "undone"

    @hooks.write.after
    async def audit(context: Context) -> None:
        await context.orm(add_tag("audit"))

    if fails:

        @hooks.send.after
        def fail(_: Context) -> None:
            raise Forbidden

    before = api.rows(User)
    status = api.request(call.method, call.path, json=call.body).status_code
    assert (status == 403) == fails
    assert len(api.rows(Tag)) == (not fails)
    assert (api.rows(User) == before) == fails


def test_orm_sees_written_row_and_its_conflict_is_mapped(api: Api, users: Resource) -> None:
    seen: list[Any] = []

    @users.create.write.after
    async def look(context: Context) -> None:
        names = await context.orm(lambda s: s.scalars(sa.select(User.first_name)).all())
        seen.extend(names)
        await context.orm(add_tag("once"))

    assert api.post("/users", {"firstName": "B"}).status_code == 201
    assert sorted(seen) == ["Ada", "B"]
    assert_field_errors(api.post("/users", {"firstName": "C"}), 409)
    assert len(api.rows(User)) == 2


def test_json_column_after_orm_use_reads_the_same(api: Api) -> None:
    kinds = api.crud.resource(Kind)
    document = {"a": [1, "x", None]}

    @kinds.create.write.before
    async def lend(context: Context) -> None:
        await context.orm(add_tag("x"))

    assert api.create("/kinds", document=document)["document"] == document
    assert api.read("/kinds/1")["document"] == document


def test_reading_action_with_writing_hook_returns_500(api: Api, users: Resource) -> None:
    @users.read.fetch.after
    async def write(context: Context) -> None:
        await context.orm(add_tag("x"))

    assert api.get("/users/1").status_code == 500
    assert api.rows(Tag) == []


def test_after_commit_runs_only_after_commit(api: Api, users: Resource) -> None:
    seen: list[int] = []
    failing = [False]

    async def look() -> None:
        seen.append(len(await asyncio.to_thread(api.rows, User)))

    @users.create.write.after
    def later(context: Context) -> None:
        context.after_commit(look)

    @users.create.complete.after
    def fail(_: Context) -> None:
        if failing[0]:
            raise Forbidden

    assert api.post("/users", {"firstName": "B"}).status_code == 201
    assert seen == [2]
    failing[0] = True
    assert api.post("/users", {"firstName": "C"}).status_code == 403
    assert seen == [2]
    assert len(api.rows(User)) == 2


def test_after_commit_with_error_keeps_response(api: Api, users: Resource) -> None:
    async def fail() -> None:
        raise RuntimeError

    seen: list[str] = []

    @users.create.write.after
    def later(context: Context) -> None:
        context.after_commit(fail)
        context.after_commit(lambda: seen.append("still"))

    assert api.post("/users", {"firstName": "B"}).status_code == 201
    assert seen == ["still"]


@pytest.mark.parametrize(
    "request_line", [("GET", "/users/9"), ("PUT", "/users/1"), ("POST", "/users")]
)
def test_complete_after_error_sees_the_error(
    api: Api, users: Resource, request_line: tuple[str, str]
) -> None:
    seen: list[Any] = []
    users.all.complete(lambda context: seen.append(context.error))
    method, path = request_line
    answer = api.request(method, path, json=None if method == "GET" else {"age": "x"})
    assert [error.status for error in seen] == [answer.status_code]


def test_unexpected_error_returns_500_without_details(api: Api, users: Resource) -> None:
    @users.read.data
    def fail(_: Context) -> None:
        raise RuntimeError("SELECT secret")

    answer = api.get("/users/1")
    assert answer.status_code == 500
    assert "secret" not in answer.text


def test_on_error_formats_errors_of_its_action(api: Api, users: Resource) -> None:
    @users.read.on_error
    def plain(_: Context, error: ApiError) -> JSONResponse | None:
        if error.status != 404:
            return None
        return JSONResponse({"oh": error.message}, status_code=410)

    answer = api.get("/users/9")
    assert (answer.status_code, answer.json()) == (410, {"oh": "Not Found"})
    assert api.get("/users/1?x=1").status_code == 400
    assert api.put("/users/9", {}).status_code == 404


def test_hook_that_hangs_is_cancelled_and_next_request_is_served(api: Api) -> None:
    users = api.crud.resource(User, hook_seconds=0.1)
    hangs = [True]

    @users.create.write.after
    async def hang(_: Context) -> None:
        if hangs[0]:
            await asyncio.sleep(60)

    answer = api.post("/users", {"firstName": "A"})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert api.rows(User) == []
    hangs[0] = False
    assert api.post("/users", {"firstName": "A"}).status_code == 201


def test_timeout_error_raised_by_hook_is_not_the_time_limit(api: Api, users: Resource) -> None:
    @users.read.data
    async def fail(_: Context) -> None:
        raise TimeoutError

    assert api.get("/users/1").status_code == 500
