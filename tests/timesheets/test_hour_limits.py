"""The limits of a person's hours per day and week, also under concurrent requests."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.fixtures.problems import assert_problem
from tests.timesheets.conftest import DATED, WEEKLY, ApiUsers, create_entry, decide, messages, read

WEEK = WEEKLY | {"year": 2017, "week": 19}


def rejection(client: httpx.Client, entry: dict[str, Any]) -> str:
    """Post an entry that exceeds a limit; return the error message of its hours."""
    response = client.post("/timesheets", json=entry)
    assert_problem(response, 400, "validation-failed")
    (message,) = messages(response).values()
    assert set(messages(response)) == {"hours"}
    return message


def test_day_is_limited_to_24_hours_per_user(machine: httpx.Client) -> None:
    create_entry(machine, hours=20)
    create_entry(machine, hours=4, project="StoreOne", date="2017-05-10T23:59:59Z")
    assert rejection(machine, DATED | {"hours": 0.01}) == (
        "hours must be at most 24 a day, not 24.01: 007 has 24 on 2017-05-10 already"
    )
    create_entry(machine, hours=0.01, date="2017-05-11T00:00:00Z")
    create_entry(machine, hours=0.01, user_id="008")


def test_day_is_local(machine: httpx.Client) -> None:
    create_entry(machine, hours=20, date="2017-05-11T01:00:00+09:00")
    create_entry(machine, hours=20, date="2017-05-10T12:00:00Z")
    assert "on 2017-05-11 already" in rejection(
        machine, DATED | {"hours": 5, "date": "2017-05-11T12:00:00Z"}
    )


def test_week_is_limited_to_168_hours_of_weekly_and_dated_entries(
    machine: httpx.Client,
) -> None:
    create_entry(machine, WEEK, hours=150)
    create_entry(machine, hours=18)
    assert rejection(machine, DATED | {"hours": 0.5}) == (
        "hours must be at most 168 a week, not 168.5: 007 has 168 in week 19 of 2017 already"
    )
    assert rejection(machine, WEEK | {"hours": 1}) == (
        "hours must be at most 168 a week, not 169: 007 has 168 in week 19 of 2017 already"
    )
    create_entry(machine, WEEK, hours=1, week=20)


def test_weekly_entry_does_not_count_for_its_thursday(machine: httpx.Client) -> None:
    create_entry(machine, WEEK, hours=100)
    create_entry(machine, hours=24, date="2017-05-11T12:00:00Z")


def test_rejected_entry_does_not_count_until_submitted_again(users: ApiUsers) -> None:
    machine, boss = users.machine(), users.person("boss")
    first = create_entry(machine, hours=20)
    response = decide(boss, first["id"], status="rejected", reason="no")
    assert response.status_code == 200
    create_entry(machine, hours=20)
    response = machine.put(f"/timesheets/{first['id']}", json={"project": "StoreOne"})
    assert_problem(response, 400, "validation-failed")
    assert read(machine, f"/timesheets/{first['id']}")["status"] == "rejected"
    again = machine.put(f"/timesheets/{first['id']}", json={"hours": 4})
    assert (again.json()["status"], again.json()["reason"]) == ("submitted", None)


def test_update_counts_instead_of_the_old_hours(machine: httpx.Client) -> None:
    first, _ = create_entry(machine, hours=20), create_entry(machine, hours=4)
    path = f"/timesheets/{first['id']}"
    assert machine.put(path, json={"hours": 20, "project": "StoreOne"}).status_code == 200
    assert machine.put(path, json={"hours": 19}).status_code == 200
    response = machine.put(path, json={"hours": 20.5})
    assert_problem(response, 400, "validation-failed")
    moved = machine.put(path, json={"date": "2017-05-12", "hours": 24})
    assert moved.json()["day"] == "2017-05-12"


@pytest.mark.parametrize(
    ("entry", "hours", "fitting"),
    [(DATED, 5, 4), (WEEKLY, 40, 4)],
    ids=["a day", "a week"],
)
def test_concurrent_requests_do_not_exceed_limit(
    users: ApiUsers, entry: dict[str, Any], hours: int, fitting: int
) -> None:
    machine = users.machine()

    def post(n: int) -> int:
        body = entry | {"hours": hours, "project": f"Store{n}"}
        return machine.post("/timesheets", json=body).status_code

    with ThreadPoolExecutor(12) as pool:
        statuses = sorted(pool.map(post, range(12)))
    assert statuses == [201] * fitting + [400] * (12 - fitting)
    assert sum(row["hours"] for row in read(machine, "/timesheets")) == hours * fitting
