"""What a person's entries may add up to: a day's hours, a week's, and under concurrent requests."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.fixtures.problems import assert_problem
from tests.timesheets.conftest import DATED, WEEKLY, Office, made, messages, read

WEEK = WEEKLY | {"year": 2017, "week": 19}


def refused(client: httpx.Client, entry: dict[str, Any]) -> str:
    """Post an entry that has no room; give what is said of its hours."""
    response = client.post("/timesheets", json=entry)
    assert_problem(response, 400, "validation-failed")
    (message,) = messages(response).values()
    assert set(messages(response)) == {"hours"}
    return message


def test_a_day_holds_24_hours_of_a_person(machine: httpx.Client) -> None:
    made(machine, hours=20)
    made(machine, hours=4, project="StoreOne", date="2017-05-10T23:59:59Z")
    assert refused(machine, DATED | {"hours": 0.01}) == (
        "hours must be at most 24 a day, not 24.01: 007 has 24 on 2017-05-10 already"
    )
    made(machine, hours=0.01, date="2017-05-11T00:00:00Z")
    made(machine, hours=0.01, user_id="008")


def test_a_day_is_utcs(machine: httpx.Client) -> None:
    made(machine, hours=20, date="2017-05-10T23:00:00-05:00")
    made(machine, hours=20, date="2017-05-10T12:00:00Z")
    assert "on 2017-05-11 already" in refused(
        machine, DATED | {"hours": 5, "date": "2017-05-11T12:00:00Z"}
    )


def test_a_week_holds_168_hours_of_a_person_weekly_and_dated_together(
    machine: httpx.Client,
) -> None:
    made(machine, WEEK, hours=150)
    made(machine, hours=18)
    assert refused(machine, DATED | {"hours": 0.5}) == (
        "hours must be at most 168 a week, not 168.5: 007 has 168 in week 19 of 2017 already"
    )
    assert refused(machine, WEEK | {"hours": 1}) == (
        "hours must be at most 168 a week, not 169: 007 has 168 in week 19 of 2017 already"
    )
    made(machine, WEEK, hours=1, week=20)


def test_a_weekly_entry_takes_no_room_of_its_thursday(machine: httpx.Client) -> None:
    made(machine, WEEK, hours=100)
    made(machine, hours=24, date="2017-05-11T12:00:00Z")


def test_what_is_rejected_takes_no_room_until_it_is_submitted_again(office: Office) -> None:
    machine, boss = office.machine(), office.person("boss")
    first = made(machine, hours=20)
    answer = boss.put(f"/approvals/{first['id']}", json={"status": "rejected", "reason": "no"})
    assert answer.status_code == 200
    made(machine, hours=20)
    response = machine.put(f"/timesheets/{first['id']}", json={"project": "StoreOne"})
    assert_problem(response, 400, "validation-failed")
    assert read(machine, f"/timesheets/{first['id']}")["status"] == "rejected"
    again = machine.put(f"/timesheets/{first['id']}", json={"hours": 4})
    assert (again.json()["status"], again.json()["reason"]) == ("submitted", None)


def test_a_change_counts_in_place_of_what_it_changes(machine: httpx.Client) -> None:
    first, _ = made(machine, hours=20), made(machine, hours=4)
    path = f"/timesheets/{first['id']}"
    assert machine.put(path, json={"hours": 20, "project": "StoreOne"}).status_code == 200
    assert machine.put(path, json={"hours": 19}).status_code == 200
    response = machine.put(path, json={"hours": 20.5})
    assert_problem(response, 400, "validation-failed")
    moved = machine.put(path, json={"date": "2017-05-12", "hours": 24})
    assert moved.json()["day"] == "2017-05-12"


@pytest.mark.parametrize(
    ("entry", "hours", "room"),
    [(DATED, 5, 4), (WEEKLY, 40, 4)],
    ids=["a day", "a week"],
)
def test_requests_at_once_do_not_find_the_same_room(
    office: Office, entry: dict[str, Any], hours: int, room: int
) -> None:
    machine = office.machine()

    def post(number: int) -> int:
        body = entry | {"hours": hours, "project": f"Store{number}"}
        return machine.post("/timesheets", json=body).status_code

    with ThreadPoolExecutor(12) as pool:
        statuses = sorted(pool.map(post, range(12)))
    assert statuses == [201] * room + [400] * (12 - room)
    assert sum(row["hours"] for row in read(machine, "/timesheets")) == hours * room
