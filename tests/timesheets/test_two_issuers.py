"""Timesheets with two trusted issuers, both hostile: neither reaches the other's people."""

import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import MetaData

from encore.migrations.upgrade import upgrade_database
from migrations import FOLDER
from tests.fixtures.in_process import postgres_with
from tests.fixtures.system import START_SECONDS, environment_of
from tests.fixtures.tokens import LocalIssuer, Signer
from tests.fixtures.workers import DATABASES, free_port
from tests.timesheets.conftest import DATED, SCOPES, read

pytestmark = pytest.mark.processes

HOME, PARTNER = "home", "partner"
SCOPE = [*SCOPES.split(), "batch:upload"]
JOB = {"sub": "job", "cid": "job"}


@dataclass
class TwoIssuers:
    """A running service, and the issuers that it trusts with their keys."""

    url: str = ""
    issuers: dict[str, LocalIssuer] = field(default_factory=dict)
    signers: dict[str, Signer] = field(default_factory=dict)
    opened: list[httpx.Client] = field(default_factory=list)

    def token(self, issuer: str, *, signer: str = "", header: Any = None, **claims: Any) -> str:
        """Return a token of an issuer, perhaps signed with the other's key."""
        now = int(time.time())
        values = {"iss": self.issuers[issuer].issuer, "iat": now - 10, "exp": now + 3600}
        values |= {"cid": "web", "scp": SCOPE} | claims
        return self.signers[signer or issuer].token(header, **values).decode()

    def caller(self, issuer: str, **token: Any) -> httpx.Client:
        """Return an HTTP client with such a token."""
        headers = {"Authorization": f"Bearer {self.token(issuer, **token)}"}
        client = httpx.Client(base_url=self.url, headers=headers, timeout=30)
        self.opened.append(client)
        return client


@pytest.fixture(scope="module", params=DATABASES)
def two(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TwoIssuers]:
    directory = tmp_path_factory.mktemp("two-issuers")
    two = TwoIssuers()
    with ExitStack() as stack:
        for name in (HOME, PARTNER):
            issuer = stack.enter_context(closing(LocalIssuer()))
            two.issuers[name], two.signers[name] = issuer, Signer(f"key-of-{name}")
            issuer.discovery()
            issuer.keys(two.signers[name].jwk)
        database = f"sqlite:///{directory / 'two.sqlite'}"
        if request.param == "postgresql":
            server = request.getfixturevalue("postgres_url")
            database = stack.enter_context(postgres_with(MetaData(), server))
        upgrade_database(database, FOLDER)
        port = free_port()
        two.url = f"http://127.0.0.1:{port}"
        process = _serve(
            directory,
            ISSUER=two.issuers[HOME].issuer,
            TRUSTED_ISSUERS_FILE=_issuers_file(directory, two.issuers[PARTNER].issuer),
            DATABASE_URL=database,
            SERVER_PORT=str(port),
            REQUIRE_SEEN_VERSION="false",
        )
        stack.callback(process.wait, 10)
        stack.callback(process.terminate)
        _wait_until_ready(two.url, process)
        yield two
        for client in two.opened:
            client.close()


def _issuers_file(directory: Path, issuer: str) -> str:
    file = directory / "issuers.toml"
    file.write_text(
        f'[partner]\nissuer = "{issuer}"\naudience = "api://default"\nuser_prefix = "partner:"\n'
    )
    return str(file)


def _serve(directory: Path, **settings: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "api"],
        cwd=directory,
        env=environment_of(LOG_LEVEL="warning", **settings),
    )


def _wait_until_ready(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            if httpx.get(f"{url}/readyz").status_code == 200:
                return
        except httpx.TransportError:
            pass
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            pytest.fail("the service did not start")
        time.sleep(0.05)


def create(client: httpx.Client, **values: Any) -> dict[str, Any]:
    response = client.post("/timesheets", json=DATED | {"hours": 0.5} | values)
    assert response.status_code == 201, response.text
    entry: dict[str, Any] = response.json()
    return entry


def test_names_of_the_second_issuers_people_have_its_prefix(two: TwoIssuers) -> None:
    for issuer, name in ((HOME, "ada"), (PARTNER, "partner:ada")):
        entry = create(two.caller(issuer, sub="ada"), user_id="someone else")
        assert (entry["user_id"], entry["created_by"]) == (name, name)


@pytest.mark.parametrize(("owner", "other"), [(HOME, PARTNER), (PARTNER, HOME)])
def test_same_subject_of_another_issuer_reaches_no_entry(
    two: TwoIssuers, owner: str, other: str
) -> None:
    entry = create(two.caller(owner, sub="ada"))
    path, thief = f"/timesheets/{entry['id']}", two.caller(other, sub="ada")
    create(thief)
    assert entry["id"] not in [row["id"] for row in read(thief, "/timesheets", count=1000)]
    change = {name: entry[name] for name in ("date", "project")} | {"hours": 2}
    for response in (
        thief.get(path),
        thief.put(path, json=change),
        thief.delete(path),
        thief.get(f"{path}/history"),
    ):
        assert response.status_code == 404, response.text
    assert read(two.caller(owner, sub="ada"), path)["hours"] == 0.5


def test_four_eyes_are_of_two_people_not_of_two_names(two: TwoIssuers) -> None:
    entry = create(two.caller(HOME, sub="ada"))
    path = f"/approvals/{entry['id']}"
    assert two.caller(HOME, sub="ada").put(path, json={"version": 1}).status_code == 403
    assert two.caller(HOME, sub="ADA").put(path, json={"version": 1}).status_code == 403
    assert two.caller(HOME, sub="grace").put(path, json={"version": 1}).status_code == 200


@pytest.mark.parametrize(
    ("issuer", "token", "status"),
    [
        (HOME, {"sub": "partner:ada"}, 403),
        (HOME, {"sub": "PARTNER:ada"}, 403),
        (HOME, {"sub": ...}, 403),
        (HOME, {"sub": ""}, 403),
        (PARTNER, {"sub": ..., "cid": ...}, 403),
        (HOME, {"sub": "ada", "signer": PARTNER}, 401),
        (PARTNER, {"sub": "ada", "signer": HOME}, 401),
        (HOME, {"sub": "ada", "signer": PARTNER, "header": {"kid": "key-of-home"}}, 401),
        (PARTNER, {"sub": "ada", "iss": "https://elsewhere.example"}, 401),
        (PARTNER, {"sub": "ada", "aud": "api://other"}, 401),
        (PARTNER, {"sub": ["ada"]}, 401),
        (HOME, {"sub": "ada", "exp": 4_102_444_800_000}, 401),
        (HOME, {"sub": "\u0430da"}, 403),
        (HOME, {"sub": "a\u200dda"}, 403),
        (HOME, {"sub": "ada\u0000"}, 403),
        (HOME, {"sub": "x" * 101}, 403),
        (PARTNER, {"sub": "ada"}, 200),
        (HOME, {"sub": ..., "gty": "client-credentials"}, 200),
    ],
    ids=str,
)
def test_token_is_answered_by_who_it_identifies(
    two: TwoIssuers, issuer: str, token: Mapping[str, Any], status: int
) -> None:
    response = two.caller(issuer, **token).get("/timesheets")
    assert response.status_code == status, response.text


def test_same_client_id_of_two_issuers_has_two_names_and_two_sets_of_keys(
    two: TwoIssuers,
) -> None:
    row = DATED | {"source": "toggl", "external_id": "1", "hours": 0.25, "date": "2018-05-10"}
    people = {HOME: "ida", PARTNER: "partner:ida"}
    statuses = []
    for issuer in (HOME, PARTNER):
        job = two.caller(issuer, **JOB)
        for _ in range(2):
            headers = {"Idempotency-Key": "one-key"}
            body = row | {"user_id": people[issuer]}
            response = job.post("/timesheets/upload", json=[body], headers=headers)
            assert response.status_code in (200, 201), response.text
            statuses.append(response.headers.get("idempotency-replayed"))
    assert statuses == [None, "true", None, "true"]
    created = {
        row["created_by"]: row["user_id"]
        for row in read(two.caller(HOME, **JOB), "/timesheets", external_id="1")
    }
    assert created["job"] == "ida"


def test_client_of_the_second_issuer_reaches_its_own_people_only(two: TwoIssuers) -> None:
    home = create(two.caller(HOME, sub="eve"))
    own = create(two.caller(PARTNER, sub="eve"))
    job = two.caller(PARTNER, **JOB)
    seen = {row["id"]: row["user_id"] for row in read(job, "/timesheets", count=1000)}
    assert own["id"] in seen
    assert all(user.startswith("partner:") for user in seen.values())
    assert job.get(f"/timesheets/{home['id']}").status_code == 404
    assert job.delete(f"/timesheets/{home['id']}").status_code == 404
    for caller in (job, two.caller(PARTNER, sub="lead")):
        assert home["id"] not in [row["id"] for row in read(caller, "/approvals", count=1000)]
        assert caller.get(f"/approvals/{home['id']}").status_code == 404
        assert caller.put(f"/approvals/{home['id']}", json={}).status_code == 404
        assert caller.put("/approvals", json={"ids": [home["id"]]}).status_code == 404
        changed = [row["timesheet_id"] for row in read(caller, "/approvals/history", count=1000)]
        assert own["id"] in changed
        assert home["id"] not in changed
    response = job.post("/timesheets", json=DATED | {"user_id": "eve"})
    assert response.status_code == 400
    assert response.json()["errors"][0]["field"] == "user_id"
    response = job.post("/timesheets/upload", json=[DATED | {"user_id": "eve", "external_id": "9"}])
    assert response.json()["rejected"] == 1


@pytest.mark.parametrize("sub", ["job", "eve"])
def test_caller_of_the_second_issuer_cannot_lock_a_period(two: TwoIssuers, sub: str) -> None:
    caller = two.caller(PARTNER, sub=sub, cid="job")
    response = caller.post("/timesheets/locks", json={"before": "2000-01-01"})
    assert response.status_code == 403
    home = two.caller(HOME, sub=sub)
    assert home.post("/timesheets/locks", json={"before": None}).status_code == 201
    assert "partner:" not in {row["who"][:8] for row in read(caller, "/timesheets/locks")}


def test_entry_given_to_another_issuers_person_cannot_be_imported_again(two: TwoIssuers) -> None:
    partner, home = two.caller(PARTNER, **JOB), two.caller(HOME, **JOB)
    row = DATED | {"user_id": "partner:zoe", "hours": 1, "source": "s", "external_id": "moved"}
    (created,) = partner.post("/timesheets/upload", json=[row]).json()["rows"]
    path = f"/timesheets/{created['id']}"
    home.patch(path, json={"user_id": "zoe"}).raise_for_status()
    report = partner.post("/timesheets/upload", json=[row | {"hours": 2}]).json()
    (rejected,) = report["rows"]
    message = "external_id is of an entry that has been given to another issuer's user"
    assert rejected["errors"] == [{"field": "external_id", "message": message}]
    entry = read(home, path)
    assert (entry["user_id"], entry["hours"]) == ("zoe", 1)
