"""The locked period: by the setting, and by callers with the scope ``lock:timesheets``."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from api.resources.timesheets.settings import TimesheetSettings
from encore.settings import SettingsError
from tests.fixtures.problems import assert_problem
from tests.fixtures.tokens import LocalIssuer
from tests.fixtures.workers import DATABASES
from tests.timesheets.conftest import create_entry, decide, messages, read
from tests.timesheets.signed_api import SignedApi, empty_database, serve_signed

UPLOAD = "/timesheets/upload"
BY_SETTING = "2017-01-01"
BY_SCOPE = "2017-06-01"
ENTRY = {"user_id": "ada", "project": "StoreZero", "hours": 1}

pytestmark = pytest.mark.processes


def on(day: str, **values: Any) -> dict[str, Any]:
    """Return an entry of a day."""
    return {**ENTRY, "date": f"{day}T12:00:00Z", **values}


def locked(day: str, end: str) -> list[dict[str, str]]:
    """Return the errors of an entry in the locked period."""
    message = f"day {day} is locked: entries before {end} cannot be created, changed or deleted"
    return [{"field": "day", "message": message}]


def assert_locked(response: httpx.Response, day: str, end: str) -> None:
    assert assert_problem(response, 409, "conflict")["errors"] == locked(day, end)


@pytest.fixture(scope="module", params=DATABASES)
def served(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    module_issuer: LocalIssuer,
) -> Iterator[SignedApi]:
    settings = {"LOG_LEVEL": "warning", "LOCK_TIMESHEETS_BEFORE": BY_SETTING}
    with (
        empty_database(request, tmp_path_factory) as (directory, url),
        serve_signed(directory, url, module_issuer, **settings) as api,
    ):
        yield api


@pytest.fixture
def api(served: SignedApi) -> SignedApi:
    served.delete_entries()
    return served


def lock(api: SignedApi, before: str | None = BY_SCOPE) -> dict[str, Any]:
    """Move the end of the locked period; return the lock."""
    response = api.machine("office").post("/timesheets/locks", json={"before": before})
    assert response.status_code == 201, response.text
    created: dict[str, Any] = response.json()
    return created


@pytest.mark.parametrize("caller", ["person", "client"])
def test_setting_locks_earlier_days(api: SignedApi, caller: str) -> None:
    client = api.person("ada") if caller == "person" else api.machine("job")
    assert_locked(client.post("/timesheets", json=on("2016-12-31")), "2016-12-31", BY_SETTING)
    weekly = {**ENTRY, "year": 2016, "week": 52}
    assert_locked(client.post("/timesheets", json=weekly), "2016-12-29", BY_SETTING)
    create_entry(client, on("2017-01-01"))
    create_entry(client, {**weekly, "year": 2017, "week": 1})


def test_week_is_judged_by_its_thursday(api: SignedApi) -> None:
    job = api.machine("job")
    week = {**ENTRY, "year": 2017, "week": 22}  # From 29 May to 4 June; Thursday is 1 June.
    lock(api, "2017-06-01")
    create_entry(job, week)
    lock(api, "2017-06-02")
    assert_locked(job.post("/timesheets", json=week), "2017-06-01", "2017-06-02")


def test_stored_and_new_day_are_judged(api: SignedApi) -> None:
    ada = api.person("ada")
    old, new = create_entry(ada, on("2017-05-31")), create_entry(ada, on("2017-06-01"))
    lock(api)
    path = f"/timesheets/{old['id']}"
    for method, body in (
        ("PUT", {"hours": 2}),
        ("PATCH", {"project": "StoreOne"}),
        ("PUT", on("2017-06-02")),
        ("DELETE", None),
    ):
        assert_locked(ada.request(method, path, json=body), "2017-05-31", BY_SCOPE)
    path = f"/timesheets/{new['id']}"
    assert_locked(ada.put(path, json=on("2017-05-30")), "2017-05-30", BY_SCOPE)
    assert ada.put(path, json={"hours": 2}).json()["hours"] == 2
    assert ada.delete(path).status_code == 200
    assert [(str(row["day"]), row["hours"]) for row in api.rows()] == [("2017-05-31", 1)]


def test_entry_of_another_person_is_not_found_in_the_locked_period(api: SignedApi) -> None:
    entry = create_entry(api.person("ada"), on("2017-05-31"))
    lock(api)
    bob, path = api.person("bob"), f"/timesheets/{entry['id']}"
    assert_problem(bob.put(path, json={"hours": 2}), 404, "not-found")
    assert_problem(bob.delete(path), 404, "not-found")


def test_approved_entry_of_another_person_is_not_found(api: SignedApi) -> None:
    path = f"/timesheets/{create_entry(api.machine('job'), on('2017-05-31'))['id']}"
    decide(api.person("grace"), int(path.rpartition("/")[2])).raise_for_status()
    assert_problem(api.person("bob").put(path, json={"hours": 2}), 404, "not-found")
    assert_problem(api.person("bob").delete(path), 404, "not-found")


def test_approvals_go_on_in_the_locked_period(api: SignedApi) -> None:
    ada, grace = api.person("ada"), api.person("grace")
    ids = [create_entry(ada, on("2017-05-31"))["id"] for _ in range(2)]
    lock(api)
    assert decide(grace, ids[0]).json()["status"] == "approved"
    rejection = {"status": "rejected", "reason": "no"}
    assert decide(grace, ids[1], **rejection).json()["status"] == "rejected"
    response = ada.put(f"/timesheets/{ids[1]}", json={"hours": 2})
    assert_locked(response, "2017-05-31", BY_SCOPE)


def test_uploaded_rows_are_judged_by_stored_and_new_day(api: SignedApi) -> None:
    job = api.machine("job")
    keys = [{"source": "tempus", "external_id": f"T-{n}"} for n in range(5)]
    days = ["2017-05-30", "2017-05-31", "2017-06-01"]
    before = [on(day, **key) for day, key in zip(days, keys, strict=False)]
    assert job.post(UPLOAD, json=before).json()["created"] == 3
    lock(api)
    rows = [
        before[0],
        {**before[1], "date": "2017-06-02T12:00:00Z"},
        {**before[2], "date": "2017-05-29T12:00:00Z"},
        on("2017-05-28", **keys[3]),
        on("2017-06-03", **keys[4]),
        on("2017-05-27"),
    ]
    expected = [
        "unchanged",
        locked("2017-05-31", BY_SCOPE),
        locked("2017-05-29", BY_SCOPE),
        locked("2017-05-28", BY_SCOPE),
        "created",
        locked("2017-05-27", BY_SCOPE),
    ]
    for params in ({"mode": "partial", "dry_run": "true"}, {"mode": "partial"}):
        report = job.post(UPLOAD, json=rows, params=params).json()
        assert [row.get("errors", row["status"]) for row in report["rows"]] == expected
    assert sorted(str(row["day"]) for row in api.rows()) == [*days, "2017-06-03"]
    assert job.post(UPLOAD, json=rows).status_code == 400
    response = job.post(UPLOAD, json=rows[3])
    assert assert_problem(response, 400, "validation-failed")["errors"] == expected[3]


def test_persons_upload_is_judged_as_well(api: SignedApi) -> None:
    response = api.person("ada").post(UPLOAD, json=on("2016-12-31"))
    assert response.json()["errors"] == locked("2016-12-31", BY_SETTING)


def test_latest_lock_is_in_force(api: SignedApi) -> None:
    ada = api.person("ada")
    first = lock(api)
    assert (first["before"], first["who"], first["client"]) == (BY_SCOPE, "office", "office")
    assert_locked(ada.post("/timesheets", json=on("2017-05-31")), "2017-05-31", BY_SCOPE)
    second = lock(api, "2017-02-01")
    create_entry(ada, on("2017-02-01"))
    assert_locked(ada.post("/timesheets", json=on("2017-01-31")), "2017-01-31", "2017-02-01")
    assert read(ada, "/timesheets/locks", sort="-id") == [second, first]
    assert read(ada, f"/timesheets/locks/{first['id']}") == first


@pytest.mark.parametrize("before", [None, "2016-12-31", "1970-01-01"])
def test_lock_cannot_be_earlier_than_the_setting(api: SignedApi, before: str | None) -> None:
    response = api.machine("office").post("/timesheets/locks", json={"before": before})
    assert messages(response) == {
        "before": "before must be at least 2017-01-01, the lock of the configuration"
    }
    lock(api, BY_SETTING)


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({}, {"before": "before is required; null unlocks"}),
        (
            {"before": "2017-06"},
            {"before": 'before must be a date such as 2018-08-16, not "2017-06"'},
        ),
        ({"before": BY_SCOPE, "who": "me"}, {"who": "who is read-only"}),
        (
            {"befor": BY_SCOPE},
            {"befor": "befor is not a member of this body; did you mean before?"},
        ),
    ],
)
def test_invalid_lock_is_rejected(
    api: SignedApi, body: dict[str, Any], errors: dict[str, str]
) -> None:
    response = api.machine("office").post("/timesheets/locks", json=body)
    assert_problem(response, 400, "validation-failed")
    assert messages(response).items() >= errors.items()
    assert read(api.machine("office"), "/timesheets/locks") == []


def test_lock_needs_its_scope(api: SignedApi) -> None:
    others = [f"{verb}:timesheets" for verb in ("create", "read", "delete", "approve")]
    job = api.machine("job", *others, "batch:upload")
    assert_problem(job.post("/timesheets/locks", json={"before": BY_SCOPE}), 403, "forbidden")
    assert read(job, "/timesheets/locks") == []


def test_lock_waits_for_pending_writes(api: SignedApi) -> None:
    """No entry of the locked period is stored after the response to the lock."""
    api.machine("job")
    with ThreadPoolExecutor(9) as pool:
        callers = [api.person(f"p{n}") for n in range(8)]
        writes = [
            pool.submit(caller.post, "/timesheets", json=on("2017-05-31"))
            for _ in range(4)
            for caller in callers
        ]
        lock(api)
        at_lock = len(api.rows())
        statuses = [write.result().status_code for write in writes]
    assert len(api.rows()) == at_lock == statuses.count(201)
    assert set(statuses) <= {201, 409}


@pytest.mark.parametrize("value", ["2017-13-01", "yesterday", "20170101", "2017-01-01T00:00"])
def test_invalid_setting_is_rejected(value: str) -> None:
    with pytest.raises(SettingsError) as rejected:
        TimesheetSettings.parse({"ISSUER": "https://a.example", "LOCK_TIMESHEETS_BEFORE": value})
    assert "must be a day such as 2026-10-01, or empty for none" in str(rejected.value)


@pytest.mark.parametrize("value", ["", " "])
def test_empty_setting_locks_nothing(value: str) -> None:
    raw = {"ISSUER": "https://a.example", "LOCK_TIMESHEETS_BEFORE": value}
    assert TimesheetSettings.parse(raw).lock_timesheets_before is None
