"""Idempotency keys of generated actions: a request that is sent again is carried out once."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from encore import SKIP, Context, Response, stop
from encore.database.engine import with_connection
from encore.errors import ApiError, Conflict
from encore.types import now
from tests.fixtures.library import Api
from tests.fixtures.library_models import Book, Country, IdempotencyKey, Tag, User
from tests.fixtures.problems import assert_problem

KEY = {"Idempotency-Key": "k"}


def is_replayed(response: httpx.Response) -> bool:
    return bool(response.headers.get("idempotency-replayed") == "true")


def assert_replay(again: httpx.Response, first: httpx.Response) -> None:
    """Check that a response is the stored one of another."""
    ours = {"idempotency-replayed", "x-request-id"}
    assert is_replayed(again), again.text
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert {n: v for n, v in again.headers.items() if n not in ours} == {
        n: v for n, v in first.headers.items() if n not in ours
    }


def expire_keys(api: Api, **age: float) -> None:
    """Make all stored keys older by this time."""

    def change(connection: sa.Connection) -> None:
        created_at = now() - timedelta(**age)
        connection.execute(sa.update(IdempotencyKey).values(created_at=created_at))
        connection.commit()

    with_connection(api.url, change)


@pytest.mark.parametrize("body", [{"label": "a"}, {"label": "long" * 3_000}])
def test_create_sent_again_is_carried_out_once(api: Api, body: dict[str, str]) -> None:
    api.crud.resource(Tag)
    first = api.post("/tags", body, headers=KEY)
    assert first.status_code == 201
    assert not is_replayed(first)
    again = api.post("/tags", body, headers=KEY)
    assert_replay(again, first)
    assert again.headers["location"] == "/tags/1"
    assert len(api.rows(Tag)) == 1
    assert len(api.rows(IdempotencyKey)) == 1


def test_create_with_generated_values_replays_them(api: Api) -> None:
    api.crud.resource(User)
    first = api.post("/users", {"firstName": "Ada"}, headers=KEY)
    assert_replay(api.post("/users", {"firstName": "Ada"}, headers=KEY), first)


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_update_sent_again_does_not_overwrite(api: Api, method: str) -> None:
    api.crud.resource(Tag)
    api.create("/tags", label="a")
    first = api.request(method, "/tags/1", json={"label": "b"}, headers=KEY)
    api.put("/tags/1", {"label": "c"})
    assert_replay(api.request(method, "/tags/1", json={"label": "b"}, headers=KEY), first)
    assert api.read("/tags/1")["label"] == "c"


def test_delete_sent_again_is_not_a_404(api: Api) -> None:
    api.crud.resource(Tag)
    api.create("/tags", label="a")
    first = api.delete("/tags/1", headers=KEY)
    assert first.status_code == 200
    assert_replay(api.delete("/tags/1", headers=KEY), first)
    assert api.delete("/tags/1").status_code == 404


def test_create_sent_again_after_row_is_deleted_still_replays(api: Api) -> None:
    api.crud.resource(Tag)
    first = api.post("/tags", {"label": "a"}, headers=KEY)
    api.delete("/tags/1")
    assert_replay(api.post("/tags", {"label": "a"}, headers=KEY), first)
    assert api.rows(Tag) == []


def test_text_keys_and_nested_rows_replay(api: Api) -> None:
    api.crud.resource(Country)
    api.crud.resource(Book, associations=True)
    body = {"code": "fr", "name": "France"}
    first = api.post("/countries", body, headers=KEY)
    assert first.status_code == 201, first.text
    assert_replay(api.post("/countries", body, headers=KEY), first)
    book = {"title": "Emma", "author": {"firstName": "Jane"}}
    first = api.post("/books", book, headers=KEY)
    assert first.status_code == 201, first.text
    assert_replay(api.post("/books", book, headers=KEY), first)
    assert len(api.rows(User)) == 1


def test_links_sent_again_replay(api: Api) -> None:
    api.crud.resource(Book, associations=True, links=True)
    api.crud.resource(Tag)
    api.create("/books", title="Emma")
    api.create("/tags", label="a")
    requests: list[tuple[str, str, Any]] = [
        ("POST", "/books/1/tags", 1),
        ("DELETE", "/books/1/tags/1", None),
        ("PUT", "/books/1/tags", [1]),
    ]
    for method, path, body in requests:
        first = api.request(method, path, json=body, headers=KEY)
        assert first.status_code in (200, 201), first.text
        assert_replay(api.request(method, path, json=body, headers=KEY), first)


def test_refused_request_may_be_sent_again(api: Api) -> None:
    api.crud.resource(Tag)
    api.create("/tags", label="a")
    assert api.post("/tags", {"label": "a"}, headers=KEY).status_code == 409
    assert api.post("/tags", {}, headers=KEY).status_code == 400
    assert api.rows(IdempotencyKey) == []
    api.delete("/tags/1")
    assert api.post("/tags", {"label": "a"}, headers=KEY).status_code == 201


@pytest.mark.parametrize(
    "change",
    [
        {"json": {"label": "b"}},
        {"content": b'{ "label": "a"}'},
        {"headers": {"Prefer": "handling=lenient"}},
        {"headers": {"If-Match": "*"}},
        {"headers": {"Content-Type": "application/merge-patch+json"}},
    ],
)
def test_other_request_with_the_key_is_rejected(api: Api, change: dict[str, Any]) -> None:
    api.crud.resource(Tag)
    api.create("/tags", label="z")
    usual = {"json": {"label": "a"}, "headers": {}}
    assert api.request("PATCH", "/tags/1", json={"label": "a"}, headers=KEY).status_code == 200
    other = {**usual, **change}
    if "content" in change:
        del other["json"]
        other["headers"] = {"Content-Type": "application/json"}
    other["headers"] = {**other["headers"], **KEY}
    response = api.request("PATCH", "/tags/1", **other)
    assert_problem(response, 422, "idempotency-key-reused")


def test_keys_of_other_methods_and_paths_are_independent(api: Api) -> None:
    api.crud.resource(Tag)
    for label in "ab":
        api.create("/tags", label=label)
    for method, path in [("PUT", "/tags/1"), ("PATCH", "/tags/1"), ("PATCH", "/tags/2")]:
        response = api.request(method, path, json={"label": path}, headers=KEY)
        assert response.status_code == 200
        assert not is_replayed(response)


@pytest.mark.parametrize("path", ["/tags/", "/%74ags"])
def test_other_spelling_of_the_path_is_the_same_request(api: Api, path: str) -> None:
    api.crud.resource(Tag)
    first = api.post("/tags", {"label": "a"}, headers=KEY)
    assert_replay(api.post(path, {"label": "a"}, headers=KEY), first)


def test_quoted_key_is_the_bare_one(api: Api) -> None:
    api.crud.resource(Tag)
    first = api.post("/tags", {"label": "a"}, headers={"Idempotency-Key": 'a"\\b'})
    again = api.post("/tags", {"label": "a"}, headers={"Idempotency-Key": '"a\\"\\\\b"'})
    assert_replay(again, first)


def test_expired_key_is_taken_over(api: Api) -> None:
    api.crud.resource(Tag)
    api.post("/tags", {"label": "a"}, headers=KEY)
    expire_keys(api, hours=23, minutes=59)
    assert is_replayed(api.post("/tags", {"label": "a"}, headers=KEY))
    expire_keys(api, hours=24, seconds=1)
    response = api.post("/tags", {"label": "b"}, headers=KEY)
    assert response.status_code == 201
    assert_replay(api.post("/tags", {"label": "b"}, headers=KEY), response)
    assert len(api.rows(IdempotencyKey)) == 1


def test_expired_keys_do_not_accumulate(api: Api) -> None:
    api.crud.resource(Tag)

    def create(number: int) -> None:
        body = {"label": str(number)}
        assert api.post("/tags", body, headers={"Idempotency-Key": f"k{number}"}).status_code == 201

    for number in range(70):
        create(number)
    expire_keys(api, hours=25)
    for number in range(70, 140):
        create(number)
    assert len(api.rows(IdempotencyKey)) == 70


def test_hooks_of_start_and_auth_run_for_a_replay_and_no_others(api: Api) -> None:
    tags = api.crud.resource(Tag)
    stages: list[str] = []
    for stage in ("start", "auth", "fetch", "data", "write", "send", "complete"):

        def hook(_: Context, stage: str = stage) -> None:
            stages.append(stage)

        tags.create.stage(stage).before(hook)
    first = api.post("/tags", {"label": "a"}, headers=KEY)
    stages.clear()
    assert_replay(api.post("/tags", {"label": "a"}, headers=KEY), first)
    assert stages == ["start", "auth"]


def test_replay_for_caller_whom_a_hook_rejects_is_rejected(api: Api) -> None:
    tags = api.crud.resource(Tag)
    rejects = False

    @tags.create.auth.before
    def reject(_: Context) -> None:
        if rejects:
            raise ApiError.for_status(403)

    api.post("/tags", {"label": "a"}, headers=KEY)
    rejects = True
    assert api.post("/tags", {"label": "a"}, headers=KEY).status_code == 403


@pytest.mark.parametrize("swallows", [False, True])
@pytest.mark.parametrize("stage", ["start", "auth"])
def test_hook_that_reads_the_database_comes_after_the_replay(
    api: Api, stage: str, *, swallows: bool
) -> None:
    tags = api.crud.resource(Tag)

    @tags.create.stage(stage).before
    async def allow_one(context: Context) -> None:
        try:
            rows = await context.orm(lambda session: session.execute(sa.select(Tag.id)).all())
        except Exception:
            if not swallows:
                raise
            return
        if rows:
            raise Conflict("there is one already")

    first = api.post("/tags", {"label": "a"}, headers=KEY)
    assert first.status_code == 201, first.text
    assert_replay(api.post("/tags", {"label": "a"}, headers=KEY), first)
    assert len(api.rows(Tag)) == 1
    other = api.post("/tags", {"label": "b"}, headers=KEY)
    assert_problem(other, 422, "idempotency-key-reused")
    assert len(api.rows(Tag)) == 1


@pytest.mark.parametrize("stage", ["start", "write", "complete"])
@pytest.mark.parametrize("status", [202, 303, 404])
def test_response_of_a_hook_is_stored_if_it_is_a_success(api: Api, stage: str, status: int) -> None:
    tags = api.crud.resource(Tag)

    @tags.create.stage(stage).after
    def end(_: Context) -> Any:
        return stop(Response(status, [(b"content-type", b"text/plain")], b"done"))

    first = api.post("/tags", {"label": "a"}, headers=KEY)
    assert first.status_code == status
    stored = len(api.rows(IdempotencyKey))
    again = api.post("/tags", {"label": "a"}, headers=KEY)
    if status == 202:
        assert_replay(again, first)
        assert stored == 1
    else:
        assert stored == 0
        assert not is_replayed(again)


def test_hook_that_skips_its_stage_does_not_skip_the_key(api: Api) -> None:
    tags = api.crud.resource(Tag)

    @tags.create.start.before
    def skip(_: Context) -> Any:
        return SKIP

    first = api.post("/tags", {"label": "a"}, headers=KEY)
    assert_replay(api.post("/tags", {"label": "a"}, headers=KEY), first)


def test_work_after_commit_runs_once(api: Api) -> None:
    tags = api.crud.resource(Tag)
    sent: list[str] = []

    @tags.create.write.after
    def notify(context: Context) -> None:
        context.after_commit(lambda: sent.append("mail"))

    for _ in range(3):
        api.post("/tags", {"label": "a"}, headers=KEY)
    assert sent == ["mail"]


def test_fifty_twins_at_once_are_carried_out_once(api: Api) -> None:
    tags = api.crud.resource(Tag)
    runs = 0

    @tags.create.write.before
    async def slow(_: Context) -> None:
        nonlocal runs
        runs += 1
        await asyncio.sleep(0.05)

    async def all_at_once() -> list[httpx.Response]:
        sent = (api.call("POST", "/tags", json={"label": "a"}, headers=KEY) for _ in range(50))
        return await asyncio.gather(*sent)

    responses = api.run(all_at_once())
    assert {response.status_code for response in responses} == {201}
    assert len({response.content for response in responses}) == 1
    assert sum(not is_replayed(response) for response in responses) == 1
    assert runs == 1
    assert len(api.rows(Tag)) == 1


def test_twins_of_a_refused_request_each_try_themselves(api: Api) -> None:
    tags = api.crud.resource(Tag)
    runs = 0

    @tags.create.write.before
    async def fail_first(_: Context) -> None:
        nonlocal runs
        runs += 1
        await asyncio.sleep(0.01)
        if runs <= 2:
            raise Conflict("not yet")

    async def all_at_once() -> list[httpx.Response]:
        sent = (api.call("POST", "/tags", json={"label": "a"}, headers=KEY) for _ in range(6))
        return await asyncio.gather(*sent)

    statuses = sorted(response.status_code for response in api.run(all_at_once()))
    assert statuses == [201, 201, 201, 201, 409, 409]
    assert runs == 3


def test_twin_with_another_body_is_rejected(api: Api) -> None:
    api.crud.resource(Tag)

    async def both() -> list[httpx.Response]:
        sent = (api.call("POST", "/tags", json={"label": s}, headers=KEY) for s in "ab")
        return await asyncio.gather(*sent)

    assert sorted(response.status_code for response in api.run(both())) == [201, 422]


def test_dry_run_with_a_key_is_rejected(api: Api) -> None:
    api.crud.resource(Tag)
    response = api.post("/tags?dry_run=true", {"label": "a"}, headers=KEY)
    message = "Idempotency-Key is not supported with dry_run: nothing is written"
    assert_problem(response, 400, "bad-request", message)
    assert api.rows(Tag) == []


def test_response_without_a_body_is_replayed_without_one(api: Api) -> None:
    api.crud.resource(Tag)
    headers = {**KEY, "Prefer": "return=minimal"}
    first = api.post("/tags", {"label": "a"}, headers=headers)
    assert first.content == b""
    again = api.post("/tags", {"label": "a"}, headers=headers)
    assert_replay(again, first)
    assert again.headers["preference-applied"] == "return=minimal"
