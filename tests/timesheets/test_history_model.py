"""The history of a random sequence of calls equals a model's, and so does each response."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.fixtures.tokens import LocalIssuer
from tests.fixtures.workers import DATABASES
from tests.timesheets.conftest import read
from tests.timesheets.history_model import FIELDS, Entry
from tests.timesheets.signed_api import SignedApi, empty_database, serve_signed

pytestmark = pytest.mark.processes

PERSONS = ("ada", "bob")
CLIENT = "job"
CALLERS = (*PERSONS, CLIENT)
DECIDERS = (*CALLERS, "grace", "dan")
STEPS = 16
EXAMPLES = 15
MAX_CREATED = 3
"""Few entries, so that many calls are about each of them."""

HOURS = st.sampled_from(["0.01", "0.1", "0.25", "0.5", "0.125", "0.0003", "0.3333"])
DATES = st.sampled_from([f"2017-05-{day:02}T0{day}:00:00.{day:03}Z" for day in range(1, 8)])
PROJECTS = st.sampled_from(["StoreZero", "Zürich", 'a "quoted" \\ one'])
KEYS = st.sampled_from(["T-1", "T-2", "T-3"])


@pytest.fixture(scope="module", params=DATABASES)
def api(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    module_issuer: LocalIssuer,
) -> Iterator[SignedApi]:
    with (
        empty_database(request, tmp_path_factory) as (directory, url),
        serve_signed(directory, url, module_issuer, LOG_LEVEL="warning") as served,
    ):
        yield served


class Calls:
    """Makes random calls of the service, and the same changes of the model.

    Args:
        clients: HTTP clients by name.
        data: Draws the calls.
    """

    def __init__(self, clients: dict[str, httpx.Client], data: st.DataObject) -> None:
        self._clients = clients
        self._data = data
        self.entries: dict[int, Entry] = {}
        self._by_key: dict[str, int] = {}

    def make(self) -> None:
        """Make one call, chosen at random."""
        calls = [self.upload]
        if len(self.entries) < MAX_CREATED:
            calls.append(self.create)
        if self.entries:
            calls += [self.update] * 3 + [self.decide] * 3 + [self.decide_many, self.delete]
        self._data.draw(st.sampled_from(calls))()

    def create(self) -> None:
        who = self._draw(CALLERS)
        values = self._values(who)
        response = self._clients[who].post("/timesheets", json=as_body(values))
        assert response.status_code == 201, response.text
        self._add(response.json()["id"], who, "create", {**EMPTY, **values})

    def update(self) -> None:
        id_, who = self._draw(sorted(self.entries)), self._draw(CALLERS)
        entry, change = self.entries[id_], self._change(who)
        response = self._clients[who].patch(f"/timesheets/{id_}", json=as_body(change))
        hidden = who != CLIENT and entry.values["user_id"] != who
        expected = 404 if hidden or entry.status == "deleted" else 200
        if expected == 200 and entry.status == "approved":
            expected = 409
        assert response.status_code == expected, response.text
        if expected == 200:
            entry.change(who, "update", change)
            assert response.json()["version"] == entry.version

    def delete(self) -> None:
        id_, who = self._draw(sorted(self.entries)), self._draw(CALLERS)
        entry = self.entries[id_]
        hidden = who != CLIENT and entry.values["user_id"] != who
        expected = 404 if hidden or entry.status == "deleted" else 200
        if expected == 200 and entry.status == "approved":
            expected = 409
        response = self._clients[who].delete(f"/timesheets/{id_}")
        assert response.status_code == expected, response.text
        if expected == 200:
            entry.delete(who)
            self._by_key.pop(entry.values["external_id"], None)

    def upload(self) -> None:
        keys = self._data.draw(st.lists(KEYS, min_size=1, max_size=3, unique=True))
        rows = [{**self._values(CLIENT), "external_id": key} for key in keys]
        body = [as_body(row) for row in rows]
        response = self._clients[CLIENT].post("/timesheets/upload?mode=partial", json=body)
        assert response.status_code == 200, response.text
        for row, result in zip(rows, response.json()["rows"], strict=True):
            key = row["external_id"]
            if key not in self._by_key:
                assert result["status"] == "created"
                new = {**EMPTY, **row, "source": CLIENT}
                self._by_key[key] = result["id"]
                self._add(result["id"], CLIENT, "upload", new)
                continue
            entry = self.entries[self._by_key[key]]
            before = entry.values, entry.version
            if entry.status == "approved":
                differs = Entry(dict(entry.values), "", "submitted").change("", "upload", row)
                assert result["status"] == ("rejected" if differs else "unchanged")
                assert (entry.values, entry.version) == before
            else:
                changed = entry.change(CLIENT, "upload", row)
                assert result["status"] == ("updated" if changed else "unchanged")

    def decide(self) -> None:
        id_, who = self._draw(sorted(self.entries)), self._draw(DECIDERS)
        version, (to, body) = self._version(id_), self._decision()
        expected = self.entries[id_].decision_status(who, version)
        path = f"/approvals/{id_}"
        if self._data.draw(st.booleans()):
            headers = {"If-Match": f'"{version}"'}
            response = self._clients[who].put(path, json=body, headers=headers)
            stale = version != self.entries[id_].version
            expected = 412 if expected == 409 and stale else expected
        else:
            response = self._clients[who].put(path, json={"version": version, **body})
        assert response.status_code == expected, response.text
        if expected == 200:
            self.entries[id_].decide(who, to, body.get("reason"))

    def decide_many(self) -> None:
        who, (to, body) = self._draw(DECIDERS), self._decision()
        chosen = st.lists(st.sampled_from(sorted(self.entries)), min_size=1, unique=True)
        versions = {id_: self._version(id_) for id_ in self._data.draw(chosen)}
        found = {
            self.entries[id_].decision_status(who, version) for id_, version in versions.items()
        }
        expected = next(status for status in (404, 403, 409, 200) if status in found)
        entries = [{"id": id_, "version": version} for id_, version in versions.items()]
        response = self._clients[who].put("/approvals", json={"entries": entries, **body})
        assert response.status_code == expected, response.text
        if expected == 200:
            for id_ in versions:
                self.entries[id_].decide(who, to, body.get("reason"))

    def _add(self, id_: int, who: str, operation: str, values: dict[str, Any]) -> None:
        self.entries[id_] = entry = Entry(dict(EMPTY), who)
        entry.change(who, operation, values)

    def _draw(self, choices: Any) -> Any:
        return self._data.draw(st.sampled_from(choices))

    def _version(self, id_: int) -> int:
        """Return the version of an entry, or sometimes another."""
        offset: int = self._draw((0, 0, 0, 0, -1, 1))
        return max(1, self.entries[id_].version + offset)

    def _decision(self) -> tuple[str, dict[str, Any]]:
        if self._draw((True, False, False)):
            return "approved", {}
        return "rejected", {"status": "rejected", "reason": "no"}

    def _values(self, who: str) -> dict[str, Any]:
        values = {"user_id": self._draw(PERSONS) if who == CLIENT else who}
        if self._data.draw(st.booleans()):
            values["user_type"] = self._draw(("Employee", "Contractor"))
        return {**values, **{name: self._data.draw(drawn) for name, drawn in DRAWN.items()}}

    def _change(self, who: str) -> dict[str, Any]:
        values = self._values(who)
        names = self._data.draw(st.sets(st.sampled_from(sorted(values))))
        return {name: values[name] for name in names}


DRAWN = {"date": DATES, "project": PROJECTS, "hours": HOURS}
EMPTY: dict[str, Any] = {**dict.fromkeys(FIELDS), "user_type": "Employee"}


def as_body(values: dict[str, Any]) -> dict[str, Any]:
    """Return values as a request has them: hours are a number."""
    return {name: float(v) if name == "hours" else v for name, v in values.items()}


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(data=st.data())
def test_history_of_random_calls_equals_the_models(api: SignedApi, data: st.DataObject) -> None:
    api.delete_entries()
    persons = [name for name in DECIDERS if name != CLIENT]
    clients = {name: api.person(name) for name in persons} | {CLIENT: api.machine(CLIENT)}
    calls = Calls(clients, data)
    for _ in range(STEPS):
        calls.make()
    ids = list(calls.entries)
    stored = read(clients["grace"], "/approvals/history", timesheet_id=ids, sort="id", count=1000)
    names = ("operation", "who", "from", "to", "before", "after", "reason", "version")
    for id_, entry in calls.entries.items():
        changes = [item for item in stored if item["timesheet_id"] == id_]
        assert [{name: item[name] for name in names} for item in changes] == entry.history
        assert {item["subject"] for item in changes} == {item["who"] for item in changes}
    versions = {row["id"]: (row["version"], row["status"]) for row in api.rows()}
    assert versions == {
        id_: (entry.version, entry.status)
        for id_, entry in calls.entries.items()
        if entry.status != "deleted"
    }
