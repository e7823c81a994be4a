"""Units of work that share a transaction: joined ones, savepoints, work at the beginning."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest
from sqlalchemy import insert

from encore.database.protocol import Connection
from encore.database.statement import Statement, param
from encore.errors import ApiError, Conflict
from encore.execution.actions import Create
from encore.execution.context import Context
from encore.execution.pipeline import Pipeline
from encore.execution.subrequest import body_receive, sub_scope
from encore.execution.unit_of_work import UnitOfWork
from encore.http.request_state import RequestState
from tests.fixtures.library import Api
from tests.fixtures.library_models import Tag, User


def run(api: Api, work: Callable[[UnitOfWork], Awaitable[None]]) -> None:
    """Run work in a unit that writes, which ends as the work does."""

    async def enter() -> None:
        unit = UnitOfWork(api.database, writes=True, single=False)
        try:
            await work(unit)
        except Exception as error:
            await unit.close(error)
            raise
        await unit.close(None)

    api.run(enter())


async def add(api: Api, connection: Connection, name: str) -> None:
    column = Tag.__table__.c["label"]
    statement = Statement(insert(Tag).values({column: param(0, column.type)}), api.database.dialect)
    await connection.fetch_all(statement, (name,))


async def fail_inside(api: Api, connection: Connection) -> None:
    async with connection.savepoint():
        await add(api, connection, "inside")
        raise Conflict("on purpose")


def names(api: Api) -> list[str]:
    rows = [*api.rows(Tag), *api.rows(User)]
    return sorted(str(row.get("label", row.get("firstName"))) for row in rows)


def test_joined_unit_shares_the_transaction_of_the_outer_one(api: Api) -> None:
    order: list[str] = []

    async def work(outer: UnitOfWork) -> None:
        for name in ("Ada", "Bob"):
            joined = UnitOfWork(api.database, writes=True, single=True, outer=outer)
            await add(api, await joined.connection(), name)
            joined.after_commit(partial(order.append, name))
            await joined.close(None)
            assert not order  # Nothing is committed yet.

    run(api, work)
    assert names(api) == order == ["Ada", "Bob"]


def test_failure_of_the_outer_unit_undoes_joined_ones(api: Api) -> None:
    order: list[str] = []

    async def work(outer: UnitOfWork) -> None:
        joined = UnitOfWork(api.database, writes=True, single=True, outer=outer)
        await add(api, await joined.connection(), "Ada")
        joined.after_commit(lambda: order.append("Ada"))
        await joined.close(None)
        raise Conflict("on purpose")

    with pytest.raises(Conflict):
        run(api, work)
    assert names(api) == order == []


def test_unit_that_writes_cannot_join_one_that_reads(api: Api) -> None:
    reading = UnitOfWork(api.database, writes=False, single=True)
    with pytest.raises(ValueError, match="only reads"):
        UnitOfWork(api.database, writes=True, single=True, outer=reading)


def test_work_at_begin_runs_once_before_everything_else(api: Api) -> None:
    async def work(unit: UnitOfWork) -> None:
        unit.at_begin(lambda connection: add(api, connection, "first"))
        await add(api, await unit.connection(), "second")
        await unit.connection()
        with pytest.raises(RuntimeError, match="begun"):
            unit.at_begin(lambda connection: add(api, connection, "late"))

    run(api, work)
    assert names(api) == ["first", "second"]


def test_savepoint_undoes_its_block_only(api: Api) -> None:
    async def work(unit: UnitOfWork) -> None:
        connection = await unit.connection()
        await add(api, connection, "before")
        with pytest.raises(Conflict):
            await fail_inside(api, connection)
        async with connection.savepoint(), connection.savepoint():
            await add(api, connection, "nested")

    run(api, work)
    assert names(api) == ["before", "nested"]


def test_savepoint_recovers_from_a_rejected_statement(api: Api) -> None:
    async def work(unit: UnitOfWork) -> None:
        connection = await unit.connection()
        await add(api, connection, "before")
        with pytest.raises(Exception, match=r"."):
            async with connection.savepoint():
                await add(api, connection, None)  # type: ignore[arg-type] # violates NOT NULL
        await add(api, connection, "after")

    run(api, work)
    assert names(api) == ["after", "before"]


class Outer:
    """Runs creates of users inside one unit, as a batch does."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.users = api.crud.resource(User)
        self.pipeline = Pipeline(Create(self.users), self.users.hooks["create"], api.database)

    def create(self, *bodies: bytes) -> None:
        async def work(unit: UnitOfWork) -> None:
            scope: dict[str, Any] = {"type": "http", "headers": [], "root_path": ""}
            RequestState("request-1").attach(scope)
            for body in bodies:
                inner = sub_scope(scope, "POST", "/users", {})
                response = await self.pipeline.run(inner, body_receive(body), unit)
                assert response.status == 201

        run(self.api, work)


def test_joined_pipelines_commit_together(api: Api) -> None:
    Outer(api).create(b'{"firstName": "Ada"}', b'{"firstName": "Bob"}')
    assert names(api) == ["Ada", "Bob"]


def test_failed_joined_pipeline_undoes_the_earlier_ones(api: Api) -> None:
    outer = Outer(api)
    with pytest.raises(ApiError):
        outer.create(b'{"firstName": "Ada"}', b'{"firstName": "Bob", "age": "x"}')
    assert names(api) == []


def test_failed_joined_pipeline_runs_its_complete_hooks_without_waiting_for_the_outer_unit(
    api: Api,
) -> None:
    outer, seen = Outer(api), []

    @outer.users.create.complete
    async def read(context: Context) -> None:
        async with asyncio.timeout(2):
            await context.connection()
        seen.append(type(context.error).__name__)

    with pytest.raises(ApiError):
        outer.create(b'{"firstName": "Bob", "age": "x"}')
    assert seen == ["ValidationFailed"]
