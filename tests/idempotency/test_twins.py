"""Requests with one key at the same time, in one process and in several."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import httpx
import pytest
import sqlalchemy as sa

from encore import Context, Crud
from encore.database.engine import with_connection
from encore.database.factory import open_database
from encore.database.postgresql import connection as postgres_connection
from encore.database.sqlite.writer import Writer
from encore.http.application import Application
from encore.idempotency import in_progress
from tests.fixtures.library import Api, ClaimsMiddleware
from tests.fixtures.library_models import IdempotencyKey, Tag
from tests.fixtures.problems import assert_problem

KEY = {"Idempotency-Key": "k"}
IN_USE = "A request with this Idempotency-Key is in progress; send this one again later"


@asynccontextmanager
async def other_process(url: str) -> AsyncIterator[httpx.AsyncClient]:
    """Enter with a client of another service on the same database, which shares no state."""
    database = open_database(url)
    await database.open()
    app = Application(access={}, log_requests=False, openapi_url=None, docs_url=None)
    app.add_middleware(ClaimsMiddleware)
    Crud(app, database, scopes=("library",)).resource(Tag)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://inprocess") as client:
        yield client
    await database.close()


async def create(client: httpx.AsyncClient | Api) -> httpx.Response:
    if isinstance(client, Api):
        return await client.call("POST", "/tags", json={"label": "a"}, headers=KEY)
    return await client.post("/tags", json={"label": "a"}, headers=KEY)


def test_fifty_twins_of_two_processes_are_carried_out_once(api: Api) -> None:
    tags = api.crud.resource(Tag)

    @tags.create.write.after
    async def wait(_: Context) -> None:
        await asyncio.sleep(0.02)

    async def all_at_once() -> list[httpx.Response]:
        async with other_process(api.url) as other:
            await other.get("/tags")
            sent = (create(client) for _ in range(25) for client in (api, other))
            return await asyncio.gather(*sent)

    responses = api.run(all_at_once())
    assert {response.status_code for response in responses} == {201}
    assert len({response.content for response in responses}) == 1
    assert sum("idempotency-replayed" not in response.headers for response in responses) == 1
    assert len(api.rows(Tag)) == 1


def test_twin_that_waits_too_long_in_one_process_is_a_409(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(in_progress, "WAIT_S", 0.02)
    tags = api.crud.resource(Tag)
    release = asyncio.Event()

    @tags.create.write.before
    async def wait(_: Context) -> None:
        await release.wait()

    async def both() -> tuple[httpx.Response, httpx.Response]:
        first = asyncio.create_task(create(api))
        await asyncio.sleep(0)
        refused = await create(api)
        release.set()
        return refused, await first

    refused, first = api.run(both())
    assert_problem(refused, 409, "idempotency-key-in-use", IN_USE)
    assert refused.headers["retry-after"] == "1"
    assert first.status_code == 201
    assert api.run(create(api)).headers["idempotency-replayed"] == "true"


@pytest.mark.parametrize("library_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("has_hooks", [True, False])
def test_replay_waits_for_the_commit_of_a_request_whose_client_has_left(
    api: Api, monkeypatch: pytest.MonkeyPatch, *, has_hooks: bool
) -> None:
    tags = api.crud.resource(Tag)
    if has_hooks:
        tags.create.start.before(lambda _: None)
    release = asyncio.Event()
    commit = Writer._commit

    async def commit_late(writer: Writer, group: "asyncio.Future[None]") -> None:
        await release.wait()
        await commit(writer, group)

    async def leave_and_retry() -> tuple[bool, httpx.Response]:
        other = await api.call(
            "POST", "/tags", json={"label": "b"}, headers={"Idempotency-Key": "b"}
        )
        assert other.status_code == 201  # All statements are compiled now.
        monkeypatch.setattr(Writer, "_commit", commit_late)
        first = asyncio.create_task(create(api))
        await asyncio.wait({first}, timeout=0.05)
        first.cancel()
        twin = asyncio.create_task(create(api))
        done, _ = await asyncio.wait({twin}, timeout=0.05)
        release.set()
        return bool(done), await twin

    was_early, response = api.run(leave_and_retry())
    assert not was_early
    assert response.headers["idempotency-replayed"] == "true"
    assert len(api.rows(Tag)) == 2


@pytest.mark.parametrize("library_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("commits", [True, False])
def test_twin_of_a_process_that_takes_too_long_is_a_409(
    library_url: str, api: Api, monkeypatch: pytest.MonkeyPatch, *, commits: bool
) -> None:
    monkeypatch.setitem(postgres_connection.SERVER_SETTINGS, "lock_timeout", "100")
    api.crud.resource(Tag)
    first = api.run(create(api))
    stored = api.rows(IdempotencyKey)[0]

    async def twin() -> httpx.Response:
        connection = await asyncpg.connect(library_url)
        transaction = connection.transaction()
        await transaction.start()
        names = list(stored)
        places = ", ".join(f"${n}" for n in range(1, len(names) + 1))
        columns = ", ".join(names)
        sql = f"INSERT INTO idempotency_keys ({columns}) VALUES ({places})"
        await connection.execute(sql, *stored.values())
        refused = await create(api)
        await (transaction.commit() if commits else transaction.rollback())
        await connection.close()
        return refused

    def forget(connection: sa.Connection) -> None:
        connection.execute(sa.delete(IdempotencyKey))
        connection.execute(sa.delete(Tag))
        connection.commit()

    with_connection(library_url, forget)
    assert_problem(api.run(twin()), 409, "idempotency-key-in-use", IN_USE)
    again = api.run(create(api))
    assert again.status_code == 201
    assert (again.content == first.content) is commits
    assert len(api.rows(Tag)) == (0 if commits else 1)
