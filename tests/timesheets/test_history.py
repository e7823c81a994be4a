"""The history: every step is in it, the API serves it, and nothing can alter it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from encore.database.engine import with_connection
from tests.fixtures.problems import assert_problem
from tests.timesheets.conftest import CLIENT, DATED, Office, made, messages, read

STEP = ["id", "timesheet_id", "from", "to", "who", "client", "reason", "at"]


def test_every_step_of_an_entry_is_written_down_in_its_order(office: Office) -> None:
    jane, boss = office.person("jane"), office.person("boss")
    number = made(jane)["id"]
    steps: list[tuple[httpx.Client, str, str, Any]] = [
        (boss, "PUT", f"/approvals/{number}", {"status": "rejected", "reason": "no"}),
        (jane, "PATCH", f"/timesheets/{number}", {"hours": 4}),
        (jane, "PATCH", f"/timesheets/{number}", {"hours": 3}),
        (boss, "PUT", "/approvals", {"ids": [number]}),
    ]
    for caller, method, path, body in steps:
        assert caller.request(method, path, json=body).status_code == 200
    history = read(jane, f"/timesheets/{number}/history")
    assert [[step[name] for name in STEP[2:-1]] for step in history] == [
        ["submitted", "rejected", "boss", CLIENT, "no"],
        ["rejected", "submitted", "jane", CLIENT, None],
        ["submitted", "approved", "boss", CLIENT, None],
    ]
    for step in history:
        assert list(step) == STEP
        assert datetime.now(UTC) - datetime.fromisoformat(step["at"]) < timedelta(minutes=5)
        assert read(jane, f"/timesheets/{number}/history/{step['id']}") == step
        assert read(boss, f"/approvals/history/{step['id']}") == step
    assert read(boss, "/approvals/history", timesheet_id=number) == history
    assert read(boss, "/approvals/history", timesheet_id=number, reason="no") == history[:1]


def test_a_machine_stands_in_it_by_its_client(office: Office) -> None:
    number = made(office.person("jane"))["id"]
    machine = office.machine()
    machine.put(f"/approvals/{number}").raise_for_status()
    (step,) = read(machine, "/approvals/history", timesheet_id=number)
    assert (step["who"], step["client"]) == (CLIENT, CLIENT)


def test_what_is_refused_leaves_no_step(office: Office) -> None:
    jane = office.person("jane")
    number = made(jane)["id"]
    assert jane.put(f"/approvals/{number}").status_code == 403
    office.person("boss").put(f"/approvals/{number}", json={"status": "rejected"})
    assert jane.patch(f"/timesheets/{number}", json={"hours": 25}).status_code == 400
    assert read(jane, f"/timesheets/{number}/history") == []


def test_another_entrys_step_is_not_under_this_one(office: Office) -> None:
    boss, machine = office.person("boss"), office.machine()
    first, second = made(machine)["id"], made(machine)["id"]
    boss.put("/approvals", json={"ids": [first, second]}).raise_for_status()
    (step,) = read(machine, f"/timesheets/{second}/history")
    assert_problem(machine.get(f"/timesheets/{first}/history/{step['id']}"), 404, "not-found")
    assert_problem(machine.get("/timesheets/2147483000/history"), 404, "not-found")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_no_route_alters_it(office: Office, method: str) -> None:
    machine = office.machine()
    number = made(office.person("jane"))["id"]
    machine.put(f"/approvals/{number}").raise_for_status()
    (step,) = read(machine, f"/timesheets/{number}/history")
    for path in (
        "/approvals/history",
        f"/approvals/history/{step['id']}",
        f"/timesheets/{number}/history",
        f"/timesheets/{number}/history/{step['id']}",
    ):
        assert_problem(machine.request(method, path, json={}), 405, "method-not-allowed")
    assert read(machine, f"/timesheets/{number}/history") == [step]


@pytest.mark.parametrize("body", [{"history": []}, {"history": [{"who": "x"}]}], ids=str)
def test_no_body_of_an_entry_alters_it(machine: httpx.Client, body: Any) -> None:
    entry = made(machine)
    for refused in (
        machine.post("/timesheets", json=DATED | body),
        machine.patch(f"/timesheets/{entry['id']}", json=body),
    ):
        assert "history is not a member of this body" in messages(refused)["history"]
    assert read(machine, f"/timesheets/{entry['id']}/history") == []


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE timesheet_transitions SET who = 'nobody'",
        "DELETE FROM timesheet_transitions",
        "TRUNCATE timesheet_transitions",
    ],
)
def test_the_database_itself_refuses_to_alter_it(office: Office, sql: str) -> None:
    machine = office.machine()
    number = made(office.person("jane"))["id"]
    machine.put(f"/approvals/{number}").raise_for_status()
    url = office.system.database_url
    if url.startswith("sqlite") and sql.startswith("TRUNCATE"):
        pytest.skip("SQLite has no TRUNCATE")
    with pytest.raises(sa.exc.DBAPIError, match="history is never altered"):
        with_connection(url, _running(sql))
    assert len(read(machine, f"/timesheets/{number}/history")) == 1


def _running(statement: str) -> Callable[[sa.Connection], None]:
    def run(connection: sa.Connection) -> None:
        connection.execute(sa.text(statement))
        connection.commit()

    return run


def test_the_engines_queries_hold_for_it(office: Office) -> None:
    boss = office.person("boss")
    ids = [made(office.person("jane"), hours=1)["id"] for _ in range(3)]
    boss.put("/approvals", json={"ids": ids}).raise_for_status()
    response = boss.get(f"/approvals/history?timesheet_id__in={ids[0]},{ids[2]}&sort=-timesheet_id")
    assert [step["timesheet_id"] for step in response.json()] == [ids[2], ids[0]]
    refused = boss.get("/approvals/history?whom=boss")
    assert_problem(refused, 400, "invalid-query")
    assert "did you mean who?" in refused.json()["detail"]
    assert set(messages(refused)) == {"whom"}
