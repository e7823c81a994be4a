"""``/approvals``: permitted decisions, their bodies and their effects."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.fixtures.problems import assert_problem
from tests.timesheets.conftest import (
    CLIENT,
    ApiUsers,
    create_entry,
    decide,
    decide_many,
    messages,
    read,
)

REJECTION = {"status": "rejected", "reason": "Wrong project"}
APPROVAL = {"status": "approved"}


@pytest.fixture
def boss(users: ApiUsers) -> httpx.Client:
    """Return an approver without timesheets."""
    return users.person("boss")


@pytest.fixture
def entry(users: ApiUsers) -> Any:
    """Return an entry that Jane worked and submitted."""
    submitted = create_entry(users.person("jane"))
    del submitted["message"]
    return submitted


def test_list_shows_submitted_entries_of_all_users(users: ApiUsers, boss: httpx.Client) -> None:
    first = create_entry(users.person("jane"))
    second, third = create_entry(users.machine()), create_entry(users.person("john"))
    decide(boss, second["id"]).raise_for_status()
    decide(boss, third["id"], **REJECTION).raise_for_status()
    response = boss.get("/approvals")
    assert [row["id"] for row in response.json()] == [first["id"]]
    assert response.headers["content-range"] == "items 0-0/1"
    assert read(boss, "/approvals", status="approved") == []
    assert read(boss, "/approvals", user_id="jane", fields="hours") == [{"hours": 5}]


def test_item_path_shows_entry_of_any_status(boss: httpx.Client, entry: Any) -> None:
    path = f"/approvals/{entry['id']}"
    assert read(boss, path) == entry
    decide(boss, entry["id"]).raise_for_status()
    assert read(boss, path)["status"] == "approved"


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
@pytest.mark.parametrize(
    "body",
    [{}, APPROVAL, {"approved": True}, {**APPROVAL, "approved": True, "reason": None}],
    ids=str,
)
def test_body_without_rejection_approves(
    boss: httpx.Client, entry: Any, method: str, body: Any
) -> None:
    sent = {"version": 1, **body}
    response = boss.request(method, f"/approvals/{entry['id']}", json=sent)
    after = response.json()
    assert response.status_code == 200, response.text
    assert after.pop("updatedAt") >= entry.pop("updatedAt")
    assert after.pop("version") == entry.pop("version") + 1
    assert after == {**entry, "status": "approved", "approved": True}


@pytest.mark.parametrize("more", [{}, {"approved": False}], ids=str)
def test_rejection_stores_its_reason(boss: httpx.Client, entry: Any, more: Any) -> None:
    response = decide(boss, entry["id"], **REJECTION, **more)
    after = response.json()
    assert response.status_code == 200, response.text
    assert after.pop("updatedAt") >= entry.pop("updatedAt")
    assert after.pop("version") == entry.pop("version") + 1
    assert after == {**entry, **REJECTION}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            {"approved": False},
            {
                "approved": 'approved must be true or omitted; to reject, send "status":'
                ' "rejected" and a reason'
            },
        ),
        ({"approved": None}, {"approved": ...}),
        ({"approved": "true"}, {"approved": ...}),
        ({"approved": False, **APPROVAL}, {"approved": ...}),
        (
            {"approved": True, **REJECTION},
            {"approved": "approved must be false or omitted with rejected"},
        ),
        ({"status": "rejected"}, {"reason": "reason is required for a rejection"}),
        ({"status": "rejected", "reason": None}, {"reason": ...}),
        ({"status": "rejected", "reason": " \n"}, {"reason": ...}),
        ({"status": "rejected", "reason": "x" * 501}, {"reason": ...}),
        ({"status": "rejected", "reason": []}, {"reason": ...}),
        ({"status": "rejected", "x": 1}, {"x": ...}),
        (
            {"reason": "well done"},
            {"reason": "reason must be omitted unless the status is rejected"},
        ),
        ({**APPROVAL, "reason": "well done"}, {"reason": ...}),
        (
            {"status": "submitted"},
            {"status": "status must be approved or rejected, not submitted"},
        ),
        (
            {"status": "aproved"},
            {"status": 'status must be one of submitted, approved, rejected, not "aproved"'},
        ),
        ({"status": None}, {"status": "timesheets.status cannot be null"}),
        ({"status": True}, {"status": ...}),
        (
            {"hours": 1},
            {
                "hours": "hours is not a member of a decision; known are version, status, reason,"
                " approved"
            },
        ),
        ({"ids": [1], **APPROVAL}, {"ids": ...}),
    ],
    ids=str,
)
def test_ambiguous_body_is_rejected_and_changes_nothing(
    boss: httpx.Client, entry: Any, body: Any, expected: dict[str, Any]
) -> None:
    response = boss.put(f"/approvals/{entry['id']}", json={"version": 1, **body})
    assert_problem(response, 400, "validation-failed")
    found = messages(response)
    assert set(found) == set(expected)
    for field, message in expected.items():
        assert message in (..., found[field])
    assert read(boss, f"/approvals/{entry['id']}") == entry
    assert read(boss, "/approvals/history", timesheet_id=entry["id"], operation="decide") == []


@pytest.mark.parametrize(
    ("body", "status", "slug"),
    [
        (b"[]", 400, "malformed-body"),
        (b'"approved"', 400, "malformed-body"),
        (b"{", 400, "malformed-body"),
        (b'{"status":"approved","status":"rejected"}', 400, "malformed-body"),
    ],
)
def test_body_that_is_not_an_object_is_rejected(
    boss: httpx.Client, entry: Any, body: bytes, status: int, slug: str
) -> None:
    for path in (f"/approvals/{entry['id']}", "/approvals"):
        assert_problem(boss.put(path, content=body), status, slug)
        typed = boss.put(path, content=b"{}", headers={"Content-Type": "text/plain"})
        assert_problem(typed, 415, "unsupported-media-type")


@pytest.mark.parametrize(
    ("creator", "person", "approver"),
    [
        ("jane", None, "jane"),  # The approver worked and submitted it.
        (None, "jane", "jane"),  # The approver worked it, a client submitted it.
        (None, "jane", None),  # The client submitted it.
    ],
)
def test_decision_on_own_entry_is_forbidden(
    users: ApiUsers, creator: str | None, person: str | None, approver: str | None
) -> None:
    author = users.person(creator) if creator else users.machine()
    decider = users.person(approver) if approver else users.machine()
    entry = create_entry(author, user_id=person or "007")
    message = (
        f"Timesheet {entry['id']} was worked, entered or changed by {approver or CLIENT},"
        " who cannot decide on it"
    )
    id_ = entry["id"]
    assert_problem(decide(decider, id_), 403, "forbidden", message)
    assert_problem(decide(decider, id_, **REJECTION), 403, "forbidden", message)
    many = decide_many(decider, [id_])
    assert_problem(many, 403, "forbidden")
    assert messages(many) == {"entries[0]": message}
    assert read(decider, f"/approvals/{id_}")["status"] == "submitted"


def test_client_may_decide_on_entries_of_users(users: ApiUsers, entry: Any) -> None:
    assert decide(users.machine(), entry["id"]).json()["approved"] is True


@pytest.mark.parametrize("first", [APPROVAL, REJECTION], ids=lambda body: body["status"])
@pytest.mark.parametrize("second", [APPROVAL, REJECTION], ids=lambda body: body["status"])
def test_second_decision_is_a_conflict(
    boss: httpx.Client, entry: Any, first: dict[str, str], second: dict[str, str]
) -> None:
    path = f"/approvals/{entry['id']}"
    decide(boss, entry["id"], **first).raise_for_status()
    after = read(boss, path)
    again = " again" if first == second else ""
    message = (
        f"Timesheet {entry['id']} is {first['status']} and cannot be {second['status']}{again}"
    )
    response = decide(boss, entry["id"], **second)
    assert_problem(response, 409, "conflict", message)
    assert messages(response) == {"status": message}
    assert read(boss, path) == after


@pytest.mark.parametrize("path", ["/approvals/2147483000", "/approvals/0", "/approvals/x"])
def test_decision_on_missing_entry_is_not_found(boss: httpx.Client, path: str) -> None:
    assert_problem(boss.put(path, json={"version": 1}), 404, "not-found")
    assert_problem(boss.get(path), 404, "not-found")


def test_approved_entry_is_immutable(users: ApiUsers, boss: httpx.Client, entry: Any) -> None:
    decide(boss, entry["id"]).raise_for_status()
    path = f"/timesheets/{entry['id']}"
    message = f"Timesheet {entry['id']} is approved and cannot be changed"
    for http_client in (users.person("jane"), users.machine()):
        for method in ("PUT", "PATCH", "DELETE"):
            body = None if method == "DELETE" else {"hours": 1}
            response = http_client.request(method, path, json=body)
            assert_problem(response, 409, "conflict", message)
            assert messages(response) == {"status": message}
    assert read(boss, f"/approvals/{entry['id']}")["hours"] == 5


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_update_of_rejected_entry_submits_it_again(
    users: ApiUsers, boss: httpx.Client, entry: Any, method: str
) -> None:
    decide(boss, entry["id"], **REJECTION).raise_for_status()
    jane = users.person("jane")
    response = jane.request(method, f"/timesheets/{entry['id']}", json={"project": "StoreOne"})
    again = response.json()
    assert (again["status"], again["reason"], again["project"]) == ("submitted", None, "StoreOne")
    assert decide(boss, entry["id"]).json()["status"] == "approved"


def test_concurrent_decisions_on_one_entry_take_effect_once(users: ApiUsers, entry: Any) -> None:
    approvers = [users.person(f"boss {n}") for n in range(6)]
    path = f"/approvals/{entry['id']}"
    with ThreadPoolExecutor(6) as pool:
        responses = pool.map(lambda approver: approver.put(path, json={"version": 1}), approvers)
        statuses = [response.status_code for response in responses]
    assert sorted(statuses) == [200, *[409] * 5]
    steps = read(approvers[0], "/approvals/history", timesheet_id=entry["id"], operation="decide")
    assert len(steps) == 1
