"""``APPROVERS_FILE``: approvers see and decide on the entries of their people only."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.resources.timesheets.approvers import read_approvers
from encore.settings import SettingsError
from tests.fixtures.problems import assert_problem
from tests.fixtures.tokens import LocalIssuer
from tests.fixtures.workers import DATABASES
from tests.timesheets.conftest import create_entry, decide, messages, read
from tests.timesheets.signed_api import SignedApi, empty_database, serve_signed

FILE = """
"grace" = ["ada", "bob"]
"lead" = ["x-*", "ada"]
"director" = ["*"]
"idle" = []
"desk" = ["carol"]
"""
REJECTION = {"status": "rejected", "reason": "no"}
DAY = {"date": "2017-05-10", "project": "StoreZero", "hours": 1}

pytestmark = pytest.mark.processes


@pytest.fixture(scope="module", params=DATABASES)
def served(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    module_issuer: LocalIssuer,
) -> Iterator[SignedApi]:
    """Return the service with approvers, where decisions need not name a version."""
    with empty_database(request, tmp_path_factory) as (directory, url):
        file = directory / "approvers.toml"
        file.write_text(FILE)
        settings = {"APPROVERS_FILE": str(file), "REQUIRE_SEEN_VERSION": "false"}
        with serve_signed(directory, url, module_issuer, LOG_LEVEL="warning", **settings) as api:
            yield api


@pytest.fixture
def api(served: SignedApi) -> SignedApi:
    """Return the service without timesheets."""
    served.delete_entries()
    return served


@pytest.fixture
def ids(api: SignedApi) -> dict[str, int]:
    """Return the id of an entry of each of four persons."""
    return {
        name: create_entry(api.person(name), DAY)["id"] for name in ("ada", "carol", "x-1", "X-2")
    }


SEEN = [
    ("grace", ["ada"]),
    ("lead", ["ada", "x-1"]),
    ("director", ["ada", "carol", "x-1", "X-2"]),
    ("idle", []),
    ("stranger", []),
    ("Grace", []),
]


def history_of(client: httpx.Client, ids: dict[str, int]) -> list[int]:
    changes = read(client, "/approvals/history", timesheet_id=list(ids.values()), sort="id")
    return [change["timesheet_id"] for change in changes]


@pytest.mark.parametrize(("approver", "people"), SEEN)
def test_approver_sees_the_entries_of_their_people(
    api: SignedApi, ids: dict[str, int], approver: str, people: list[str]
) -> None:
    client = api.person(approver)
    response = client.get("/approvals?sort=id")
    assert [row["user_id"] for row in response.json()] == people
    assert response.headers["content-range"].endswith(f"/{len(people)}")
    assert history_of(client, ids) == [ids[name] for name in people]
    (change,) = read(api.person("director"), "/approvals/history", timesheet_id=ids["carol"])
    for name, id_ in ids.items():
        expected = 200 if name in people else 404
        assert client.get(f"/approvals/{id_}").status_code == expected
        assert read(client, "/approvals", user_id=name) == read(client, "/approvals", id=id_)
    expected = 200 if "carol" in people else 404
    assert client.get(f"/approvals/history/{change['id']}").status_code == expected
    assert (
        read(client, "/approvals", sort="id", **{"or": "user_id=carol|id__gt=0"}) == response.json()
    )


def test_client_is_an_approver_by_its_id(api: SignedApi, ids: dict[str, int]) -> None:
    desk = api.machine("desk")
    assert [row["id"] for row in read(desk, "/approvals")] == [ids["carol"]]
    assert decide(desk, ids["ada"]).status_code == 404
    assert decide(desk, ids["carol"]).status_code == 200


@pytest.mark.parametrize("decision", [{}, REJECTION, {"version": 7}], ids=str)
def test_decision_on_another_persons_entry_is_as_on_a_missing_one(
    api: SignedApi, ids: dict[str, int], decision: dict[str, Any]
) -> None:
    grace = api.person("grace")
    for method in ("PUT", "PATCH"):
        hidden = grace.request(method, f"/approvals/{ids['carol']}", json=decision)
        missing = grace.request(method, "/approvals/2147483000", json=decision)
        assert_problem(hidden, 404, "not-found", missing.json()["detail"])
    many = grace.put("/approvals", json={"ids": [ids["ada"], ids["carol"], 2147483000]})
    assert_problem(many, 404, "not-found")
    assert messages(many) == {
        "ids[1]": f"There is no timesheet {ids['carol']}",
        "ids[2]": "There is no timesheet 2147483000",
    }
    assert {row["version"] for row in api.rows()} == {1}


def test_decisions_without_versions_are_made_where_they_are_not_required(
    api: SignedApi, ids: dict[str, int]
) -> None:
    director = api.person("director")
    assert director.put(f"/approvals/{ids['ada']}").json()["version"] == 2
    assert director.put("/approvals", json={"ids": [ids["carol"]]}).json()[0]["version"] == 2
    stale = director.put(f"/approvals/{ids['x-1']}", json={"version": 2})
    assert_problem(stale, 409, "conflict", f"Timesheet {ids['x-1']} has version 1, not 2")
    tag = director.put(f"/approvals/{ids['x-1']}", headers={"If-Match": '"2"'})
    assert_problem(tag, 412, "precondition-failed")
    schema = director.get("/openapi.json").json()["paths"]["/approvals"]["put"]["requestBody"]
    reference = schema["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
    described = director.get("/openapi.json").json()["components"]["schemas"][reference]
    assert {"entries", "ids"} < described["properties"].keys()
    assert "required" not in described


def test_history_of_a_deleted_entry_is_that_of_its_last_person(
    api: SignedApi, ids: dict[str, int]
) -> None:
    job, grace, lead = api.machine("job"), api.person("grace"), api.person("lead")
    job.patch(f"/timesheets/{ids['x-1']}", json={"user_id": "bob"}).raise_for_status()
    assert len(history_of(grace, {"": ids["x-1"]})) == 2
    assert history_of(lead, {"": ids["x-1"]}) == []
    job.delete(f"/timesheets/{ids['x-1']}").raise_for_status()
    job.delete(f"/timesheets/{ids['carol']}").raise_for_status()
    assert len(history_of(grace, {"": ids["x-1"]})) == 3
    assert history_of(lead, {"": ids["x-1"]}) == []
    assert history_of(grace, {"": ids["carol"]}) == []
    assert len(history_of(api.person("director"), {"": ids["carol"]})) == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('"grace" = "ada"', "grace must be an array of names"),
        ('"grace" = [1]', "grace must be an array of names"),
        ('[grace]\n"ada" = ["*"]', "grace must be an array of names"),
        ('"grace" = ["a*a"]', "grace[0] 'a*a': * must be at the end"),
        ('"grace" = ["ada", "**"]', "grace[1] '**': * must be at the end"),
        ('"grace" = ["ada", " "]', "grace[1] must not be empty"),
        ('"grace" = ["ada", "ada"]', "grace[1] 'ada' is named twice"),
        ('"" = ["ada"]', "the name of an approver must not be empty"),
        ('"*" = ["ada"]', "*: * must be in the names of people, not of an approver"),
        ('"gr*" = ["ada"]', "gr*: * must be in the names of people, not of an approver"),
        ('"grace " = ["ada"]', "'grace ' must not begin or end with a space"),
        ('"gr\u0430ce" = ["ada"]', "'gr\\u0430ce' must be in one script"),
        ('"grace" = ["a\\u0000da"]', "grace[0] must not contain a NUL character"),
        ('"grace" = [', "cannot be read"),
        (f'"grace" = {[str(n) for n in range(1001)]}', "grace has 1001 names; the most are 1000"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_invalid_file_is_rejected(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "approvers.toml"
    file.write_text(text)
    with pytest.raises(SettingsError) as raised:
        read_approvers(file)
    assert str(raised.value).startswith("APPROVERS_FILE: ")
    assert message in str(raised.value)
