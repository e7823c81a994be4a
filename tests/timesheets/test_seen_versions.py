"""A decision names the version of the entry that was seen, and is made on no other."""

from typing import Any

import httpx
import pytest

from tests.fixtures.problems import assert_problem
from tests.timesheets.conftest import DATED, ApiUsers, create_entry, decide, messages, read

REJECTION = {"status": "rejected", "reason": "no"}


@pytest.fixture
def boss(users: ApiUsers) -> httpx.Client:
    """Return an approver without timesheets."""
    return users.person("boss")


@pytest.fixture
def jane(users: ApiUsers) -> httpx.Client:
    """Return the person whose entry is decided on."""
    return users.person("jane")


@pytest.fixture
def id_(jane: httpx.Client) -> int:
    """Return the id of an entry of 1 hour."""
    found: int = create_entry(jane, hours=1)["id"]
    return found


def raise_hours(jane: httpx.Client, id_: int) -> None:
    """Change the hours from 1 to 20, and the project."""
    change = {"hours": 20, "project": "CloudOne"}
    jane.patch(f"/timesheets/{id_}", json=change).raise_for_status()


def put(client: httpx.Client, id_: int, tag: str | None = None, **body: Any) -> httpx.Response:
    """Send a decision, with an ``If-Match`` header if there is a tag."""
    headers = {} if tag is None else {"If-Match": tag}
    return client.put(f"/approvals/{id_}", json=body, headers=headers)


@pytest.mark.parametrize("decision", [{}, REJECTION], ids=str)
@pytest.mark.parametrize("tag", ['"1"', '"1.xyz"', '"1", "1.a",', '"1.a.b"'])
def test_if_match_with_the_stored_version_is_accepted(
    boss: httpx.Client, id_: int, tag: str, decision: Any
) -> None:
    assert put(boss, id_, tag, **decision).json()["version"] == 2


def test_version_in_body_and_if_match_may_agree(boss: httpx.Client, id_: int) -> None:
    response = put(boss, id_, '"2.x"', version=1)
    assert_problem(response, 400, "validation-failed")
    assert messages(response) == {"version": "version must be the version of If-Match, not 1"}
    assert put(boss, id_, '"1.x"', version=1).status_code == 200


@pytest.mark.parametrize("decision", [{}, REJECTION], ids=str)
def test_decision_on_an_older_version_says_what_has_changed(
    boss: httpx.Client, jane: httpx.Client, id_: int, decision: Any
) -> None:
    raise_hours(jane, id_)
    message = (
        f"Timesheet {id_} has version 2, not 1: jane changed"
        " project from StoreZero to CloudOne, hours from 1.00 to 20.00"
    )
    in_body = put(boss, id_, version=1, **decision)
    assert_problem(in_body, 409, "conflict", message)
    assert messages(in_body) == {"version": message}
    assert_problem(put(boss, id_, '"1"', **decision), 412, "precondition-failed", message)
    many = boss.put("/approvals", json={"entries": [{"id": id_, "version": 1}], **decision})
    assert_problem(many, 409, "conflict")
    assert messages(many) == {"entries[0]": message}
    after = read(boss, f"/approvals/{id_}")
    assert (after["status"], after["version"]) == ("submitted", 2)
    assert put(boss, id_, version=2, **decision).status_code == 200


def test_changes_of_several_people_are_summed_up(
    users: ApiUsers, boss: httpx.Client, jane: httpx.Client, id_: int
) -> None:
    raise_hours(jane, id_)
    raise_hours(jane, id_)  # Nothing changes: the version stays.
    machine = users.machine()
    machine.patch(f"/timesheets/{id_}", json={"user_id": "joe", "hours": 1}).raise_for_status()
    decide(boss, id_, **REJECTION).raise_for_status()
    other = users.person("other boss")
    message = (
        f"Timesheet {id_} has version 4, not 1: jane and development-client and boss changed"
        " status from submitted to rejected, project from StoreZero to CloudOne,"
        " user_id from jane to joe"
    )
    assert_problem(put(other, id_, version=1), 409, "conflict", message)
    joint = f"Timesheet {id_} has version 4, not 3: boss changed status from submitted to rejected"
    assert_problem(put(other, id_, version=3), 409, "conflict", joint)


@pytest.mark.parametrize(
    "tag",
    ['"9"', '"0"', '"01"', '"x"', '""', '".1"', '"-1"', *(f'"{n}"' for n in (2**31, 10**12))],
)
def test_if_match_of_no_version_of_the_entry_fails(boss: httpx.Client, id_: int, tag: str) -> None:
    response = put(boss, id_, tag)
    assert_problem(response, 412, "precondition-failed")
    assert messages(response)["version"].startswith(f"Timesheet {id_} has version 1, not ")


def test_later_version_than_the_stored_one_is_a_conflict(boss: httpx.Client, id_: int) -> None:
    assert_problem(
        put(boss, id_, version=9), 409, "conflict", f"Timesheet {id_} has version 1, not 9"
    )


@pytest.mark.parametrize(
    "tag", ['W/"1"', "1", '"1', 'x"1"', '"1" "1"', '"1", W/"1"', '"1", *', "", ",", '"1", "2"']
)
def test_malformed_if_match_is_rejected(boss: httpx.Client, id_: int, tag: str) -> None:
    response = put(boss, id_, tag, version=1)
    assert_problem(response, 400, "bad-request")
    assert set(messages(response)) == {"If-Match"}
    assert read(boss, f"/approvals/{id_}")["version"] == 1


def test_two_if_match_headers_are_one_list(boss: httpx.Client, id_: int) -> None:
    path, headers = f"/approvals/{id_}", [("If-Match", '"1"'), ("If-Match", '"2"')]
    assert_problem(boss.put(path, headers=headers), 400, "bad-request")


@pytest.mark.parametrize("tag", [None, "*"])
def test_decision_without_version_is_428(boss: httpx.Client, id_: int, tag: str | None) -> None:
    message = f"A decision on timesheet {id_} must name the version that was seen"
    response = put(boss, id_, tag)
    assert_problem(response, 428, "precondition-required", message)
    assert messages(response) == {"version": message}
    many = boss.put("/approvals", json={"ids": [id_]})
    assert_problem(many, 428, "precondition-required")
    assert messages(many) == {"ids[0]": message}
    assert read(boss, f"/approvals/{id_}")["version"] == 1
    assert put(boss, id_, "*", version=1).status_code == 200


def test_own_and_missing_entries_are_answered_before_their_version(
    boss: httpx.Client, jane: httpx.Client, id_: int
) -> None:
    assert_problem(put(jane, id_), 403, "forbidden")
    assert_problem(put(jane, id_, '"7"'), 403, "forbidden")
    assert_problem(put(boss, 2147483000, '"7"'), 404, "not-found")
    assert_problem(put(boss, 2147483000), 404, "not-found")


def test_if_match_elsewhere_is_compared_or_rejected(
    boss: httpx.Client, jane: httpx.Client, id_: int
) -> None:
    body = {"entries": [{"id": id_, "version": 1}]}
    headers = {"If-Match": '"9"'}
    assert boss.put("/approvals", json=body, headers=headers).status_code == 412
    path = f"/timesheets/{id_}"
    assert jane.put(path, json={"hours": 2}, headers=headers).status_code == 412
    assert jane.delete(path, headers=headers).status_code == 412
    for tag in ("*", '"1"', '"9"'):
        none = boss.put(f"/approvals/{id_}", json={"version": 1}, headers={"If-None-Match": tag})
        assert none.status_code == 412
    assert read(boss, f"/approvals/{id_}")["version"] == 1


def test_stale_entry_among_many_stops_all(boss: httpx.Client, jane: httpx.Client) -> None:
    ids = [create_entry(jane, hours=1)["id"] for _ in range(3)]
    raise_hours(jane, ids[1])
    entries = [{"id": id_, "version": 1} for id_ in ids]
    response = boss.put("/approvals", json={"entries": entries})
    assert_problem(response, 409, "conflict")
    assert set(messages(response)) == {"entries[1]"}
    assert [read(boss, f"/approvals/{id_}")["status"] for id_ in ids] == ["submitted"] * 3


def test_if_match_is_described(document: dict[str, Any]) -> None:
    for path, method, expected in (
        ("/approvals/{id}", "put", True),
        ("/approvals/{id}", "patch", True),
        ("/approvals/{id}", "get", False),
        ("/approvals", "put", False),
        ("/timesheets/{id}", "put", True),
    ):
        parameters = document["paths"][path][method].get("parameters", [])
        assert any(item["name"] == "If-Match" for item in parameters) is expected, path


def test_changes_of_many_entries_are_described_completely_or_not_at_all(
    users: ApiUsers, boss: httpx.Client
) -> None:
    machine = users.machine("batch:upload")
    rows = [
        {**DATED, "user_id": str(n), "hours": 1, "source": "s", "external_id": f"M-{n}"}
        for n in range(400)
    ]
    for hours in (1, 2, 3, 4):
        batch = [{**row, "hours": hours} for row in rows]
        report = machine.post("/timesheets/upload", json=batch).raise_for_status().json()
    entries = [{"id": row["id"], "version": 1} for row in report["rows"]]
    response = boss.put("/approvals", json={"entries": entries})
    assert_problem(response, 409, "conflict")
    found = [messages(response)[f"entries[{place}]"] for place in range(400)]
    described = ": development-client changed hours from 1.00 to 4.00"
    assert {message.partition(", not 1")[2] for message in found} == {described, ""}
    assert found[0].endswith(described)
