"""Natural keys of timesheets: who may write them, and whose they are."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from alembic import command

from encore.database.engine import with_connection
from tests.fixtures.databases import alembic_config
from tests.fixtures.problems import assert_problem
from tests.fixtures.tokens import LocalIssuer
from tests.fixtures.workers import DATABASES
from tests.timesheets.conftest import DATED, WEEKLY, create_entry, messages, read
from tests.timesheets.signed_api import SignedApi, empty_database, serve_signed

UPLOAD = "/timesheets/upload"
KEY: dict[str, Any] = {"source": "tempus", "external_id": "T-1"}
KEYED = {**DATED, **KEY}
OF_CLIENTS = "{} is read-only: only clients that call for themselves write it"
OF_CREATOR = "{} is read-only: only the client that created the entry writes it"
NDJSON = {"Content-Type": "application/x-ndjson"}
CSV = {"Content-Type": "text/csv"}


OLD_ENTRY = """
INSERT INTO timesheets (user_type, user_id, year, week, day, project, hours, status, approved,
    source, external_id, created_by, "createdAt", "updatedAt")
VALUES ('Employee', '007', 2016, 24, '2016-06-16', 'StoreZero', 4000, 'submitted', false,
    'tempus', 'T-1', 'job', '2017-05-11 00:00:00+00:00', '2017-05-11 00:00:00+00:00')
"""
"""An imported entry as the service stored it before keys had owners."""

pytestmark = pytest.mark.processes


@pytest.fixture(scope="module", params=DATABASES)
def served(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    module_issuer: LocalIssuer,
) -> Iterator[SignedApi]:
    with (
        empty_database(request, tmp_path_factory) as (directory, url),
        serve_signed(directory, url, module_issuer, LOG_LEVEL="warning") as api,
    ):
        yield api


@pytest.fixture
def api(served: SignedApi) -> SignedApi:
    served.delete_entries()
    return served


def report(client: httpx.Client, *rows: Any, **params: str) -> Any:
    """Upload rows as a JSON array in partial mode; return the report without ids."""
    response = client.post(UPLOAD, json=rows, params={"mode": "partial", **params})
    assert response.status_code == 200, response.text
    found = response.json()
    for row in found["rows"]:
        row.pop("id", None)
    return found


def statuses(found: Any) -> list[str]:
    return [row["status"] for row in found["rows"]]


@pytest.mark.parametrize("name", KEY)
@pytest.mark.parametrize("method", ["create", "update", "upload", "ndjson", "csv"])
def test_person_cannot_write_a_key(api: SignedApi, method: str, name: str) -> None:
    ada = api.person("ada")
    sent = {name: KEY[name]}
    if method == "create":
        response = ada.post("/timesheets", json={**DATED, **sent})
    elif method == "update":
        response = ada.put(f"/timesheets/{create_entry(ada)['id']}", json=sent)
    elif method == "upload":
        response = ada.post(UPLOAD, json={**DATED, **sent})
    elif method == "ndjson":
        response = ada.post(UPLOAD, content=json.dumps({**DATED, **sent}), headers=NDJSON)
    else:
        row = {"date": "2017-05-10", "project": "p", "hours": "5", **sent}
        content = f"{','.join(row)}\n{','.join(row.values())}\n"
        response = ada.post(UPLOAD, content=content, headers=CSV)
    assert response.status_code == 400
    errors = response.json()
    errors = errors["rows"][0]["errors"] if "rows" in errors else errors["errors"]
    assert errors == [{"field": name, "message": OF_CLIENTS.format(name)}]
    assert [row for row in api.rows() if row["source"] or row["external_id"]] == []


def test_persons_null_key_is_accepted(api: SignedApi) -> None:
    ada = api.person("ada")
    entry = create_entry(ada, source=None, external_id=None)
    del entry["message"]
    assert ada.put(f"/timesheets/{entry['id']}", json=entry).json() == entry
    assert statuses(report(ada, {**DATED, **dict.fromkeys(KEY)})) == ["created"]


def test_person_changes_other_fields_of_an_imported_entry(api: SignedApi) -> None:
    api.machine("job").post(UPLOAD, json={**KEYED, "user_id": "ada"})
    ada = api.person("ada")
    (entry,) = read(ada, "/timesheets")
    path = f"/timesheets/{entry['id']}"
    assert ada.put(path, json=entry).json() == entry
    changed = ada.put(path, json={**entry, "hours": 3}).json()
    assert (changed["hours"], changed["source"], changed["external_id"]) == (3, "tempus", "T-1")
    response = ada.put(path, json={**changed, "source": None, "external_id": "T-2"})
    assert_problem(response, 400, "validation-failed")
    assert messages(response) == {name: OF_CLIENTS.format(name) for name in KEY}


def test_persons_upload_never_matches_an_entry(api: SignedApi) -> None:
    ada = api.person("ada")
    for _ in range(2):
        assert statuses(report(ada, {**DATED, "hours": 1})) == ["created"]
    assert [row["hours"] for row in read(ada, "/timesheets")] == [1, 1]


def test_persons_key_is_ignored_if_the_request_is_lenient(api: SignedApi) -> None:
    api.machine("job").post(UPLOAD, json={**KEYED, "user_id": "ada"})
    ada, lenient = api.person("ada"), {"Prefer": "handling=lenient"}
    (entry,) = read(ada, "/timesheets")
    path = f"/timesheets/{entry['id']}"
    changed = ada.put(path, json={"external_id": "T-2", "hours": 2}, headers=lenient).json()
    assert (changed["hours"], changed["external_id"]) == (2, "T-1")
    row = {**DATED, **KEY, "hours": 1, "id": 424242}
    for target in ("/timesheets", UPLOAD):
        created = ada.post(target, json=row, headers=lenient)
        assert created.status_code == 201
        assert created.json()["external_id"] is None
        assert created.json()["id"] != 424242


def test_pending_key_of_another_client_does_not_delay_a_write(api: SignedApi) -> None:
    if api.database_url.startswith("sqlite"):
        pytest.skip("SQLite has one writer, whatever it writes")
    job = api.machine("job")

    def write_meanwhile(connection: sa.Connection) -> None:
        connection.execute(sa.text(OLD_ENTRY.replace("'job'", "'other'")))
        statuses = [job.post(UPLOAD, json=KEYED).status_code for _ in range(2)]
        connection.rollback()
        assert statuses == [201, 200]

    with_connection(api.database_url, write_meanwhile)


def test_client_writes_and_removes_the_key_of_its_entry(api: SignedApi) -> None:
    job = api.machine("job")
    path = f"/timesheets/{create_entry(job)['id']}"
    assert job.put(path, json=KEY).json()["external_id"] == "T-1"
    assert statuses(report(job, KEYED)) == ["unchanged"]
    assert job.put(path, json=dict.fromkeys(KEY)).json()["source"] is None
    assert statuses(report(job, {**KEYED, "hours": 1})) == ["created"]


def test_client_cannot_change_the_key_of_anothers_entry(api: SignedApi) -> None:
    api.machine("job").post(UPLOAD, json=KEYED)
    create_entry(api.person("ada"))
    other = api.machine("other")
    imported, persons = read(other, "/timesheets", sort="id")
    for entry in (imported, persons):
        path = f"/timesheets/{entry['id']}"
        response = other.put(path, json={"source": "mine", "external_id": "T-9"})
        assert messages(response) == {name: OF_CREATOR.format(name) for name in KEY}
        assert other.put(path, json={**entry, "hours": 2}).json()["hours"] == 2
    assert {row["source"] for row in api.rows()} == {"tempus", None}


def test_key_of_another_client_neither_blocks_nor_adopts(api: SignedApi) -> None:
    other, job = api.machine("other"), api.machine("job")
    create_entry(other, **KEY)
    assert statuses(report(job, {**KEYED, "hours": 2})) == ["created"]
    assert statuses(report(job, {**KEYED, "hours": 3})) == ["updated"]
    assert job.post("/timesheets", json={**KEYED, "external_id": "T-2"}).status_code == 201
    assert other.post(UPLOAD, json={**KEYED, "external_id": "T-2"}).status_code == 201
    stored = [(row["created_by"], row["external_id"]) for row in api.rows()]
    assert stored == [("other", "T-1"), ("job", "T-1"), ("job", "T-2"), ("other", "T-2")]
    assert [row["hours"] for row in api.rows()] == [5, 3, 5, 5]


def test_own_key_is_unique(api: SignedApi) -> None:
    job = api.machine("job")
    create_entry(job, **KEY)
    response = job.post("/timesheets", json=KEYED)
    assert_problem(response, 409, "conflict")
    assert messages(response) == {name: f"{name} must be unique" for name in KEY}
    second = create_entry(job, source="tempus", external_id="T-2")
    assert_problem(job.put(f"/timesheets/{second['id']}", json=KEY), 409, "conflict")


@pytest.mark.parametrize(
    "params", [{}, {"dry_run": "true"}, {"report": "rejected"}, {"mode": "atomic"}]
)
def test_report_does_not_show_whether_another_client_has_a_key(
    api: SignedApi, params: dict[str, str]
) -> None:
    other, job = api.machine("other"), api.machine("job", "batch:upload")
    create_entry(other, **KEY)
    rows = [{**DATED, "hours": hours, "source": "tempus"} for hours in (1, 2)]
    reports = [
        report(
            job, *({**row, "external_id": f"{first}{n}"} for n, row in enumerate(rows, 1)), **params
        )
        for first in ("free-", "T-")
    ]
    assert reports[0] == reports[1]


@pytest.mark.parametrize("path", ["/timesheets", UPLOAD])
def test_response_does_not_show_whether_another_client_has_a_key(api: SignedApi, path: str) -> None:
    create_entry(api.machine("other"), **KEY)
    job = api.machine("job", "create:timesheets", "batch:upload")
    found = []
    for external_id in ("free", "T-1"):
        response = job.post(path, json={**KEYED, "external_id": external_id, "hours": 1})
        entry = response.json()
        varying = [entry.pop(name) for name in ("id", "external_id", "createdAt", "updatedAt")]
        entry["message"] = entry["message"].replace(f" {varying[0]} ", " ")
        found.append((response.status_code, entry))
    assert found[0] == found[1]


def test_source_defaults_to_the_clients_name(api: SignedApi) -> None:
    row = {**DATED, "external_id": "T-1"}
    assert api.machine("job").post(UPLOAD, json=row).json()["source"] == "job"
    response = api.machine("j" * 101).post(UPLOAD, json=row)
    assert messages(response) == {
        "source": "source is required with external_id: the client's name exceeds 100 characters"
    }


@pytest.mark.parametrize("id_", [424242, "1", None])
def test_id_in_a_new_entry_is_rejected(api: SignedApi, id_: Any) -> None:
    for caller in (api.machine("job"), api.person("ada")):
        response = caller.post("/timesheets", json={**DATED, "id": id_})
        assert messages(response) == {"id": "id is read-only"}
        assert messages(caller.post(UPLOAD, json={**DATED, "id": id_})) == {"id": "id is read-only"}
    assert api.rows() == []


def test_next_id_in_a_new_entry_is_rejected(api: SignedApi) -> None:
    job = api.machine("job")
    id_ = create_entry(job)["id"]
    for next_ in range(id_ + 1, id_ + 4):
        response = job.post("/timesheets", json={**DATED, "id": next_})
        assert messages(response) == {"id": "id is read-only"}


def test_another_id_in_an_update_is_rejected(api: SignedApi) -> None:
    job = api.machine("job")
    id_ = create_entry(job)["id"]
    path = f"/timesheets/{id_}"
    assert job.put(path, json={"id": id_, "hours": 2}).json()["hours"] == 2
    assert messages(job.put(path, json={"id": id_ + 1})) == {"id": "id is read-only"}


def insert_old_entry(connection: sa.Connection) -> None:
    connection.execute(sa.text(OLD_ENTRY))
    connection.commit()


def test_existing_keys_are_migrated_to_their_creators(
    database_url: str, tmp_path_factory: pytest.TempPathFactory, module_issuer: LocalIssuer
) -> None:
    config = alembic_config(database_url)
    command.upgrade(config, "d45ec2e7de04")
    with_connection(database_url, insert_old_entry)
    directory = tmp_path_factory.mktemp("migrated")
    with serve_signed(directory, database_url, module_issuer, LOG_LEVEL="warning") as api:
        row = {**WEEKLY, **KEY}
        assert statuses(report(api.machine("job"), row)) == ["unchanged"]
        assert statuses(report(api.machine("other"), row)) == ["created"]
