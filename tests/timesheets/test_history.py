"""The history: each transition is recorded and served, and cannot be altered."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from encore.database.engine import with_connection
from tests.fixtures.problems import assert_problem
from tests.timesheets.conftest import (
    CLIENT,
    DATED,
    ApiUsers,
    create_entry,
    decide,
    decide_many,
    messages,
    read,
)

FIELDS = ["id", "timesheet_id", "from", "to", "who", "client", "reason", "at", "operation"]
FIELDS += ["version", "issuer", "subject", "before", "after"]
STEP = ("from", "to", "who", "client", "reason")
COPY = "INSERT INTO timesheet_transitions SELECT * FROM timesheet_transitions"


def test_transitions_are_recorded_in_order(users: ApiUsers) -> None:
    jane, boss = users.person("jane"), users.person("boss")
    id_ = create_entry(jane)["id"]
    steps: list[tuple[httpx.Client, str, str, Any]] = [
        (boss, "PUT", f"/approvals/{id_}", {"version": 1, "status": "rejected", "reason": "no"}),
        (jane, "PATCH", f"/timesheets/{id_}", {"hours": 4}),
        (jane, "PATCH", f"/timesheets/{id_}", {"hours": 3}),
        (boss, "PUT", "/approvals", {"entries": [{"id": id_, "version": 4}]}),
    ]
    for caller, method, path, body in steps:
        assert caller.request(method, path, json=body).status_code == 200
    history = read(jane, f"/timesheets/{id_}/history")
    assert [[step[name] for name in STEP] for step in history] == [
        ["new", "submitted", "jane", CLIENT, None],
        ["submitted", "rejected", "boss", CLIENT, "no"],
        ["rejected", "submitted", "jane", CLIENT, None],
        ["submitted", "submitted", "jane", CLIENT, None],
        ["submitted", "approved", "boss", CLIENT, None],
    ]
    for step in history:
        assert list(step) == FIELDS
        assert datetime.now(UTC) - datetime.fromisoformat(step["at"]) < timedelta(minutes=5)
        assert read(jane, f"/timesheets/{id_}/history/{step['id']}") == step
        assert read(boss, f"/approvals/history/{step['id']}") == step
    assert read(boss, "/approvals/history", timesheet_id=id_) == history
    assert read(boss, "/approvals/history", timesheet_id=id_, reason="no") == history[1:2]


def test_transition_by_client_records_the_client_id(users: ApiUsers) -> None:
    id_ = create_entry(users.person("jane"))["id"]
    machine = users.machine()
    decide(machine, id_).raise_for_status()
    _, step = read(machine, "/approvals/history", timesheet_id=id_)
    assert (step["who"], step["client"]) == (CLIENT, CLIENT)


def test_rejected_request_records_no_transition(users: ApiUsers) -> None:
    jane = users.person("jane")
    id_ = create_entry(jane)["id"]
    assert decide(jane, id_).status_code == 403
    assert decide(users.person("boss"), id_, status="rejected").status_code == 400
    assert jane.patch(f"/timesheets/{id_}", json={"hours": 25}).status_code == 400
    assert len(read(jane, f"/timesheets/{id_}/history")) == 1


def test_transition_of_another_entry_is_not_found(users: ApiUsers) -> None:
    boss, machine = users.person("boss"), users.machine()
    first, second = create_entry(machine)["id"], create_entry(machine)["id"]
    decide_many(boss, [first, second]).raise_for_status()
    _, step = read(machine, f"/timesheets/{second}/history")
    assert_problem(machine.get(f"/timesheets/{first}/history/{step['id']}"), 404, "not-found")
    assert_problem(machine.get("/timesheets/2147483000/history"), 404, "not-found")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_write_methods_on_history_are_not_allowed(users: ApiUsers, method: str) -> None:
    machine = users.machine()
    id_ = create_entry(users.person("jane"))["id"]
    decide(machine, id_).raise_for_status()
    steps = read(machine, f"/timesheets/{id_}/history")
    for path in (
        "/approvals/history",
        f"/approvals/history/{steps[0]['id']}",
        f"/timesheets/{id_}/history",
        f"/timesheets/{id_}/history/{steps[0]['id']}",
    ):
        assert_problem(machine.request(method, path, json={}), 405, "method-not-allowed")
    assert read(machine, f"/timesheets/{id_}/history") == steps


@pytest.mark.parametrize("body", [{"history": []}, {"history": [{"who": "x"}]}], ids=str)
def test_history_in_body_of_an_entry_is_rejected(machine: httpx.Client, body: Any) -> None:
    entry = create_entry(machine)
    for response in (
        machine.post("/timesheets", json=DATED | body),
        machine.patch(f"/timesheets/{entry['id']}", json=body),
    ):
        assert "history is not a member of this body" in messages(response)["history"]
    assert len(read(machine, f"/timesheets/{entry['id']}/history")) == 1


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE timesheet_transitions SET who = 'nobody'",
        "DELETE FROM timesheet_transitions",
        "TRUNCATE timesheet_transitions",
        COPY.replace("INSERT", "INSERT OR REPLACE"),
        f"{COPY} WHERE id > 0 ON CONFLICT (id) DO UPDATE SET who = 'nobody'",
    ],
)
def test_database_rejects_changes_of_history(users: ApiUsers, sql: str) -> None:
    machine = users.machine()
    id_ = create_entry(users.person("jane"))["id"]
    decide(machine, id_).raise_for_status()
    url = users.system.database_url
    if url.startswith("sqlite") and sql.startswith("TRUNCATE"):
        pytest.skip("SQLite has no TRUNCATE")
    if url.startswith("postgresql") and "OR REPLACE" in sql:
        pytest.skip("PostgreSQL has no INSERT OR REPLACE")
    with pytest.raises(sa.exc.DBAPIError, match="history is never altered"):
        with_connection(url, _executor(sql))
    assert len(read(machine, f"/timesheets/{id_}/history")) == 2


def _executor(statement: str) -> Callable[[sa.Connection], None]:
    def run(connection: sa.Connection) -> None:
        connection.execute(sa.text(statement))
        connection.commit()

    return run


def test_history_supports_filters_and_sort(users: ApiUsers) -> None:
    boss = users.person("boss")
    ids = [create_entry(users.person("jane"), hours=1)["id"] for _ in range(3)]
    decide_many(boss, ids).raise_for_status()
    response = boss.get(
        f"/approvals/history?timesheet_id__in={ids[0]},{ids[2]}&to=approved&sort=-timesheet_id"
    )
    assert [step["timesheet_id"] for step in response.json()] == [ids[2], ids[0]]
    invalid = boss.get("/approvals/history?whom=boss")
    assert_problem(invalid, 400, "invalid-query")
    assert "did you mean who?" in invalid.json()["detail"]
    assert set(messages(invalid)) == {"whom"}
