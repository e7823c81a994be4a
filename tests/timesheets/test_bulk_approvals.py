"""``PUT /approvals``: decisions on several entries, all or none."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.fixtures.problems import assert_problem
from tests.timesheets.conftest import ApiUsers, create_entry, decide, decide_many, messages, read

MISSING_ID = 2_147_483_000
REJECTION = {"status": "rejected", "reason": "Wrong project"}


@pytest.fixture
def boss(users: ApiUsers) -> httpx.Client:
    """Return an approver without timesheets."""
    return users.person("boss")


@pytest.fixture
def ids(users: ApiUsers) -> list[int]:
    """Return the ids of five entries of Jane."""
    jane = users.person("jane")
    return [create_entry(jane, hours=1, project=f"Store{n}")["id"] for n in range(5)]


def entries(ids: list[int]) -> dict[str, Any]:
    """Return the body that approves new entries."""
    return {"entries": [{"id": id_, "version": 1} for id_ in ids]}


def statuses(client: httpx.Client, ids: list[int]) -> list[str]:
    """Return the status of each entry."""
    return [read(client, f"/approvals/{id_}")["status"] for id_ in ids]


@pytest.mark.parametrize(
    ("decision", "status", "reason"),
    [
        ({}, "approved", None),
        ({"status": "approved"}, "approved", None),
        ({"approved": True}, "approved", None),
        (REJECTION, "rejected", "Wrong project"),
    ],
    ids=str,
)
def test_decision_returns_entries_in_the_order_of_ids(
    boss: httpx.Client, ids: list[int], decision: Any, status: str, reason: str | None
) -> None:
    asked = [ids[3], ids[0], ids[4]]
    response = decide_many(boss, asked, **decision)
    rows = response.json()
    assert response.status_code == 200, response.text
    assert [row["id"] for row in rows] == asked
    assert {(row["status"], row["approved"], row["reason"]) for row in rows} == {
        (status, status == "approved", reason)
    }
    assert rows == [read(boss, f"/approvals/{id_}") for id_ in asked]
    assert statuses(boss, [ids[1], ids[2]]) == ["submitted", "submitted"]
    steps = read(boss, "/approvals/history", timesheet_id=asked, to=status, sort="timesheet_id")
    assert [step["timesheet_id"] for step in steps] == sorted(asked)
    assert {(s["from"], s["to"], s["who"], s["reason"]) for s in steps} == {
        ("submitted", status, "boss", reason)
    }


def test_decision_on_1000_entries_succeeds(users: ApiUsers, boss: httpx.Client) -> None:
    machine = users.machine()
    many = [create_entry(machine, user_id=f"{n // 24}", hours=1)["id"] for n in range(1000)]
    assert len(boss.put("/approvals", json=entries(many)).json()) == 1000
    response = boss.get(
        "/approvals/history",
        params={"timesheet_id__gte": many[0], "count": 1, "operation": "decide"},
    )
    assert response.headers["content-range"] == "items 0-0/1000"


def test_decision_lists_every_error_and_changes_nothing(boss: httpx.Client, ids: list[int]) -> None:
    own = create_entry(boss)["id"]
    decide(boss, ids[0]).raise_for_status()
    decide(boss, ids[1], **REJECTION).raise_for_status()
    asked = [ids[2], ids[1], ids[0]]
    conflict = decide_many(boss, asked)
    message = "2 of 3 timesheets cannot be approved; none was changed"
    assert_problem(conflict, 409, "conflict", message)
    conflicts = {
        "entries[1]": f"Timesheet {ids[1]} is rejected and cannot be approved",
        "entries[2]": f"Timesheet {ids[0]} is approved and cannot be approved again",
    }
    assert messages(conflict) == conflicts
    forbidden = decide_many(boss, [*asked, own])
    assert_problem(forbidden, 403, "forbidden")
    assert set(messages(forbidden)) == {*conflicts, "entries[3]"}
    missing = decide_many(boss, [*asked, own, MISSING_ID])
    assert_problem(missing, 404, "not-found")
    assert messages(missing)["entries[4]"] == f"There is no timesheet {MISSING_ID}"
    assert set(messages(missing)) == {*conflicts, "entries[3]", "entries[4]"}
    assert statuses(boss, ids[:3]) == ["approved", "rejected", "submitted"]
    assert read(boss, "/approvals/history", timesheet_id=ids[2], operation="decide") == []


@pytest.mark.parametrize(
    ("body", "field", "message"),
    [
        ({}, "entries", "entries must be an array of 1 to 1000 objects of id and version"),
        ({"entries": []}, "entries", ...),
        ({"entries": {}}, "entries", ...),
        ({"entries": [1]}, "entries[0]", "entries[0] must be an object of id and version"),
        ({"entries": [{"id": 1}]}, "entries[0].version", "entries[0].version is required"),
        ({"entries": [{"version": 1}]}, "entries[0].id", ...),
        ({"entries": [{"id": 1, "version": None}]}, "entries[0].version", ...),
        ({"entries": [{"id": 1, "version": 0}]}, "entries[0].version", ...),
        ({"entries": [{"id": 1, "version": "1"}]}, "entries[0].version", ...),
        ({"entries": [{"id": 1, "version": True}]}, "entries[0].version", ...),
        ({"entries": [{"id": 1, "version": 10**30}]}, "entries[0].version", ...),
        ({"entries": [{"id": 1, "version": 1, "status": "approved"}]}, "entries[0].status", ...),
        (
            {"entries": [{"id": 1, "version": 1}, {"id": 1, "version": 2}]},
            "entries[1].id",
            "entries[1].id is a duplicate of timesheet 1",
        ),
        (
            {"entries": [{"id": 1, "version": 1}], "ids": [1]},
            "ids",
            "ids must be omitted with entries",
        ),
        ({"ids": []}, "ids", ...),
        ({"ids": None}, "ids", ...),
        ({"ids": 1}, "ids", ...),
        ({"ids": "1"}, "ids", ...),
        ({"ids": {"0": 1}}, "ids", ...),
        (
            {"ids": list(range(1, 1002))},
            "ids",
            "ids must be an array of 1 to 1000 ids of timesheets, not of 1001",
        ),
        ({"ids": [1, 2, 1]}, "ids[2]", "ids[2] is a duplicate of timesheet 1"),
        ({"ids": [1, 1.0]}, "ids[1]", "ids[1] is a duplicate of timesheet 1"),
        ({"ids": ["1"]}, "ids[0]", 'ids[0] must be an integer, not "1"'),
        ({"ids": [1, True]}, "ids[1]", "ids[1] must be an integer, not true"),
        ({"ids": [1.5]}, "ids[0]", ...),
        ({"ids": [None]}, "ids[0]", ...),
        ({"ids": [10**30]}, "ids[0]", ...),
        ({"ids": [1], "status": "submitted"}, "status", ...),
        ({"ids": [1], "status": "rejected"}, "reason", ...),
        ({"ids": [1], "reason": "x"}, "reason", ...),
        ({"ids": [1], "approved": False}, "approved", ...),
        (
            {"ids": [1], "id": 2},
            "id",
            "id is not a member of a decision; known are entries, ids, status, reason, approved",
        ),
    ],
    ids=lambda value: str(value)[:40],
)
def test_invalid_body_is_rejected(boss: httpx.Client, body: Any, field: str, message: Any) -> None:
    response = boss.put("/approvals", json=body)
    assert_problem(response, 400, "validation-failed")
    found = messages(response)
    assert set(found) == {field}
    assert message in (..., found[field])


def test_query_parameters_are_rejected(boss: httpx.Client, ids: list[int]) -> None:
    response = boss.put("/approvals?status=approved", json=entries(ids))
    assert_problem(response, 400, "invalid-query")
    assert statuses(boss, ids) == ["submitted"] * 5


def test_concurrent_decisions_do_not_deadlock(users: ApiUsers) -> None:
    jane = users.person("jane")
    bosses = [users.person(f"boss {n}") for n in range(4)]
    for day in range(1, 6):
        ids = [
            create_entry(jane, hours=1, date=f"2017-05-{day:02}", project=f"Store{n}")["id"]
            for n in range(20)
        ]
        orders = [ids, ids[::-1], ids[10:] + ids[:10], ids[::-3]]
        with ThreadPoolExecutor(4) as pool:
            answers = list(
                pool.map(
                    lambda boss, order: boss.put("/approvals", json=entries(order)).status_code,
                    bosses,
                    orders,
                )
            )
        assert sorted(set(answers)) in ([200, 409], [200])
        steps = read(bosses[0], "/approvals/history", timesheet_id=ids, to="approved", count=1000)
        assert len({step["timesheet_id"] for step in steps}) == len(steps)
