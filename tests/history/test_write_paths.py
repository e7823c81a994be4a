"""Whatever changes a row leaves an entry: every path of requests, cascades, and other writers."""

import asyncio
import itertools
import json
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from encore import Context, stop
from encore.execution.context import Response
from encore.extensions import Statement
from tests.fixtures.history_models import HistoryBase, Maker, Tool
from tests.fixtures.models import ModelApi, Serve
from tests.history.conftest import history


def operations(api: ModelApi, path: str) -> list[str]:
    return [entry["operation"] for entry in history(api, path)]


def subjects(api: ModelApi, path: str) -> set[str | None]:
    return {entry["subject"] for entry in history(api, path)}


def test_related_rows_of_a_body_are_recorded(serve: Serve) -> None:
    api = serve(HistoryBase.metadata)
    api.crud.resource(Maker, history=True, include=["tools"], nested_arrays="sync")
    api.crud.resource(Tool, history=True)
    api.create("/makers", name="acme", tools=[{"name": "saw"}, {"name": "axe"}])
    api.put("/makers/1", {"tools": [{"id": 1, "name": "sawing"}]})
    assert operations(api, "/tools/1") == ["create", "update"]
    assert operations(api, "/tools/2") == ["create", "update"]
    assert history(api, "/tools/2")[1]["changes"]["maker_id"] == {"before": 1, "after": None}
    assert subjects(api, "/tools/1") == {"tester"}
    assert len({entry["requestId"] for entry in history(api, "/tools/1")}) == 2


def test_cascades_of_the_database_and_of_the_orm_are_recorded(api: ModelApi) -> None:
    api.create("/makers", name="acme")
    api.create("/tools", name="saw", maker_id=1)
    api.delete("/makers/1")
    assert operations(api, "/tools/1") == ["create", "delete"]
    tool = api.create("/tools", name="axe")["id"]
    api.create("/notes", language="en", number=1, text="one", tool_id=tool)
    api.delete(f"/tools/{tool}")
    assert operations(api, "/notes/en/1") == ["create", "delete"]
    assert subjects(api, "/notes/en/1") == {"tester"}


def test_statements_and_sessions_of_hooks_are_recorded(serve: Serve) -> None:
    api = serve(HistoryBase.metadata)
    makers = api.crud.resource(Maker, history=True)
    api.crud.resource(Tool, history=True)
    rename = sa.update(Tool).values(name=Tool.name + "!", updated_at=Tool.updated_at)

    @makers.create.write.after
    async def write_tools(context: Context) -> None:
        connection = await context.connection()

        def add(session: Session) -> None:
            session.add(Tool(name="saw"))

        await context.orm(add)
        await connection.fetch_all(Statement(rename.returning(Tool.id), api.crud.dialect), ())

    api.create("/makers", name="acme")
    assert operations(api, "/tools/1") == ["create", "update"]
    assert subjects(api, "/tools/1") == {"tester"}
    assert len({entry["at"] for entry in history(api, "/tools/1")}) == 1


def test_rolled_back_write_is_not_recorded(serve: Serve) -> None:
    api = serve(HistoryBase.metadata)
    tools = api.crud.resource(Tool, history=True)
    api.create("/tools", name="saw")

    @tools.update.write.after
    def fail(_: Context) -> None:
        raise RuntimeError("after the write")

    assert api.put("/tools/1", {"name": "axe"}).status_code == 500
    assert operations(api, "/tools/1") == ["create"]

    @tools.delete.write.after
    def finish(_: Context) -> Any:
        return stop(Response(202, [], b""))

    assert api.delete("/tools/1").status_code == 202
    assert operations(api, "/tools/1") == ["create", "delete"]


def test_upload_is_recorded_with_its_author(serve: Serve) -> None:
    api = serve(HistoryBase.metadata)
    tools = api.crud.resource(Tool, history=True)
    api.crud.upload(tools, natural_key=["name"])
    api.create("/tools", name="saw", price=1)
    api.create("/tools", name="axe", price=1)
    rows = [{"name": "saw", "price": 2}, {"name": "axe", "price": 1}, {"name": "new"}]
    headers = {"content-type": "application/json"}
    response = api.request("POST", "/tools/upload", content=json.dumps(rows), headers=headers)
    assert response.status_code == 200, response.text
    assert operations(api, "/tools/1") == ["create", "update"]
    assert operations(api, "/tools/2") == ["create"]
    changes = history(api, "/tools/1")[1]["changes"]
    assert changes["price"] == {"before": 1, "after": 2}
    (new,) = [row for row in api.read("/tools") if row["name"] == "new"]
    assert operations(api, f"/tools/{new['id']}") == ["create"]
    assert subjects(api, f"/tools/{new['id']}") == {"tester"}


def test_other_programs_are_recorded_without_an_author(api: ModelApi) -> None:
    api.create("/makers", name="acme")
    api.sql("UPDATE makers SET name = 'other'")
    api.sql("UPDATE makers SET name = 'other'")
    api.sql("UPDATE makers SET id = 7")
    _, update, delete = history(api, "/makers/1")
    assert (update["operation"], delete["operation"]) == ("update", "delete")
    assert update["subject"] is update["requestId"] is None
    assert operations(api, "/makers/7") == ["create"]
    api.put("/makers/7", {"name": "again"})
    assert history(api, "/makers/7")[-1]["subject"] == "tester"


def test_rows_of_an_emptied_table_are_recorded(api: ModelApi) -> None:
    for name in ("one", "two"):
        api.create("/makers", name=name)
    api.sql("DELETE FROM makers" if api.is_sqlite else "TRUNCATE makers CASCADE")
    for number in (1, 2):
        assert operations(api, f"/makers/{number}") == ["create", "delete"]
    if not api.is_sqlite:
        api.sql("TRUNCATE makers, makers_history, tools, tools_history, notes, notes_history")


def test_update_of_the_same_values_is_not_recorded(api: ModelApi) -> None:
    api.create("/makers", name="acme")
    api.put("/makers/1", {"name": "acme"})
    api.put("/makers/1", {})
    assert operations(api, "/makers/1") == ["create"]


def test_key_that_is_used_again_continues_its_history(api: ModelApi) -> None:
    api.create("/notes", language="en", number=1, text="one")
    api.delete("/notes/en/1")
    api.create("/notes", language="en", number=1, text="two")
    assert operations(api, "/notes/en/1") == ["create", "delete", "create"]


def test_concurrent_writers_keep_the_order_of_a_row(api: ModelApi) -> None:
    api.create("/notes", language="en", number=1, text="0")

    async def write() -> None:
        calls = (api.call("PUT", "/notes/en/1", json={"text": str(n)}) for n in range(1, 21))
        await asyncio.gather(*calls)

    api.run(write())
    entries = history(api, "/notes/en/1")
    versions = [entry["changes"]["version"]["after"] for entry in entries]
    assert versions == list(range(1, len(entries) + 1))
    times = [entry["at"] for entry in entries]
    assert times == sorted(times)
    texts = [entry["changes"]["text"] for entry in entries]
    for earlier, later in itertools.pairwise(texts):
        assert later["before"] == earlier["after"]


def test_criteria_of_read_hide_histories(serve: Serve) -> None:
    api = serve(HistoryBase.metadata)
    tools = api.crud.resource(Tool, history=True)
    api.create("/tools", name="saw", price=1)
    api.create("/tools", name="axe", price=2)
    api.delete("/tools/1")
    api.delete("/tools/2")

    @tools.read.start.before
    def restrict(context: Context) -> None:
        context.criteria["price"] = 1

    assert operations(api, "/tools/1") == ["create", "delete"]
    assert api.get("/tools/2/history").status_code == 404


def test_pages_of_a_history_lead_to_all_entries(api: ModelApi) -> None:
    api.create("/makers", name="0")
    for number in range(1, 6):
        api.put("/makers/1", {"name": str(number)})
    entries = history(api, "/makers/1")
    found, path = [], "/makers/1/history?count=2"
    while path:
        response = api.get(path)
        found += response.json()
        path = response.headers.get("link", "").partition(">")[0].removeprefix("<")
    assert found == entries[::-1]


@pytest.mark.parametrize(
    "query", ["before=x", "before=-1", "count=x", "offset=1", "before=1&before=2"]
)
def test_invalid_parameters_of_a_history_are_rejected(api: ModelApi, query: str) -> None:
    api.create("/makers", name="acme")
    assert api.get(f"/makers/1/history?{query}").status_code == 400
