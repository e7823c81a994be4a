"""Names that look alike cannot decide on each other's entries; odd names are refused."""

from typing import Any, Final

import pytest
import sqlalchemy as sa

from db.models.timesheet import Timesheet
from encore.database.engine import with_connection
from tests.fixtures.problems import assert_problem
from tests.timesheets.conftest import (
    DATED,
    ApiUsers,
    create_entry,
    decide,
    decide_many,
    messages,
    read,
)

ZERO_WIDTH_JOINER: Final = (
    "user_id must not contain U+200D ZERO WIDTH JOINER, which is not printable"
)
CYRILLIC: Final = (
    "user_id must be in one script, or in Latin with Chinese, Japanese or Korean, not those of both"
    " U+0430 CYRILLIC SMALL LETTER A and U+0064 LATIN SMALL LETTER D"
)
FULL_WIDTH: Final = (
    "user_id must not contain U+FF41 FULLWIDTH LATIN SMALL LETTER A,"
    " which is outside the identifier profile of UTS 39"
)
NAMED: Final = {**DATED, "source": "tempus", "external_id": "T-1", "hours": 1}


def rename(users: ApiUsers, id_: int, **names: str) -> None:
    """Store names that were stored before names were validated."""

    def update(connection: sa.Connection) -> None:
        connection.execute(sa.update(Timesheet).where(Timesheet.id == id_).values(names))
        connection.commit()

    with_connection(users.system.database_url, update)


def status(users: ApiUsers, id_: int) -> Any:
    return read(users.machine(), f"/approvals/{id_}")["status"]


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("ada", "Ada"),
        ("ada", "ADA"),
        ("Ada", "ada"),
        ("Ian", "lan"),
        ("lan", "1AN"),
        ("josé", "JOSE\u0301"),
        ("İan", "ian"),
    ],
)
def test_names_that_look_alike_cannot_decide(users: ApiUsers, name: str, other: str) -> None:
    id_ = create_entry(users.person(name), hours=1)["id"]
    message = (
        f"Timesheet {id_} was worked, entered or changed by {name}; {other} may be the same person,"
        " and cannot decide on it"
    )
    response = decide(users.person(other), id_)
    assert_problem(response, 403, "forbidden", message)
    response = decide_many(users.person(other), [id_])
    assert response.status_code == 403
    assert messages(response) == {"entries[0]": message}
    assert status(users, id_) == "submitted"


@pytest.mark.parametrize("other", ["ａｄａ", "ＡＤＡ", "\u0430d\u0430", "𝐚𝐝𝐚", "ad\u0430", "ᴀᴅᴀ"])
def test_other_spellings_of_a_name_cannot_decide(users: ApiUsers, other: str) -> None:
    id_ = create_entry(users.person("ada"), hours=1)["id"]
    caller = users.person(other)
    assert_problem(decide(caller, id_), 403, "forbidden")
    assert_problem(decide_many(caller, [id_]), 403, "forbidden")
    assert_problem(caller.post("/timesheets", json=DATED), 403, "forbidden")
    assert caller.get("/timesheets").json()["detail"].startswith("The token's claim sub must ")
    assert status(users, id_) == "submitted"


@pytest.mark.parametrize("column", ["user_id", "created_by"])
@pytest.mark.parametrize("stored", ["ａｄａ", "\u0430d\u0430", "a\u200dda", "ADA", " ada"])
def test_stored_names_that_look_alike_count(users: ApiUsers, stored: str, column: str) -> None:
    id_ = create_entry(users.machine(), user_id="grace", hours=1)["id"]
    rename(users, id_, **{column: stored})
    assert decide(users.person("ada"), id_).status_code == 403
    assert status(users, id_) == "submitted"
    decide(users.person("alan"), id_).raise_for_status()
    assert status(users, id_) == "approved"


@pytest.mark.parametrize(("name", "other"), [("ada", "grace"), ("ian", "lan"), ("ada1", "ada2")])
def test_different_people_can_decide(users: ApiUsers, name: str, other: str) -> None:
    id_ = create_entry(users.person(name), hours=1)["id"]
    decide(users.person(other), id_).raise_for_status()
    assert status(users, id_) == "approved"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("a\u200dda", ZERO_WIDTH_JOINER),
        ("\u0430da", CYRILLIC),
        ("ａｄａ", FULL_WIDTH),
        ("ada ", "user_id must not begin or end with a space"),
        ("ada\n", "user_id must not contain U+000A, which is not printable"),
        (" ", "user_id must not be empty"),
    ],
)
def test_odd_names_in_bodies_and_rows_are_invalid(users: ApiUsers, name: str, message: str) -> None:
    machine, job = users.machine(), users.machine("batch:upload")
    entry = {**DATED, "user_id": name, "hours": 1}
    response = machine.post("/timesheets", json=entry)
    assert_problem(response, 400, "validation-failed")
    assert messages(response) == {"user_id": message}
    id_ = create_entry(machine, hours=1)["id"]
    for method in ("PUT", "PATCH"):
        response = machine.request(method, f"/timesheets/{id_}", json=entry)
        assert messages(response) == {"user_id": message}
    for row in (entry, {**NAMED, "user_id": name}):
        response = job.post("/timesheets/upload", json=row)
        assert response.status_code == 400
        assert messages(response) == {"user_id": message}
        report = job.post("/timesheets/upload?mode=partial", json=[row, DATED]).json()
        assert report["rows"][0]["status"] == "rejected"
        assert report["rows"][0]["errors"] == [{"field": "user_id", "message": message}]
    assert {entry["user_id"] for entry in read(machine, "/timesheets")} == {"007"}


@pytest.mark.parametrize(
    "name", ["山田太郎", "O'Brien", "auth0|5f7c", "Jose\u0301", "Ada Lovelace"]
)
def test_names_are_stored_as_they_came(users: ApiUsers, name: str) -> None:
    assert create_entry(users.machine(), user_id=name)["user_id"] == name
    assert create_entry(users.person(name), project="Mine", hours=1)["user_id"] == name
    job = users.machine("batch:upload")
    row = {**NAMED, "user_id": name, "project": "Uploaded"}
    assert job.post("/timesheets/upload", json=row).json()["user_id"] == name


def test_entry_with_an_odd_name_stays_readable_and_changeable(users: ApiUsers) -> None:
    machine = users.machine()
    id_ = create_entry(machine, hours=1)["id"]
    rename(users, id_, user_id="\u0430da")
    path = f"/timesheets/{id_}"
    body = read(machine, path)
    assert body["user_id"] == "\u0430da"
    assert machine.patch(path, json={"hours": 2}).json()["hours"] == 2
    response = machine.patch(path, json={"user_id": "\u0430da", "project": "Other"})
    assert response.json()["project"] == "Other"
    entry = {name: body[name] for name in ("user_id", "user_type", "date", "project")}
    assert machine.put(path, json={**entry, "hours": 3}).json()["hours"] == 3
    response = machine.patch(path, json={"user_id": "a\u200dda"})
    assert messages(response) == {"user_id": ZERO_WIDTH_JOINER}
    assert machine.patch(path, json={"user_id": "ada"}).json()["user_id"] == "ada"
    assert machine.patch(path, json={"user_id": "\u0430da"}).status_code == 400


def test_upload_updates_an_entry_with_an_odd_name(users: ApiUsers) -> None:
    job = users.machine("batch:upload")
    id_ = job.post("/timesheets/upload", json=NAMED).json()["id"]
    rename(users, id_, user_id="\u0430da")
    odd = {**NAMED, "user_id": "\u0430da"}
    assert job.post("/timesheets/upload", json=odd).status_code == 200
    assert job.post("/timesheets/upload", json={**odd, "hours": 2}).json()["hours"] == 2
    rows = [
        odd,
        {**odd, "external_id": "T-2"},
        {**odd, "external_id": None, "source": None},
        {**odd, "user_id": "a\u200dda", "external_id": "T-3"},
        {**NAMED, "external_id": "T-4", "user_id": "grace"},
    ]
    report = job.post("/timesheets/upload?mode=partial", json=rows).json()
    assert [
        row["errors"][0]["message"] if "errors" in row else row["status"] for row in report["rows"]
    ] == ["updated", CYRILLIC, CYRILLIC, ZERO_WIDTH_JOINER, "created"]
    response = job.post("/timesheets/upload", json={**NAMED, "user_id": "a\u200dda"})
    assert messages(response) == {"user_id": ZERO_WIDTH_JOINER}


def test_upload_of_many_odd_names_rejects_each(users: ApiUsers) -> None:
    job = users.machine("batch:upload")
    rows = [
        {**NAMED, "user_id": f"a\u200dda{n}", "external_id": f"T-{n}", "hours": 1}
        for n in range(1_500)
    ]
    report = job.post("/timesheets/upload?mode=partial", json=rows).json()
    assert (report["created"], report["rejected"]) == (0, 1_500)
    assert {row["errors"][0]["message"] for row in report["rows"]} == {ZERO_WIDTH_JOINER}
