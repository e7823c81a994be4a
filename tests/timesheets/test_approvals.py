"""``/approvals``: who may decide on what, how a decision is said, and what it changes."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.fixtures.problems import assert_problem
from tests.timesheets.conftest import CLIENT, Office, made, messages, read

REJECTION = {"status": "rejected", "reason": "Wrong project"}
APPROVAL = {"status": "approved"}


@pytest.fixture
def boss(office: Office) -> httpx.Client:
    """An approver with no timesheet of their own."""
    return office.person("boss")


@pytest.fixture
def entry(office: Office) -> Any:
    """What Jane worked and sent in herself."""
    submitted = made(office.person("jane"))
    del submitted["message"]
    return submitted


def test_the_list_shows_what_waits_whoever_worked_it(office: Office, boss: httpx.Client) -> None:
    first = made(office.person("jane"))
    second, third = made(office.machine()), made(office.person("john"))
    boss.put(f"/approvals/{second['id']}").raise_for_status()
    boss.put(f"/approvals/{third['id']}", json=REJECTION).raise_for_status()
    response = boss.get("/approvals")
    assert [row["id"] for row in response.json()] == [first["id"]]
    assert response.headers["content-range"] == "items 0-0/1"
    assert read(boss, "/approvals", status="approved") == []
    assert read(boss, "/approvals", user_id="jane", fields="hours") == [{"hours": 5}]


def test_one_entry_is_shown_whatever_its_status(boss: httpx.Client, entry: Any) -> None:
    path = f"/approvals/{entry['id']}"
    assert read(boss, path) == entry
    boss.put(path).raise_for_status()
    assert read(boss, path)["status"] == "approved"


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
@pytest.mark.parametrize(
    "body",
    [None, {}, APPROVAL, {"approved": True}, {**APPROVAL, "approved": True, "reason": None}],
    ids=str,
)
def test_a_body_that_says_no_other_approves(
    boss: httpx.Client, entry: Any, method: str, body: Any
) -> None:
    response = boss.request(method, f"/approvals/{entry['id']}", json=body)
    after = response.json()
    assert response.status_code == 200, response.text
    assert after.pop("updatedAt") >= entry.pop("updatedAt")
    assert after == {**entry, "status": "approved", "approved": True}


@pytest.mark.parametrize("more", [{}, {"approved": False}], ids=str)
def test_a_rejection_says_why(boss: httpx.Client, entry: Any, more: Any) -> None:
    response = boss.put(f"/approvals/{entry['id']}", json={**REJECTION, **more})
    after = response.json()
    assert response.status_code == 200, response.text
    assert after.pop("updatedAt") >= entry.pop("updatedAt")
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
        ({"status": "rejected", "x": 1}, {"reason": ..., "x": ...}),
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
            {"hours": "hours is not a member of a decision; known are status, reason, approved"},
        ),
        ({"ids": [1], **APPROVAL}, {"ids": ...}),
    ],
    ids=str,
)
def test_a_body_that_could_mean_another_thing_decides_nothing(
    boss: httpx.Client, entry: Any, body: Any, expected: dict[str, Any]
) -> None:
    response = boss.put(f"/approvals/{entry['id']}", json=body)
    assert_problem(response, 400, "validation-failed")
    said = messages(response)
    assert set(said) == set(expected)
    for field, message in expected.items():
        assert message in (..., said[field])
    assert read(boss, f"/approvals/{entry['id']}") == entry
    assert read(boss, "/approvals/history", timesheet_id=entry["id"]) == []


@pytest.mark.parametrize(
    ("body", "status", "slug"),
    [
        (b"[]", 400, "malformed-body"),
        (b'"approved"', 400, "malformed-body"),
        (b"{", 400, "malformed-body"),
        (b'{"status":"approved","status":"rejected"}', 400, "malformed-body"),
    ],
)
def test_a_body_that_is_no_object_is_refused(
    boss: httpx.Client, entry: Any, body: bytes, status: int, slug: str
) -> None:
    for path in (f"/approvals/{entry['id']}", "/approvals"):
        assert_problem(boss.put(path, content=body), status, slug)
        typed = boss.put(path, content=b"{}", headers={"Content-Type": "text/plain"})
        assert_problem(typed, 415, "unsupported-media-type")


@pytest.mark.parametrize(
    ("maker", "person", "approver"),
    [
        ("jane", None, "jane"),  # They worked it and sent it in.
        (None, "jane", "jane"),  # They worked it, a machine sent it in.
        (None, "jane", None),  # The machine sent it in.
    ],
)
def test_nobody_decides_on_what_is_their_own(
    office: Office, maker: str | None, person: str | None, approver: str | None
) -> None:
    author = office.person(maker) if maker else office.machine()
    decider = office.person(approver) if approver else office.machine()
    entry = made(author, user_id=person or "007")
    text = (
        f"Timesheet {entry['id']} was worked or entered by {approver or CLIENT}, who cannot decide"
        " on it"
    )
    path = f"/approvals/{entry['id']}"
    assert_problem(decider.put(path), 403, "forbidden", text)
    assert_problem(decider.put(path, json=REJECTION), 403, "forbidden", text)
    many = decider.put("/approvals", json={"ids": [entry["id"]]})
    assert_problem(many, 403, "forbidden")
    assert messages(many) == {"ids[0]": text}
    assert read(decider, path)["status"] == "submitted"


def test_a_machine_may_decide_on_what_persons_sent_in(office: Office, entry: Any) -> None:
    assert office.machine().put(f"/approvals/{entry['id']}").json()["approved"] is True


@pytest.mark.parametrize("first", [APPROVAL, REJECTION], ids=lambda body: body["status"])
@pytest.mark.parametrize("second", [APPROVAL, REJECTION], ids=lambda body: body["status"])
def test_what_is_decided_stays_so_for_approvers(
    boss: httpx.Client, entry: Any, first: dict[str, str], second: dict[str, str]
) -> None:
    path = f"/approvals/{entry['id']}"
    boss.put(path, json=first).raise_for_status()
    after = read(boss, path)
    again = " again" if first == second else ""
    text = f"Timesheet {entry['id']} is {first['status']} and cannot be {second['status']}{again}"
    response = boss.put(path, json=second)
    assert_problem(response, 409, "conflict", text)
    assert messages(response) == {"status": text}
    assert read(boss, path) == after


@pytest.mark.parametrize("path", ["/approvals/2147483000", "/approvals/0", "/approvals/x"])
def test_what_is_not_there_cannot_be_decided_on(boss: httpx.Client, path: str) -> None:
    assert_problem(boss.put(path), 404, "not-found")
    assert_problem(boss.get(path), 404, "not-found")


def test_an_approved_entry_is_immutable(office: Office, boss: httpx.Client, entry: Any) -> None:
    boss.put(f"/approvals/{entry['id']}").raise_for_status()
    path = f"/timesheets/{entry['id']}"
    text = f"Timesheet {entry['id']} is approved and cannot be changed"
    for caller in (office.person("jane"), office.machine()):
        for method in ("PUT", "PATCH", "DELETE"):
            body = None if method == "DELETE" else {"hours": 1}
            response = caller.request(method, path, json=body)
            assert_problem(response, 409, "conflict", text)
            assert messages(response) == {"status": text}
    assert read(boss, f"/approvals/{entry['id']}")["hours"] == 5


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_a_rejected_entry_that_is_changed_is_submitted_again(
    office: Office, boss: httpx.Client, entry: Any, method: str
) -> None:
    path = f"/approvals/{entry['id']}"
    boss.put(path, json=REJECTION).raise_for_status()
    jane = office.person("jane")
    response = jane.request(method, f"/timesheets/{entry['id']}", json={"project": "StoreOne"})
    again = response.json()
    assert (again["status"], again["reason"], again["project"]) == ("submitted", None, "StoreOne")
    assert boss.put(path).json()["status"] == "approved"


def test_two_approvers_at_once_decide_once(office: Office, entry: Any) -> None:
    approvers = [office.person(f"boss {number}") for number in range(6)]
    path = f"/approvals/{entry['id']}"
    with ThreadPoolExecutor(6) as pool:
        statuses = list(pool.map(lambda approver: approver.put(path).status_code, approvers))
    assert sorted(statuses) == [200, *[409] * 5]
    assert len(read(approvers[0], "/approvals/history", timesheet_id=entry["id"])) == 1
