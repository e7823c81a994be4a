"""``prune history``: entries older than the retention are deleted, later states stay readable."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from encore import History, SearchOptions
from encore.errors import StartupError
from encore.history.pruning import Pruned, prune, prune_histories
from tests.fixtures.history_models import HistoryBase, Maker, Note, Tool
from tests.fixtures.models import ModelApi, Serve
from tests.history.conftest import history

RETENTION = timedelta(days=10)


@pytest.fixture
def kept(serve: Serve) -> ModelApi:
    api = serve(HistoryBase.metadata)
    api.crud.resource(Maker, history=History(RETENTION))
    api.crud.resource(Note, history=True, search=SearchOptions(attributes=["text"]))
    return api


def age(api: ModelApi, sequence: int, days: float) -> str:
    """Make an entry older; return its time."""
    at = (datetime.now(UTC) - timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    table = "makers_history"
    api.sql(f"UPDATE {table} SET history_recorded_at = '{at}' WHERE history_sequence = {sequence}")
    return at


def run(api: ModelApi, **options: Any) -> Pruned:
    (made,) = [h for h in api.crud.histories if h.retention is not None]
    return api.run(prune(api.database, made, **options))


def test_versions_that_were_superseded_before_the_horizon_are_deleted(kept: ModelApi) -> None:
    api = kept
    api.sql(f"UPDATE makers_history SET history_recorded_at = '{long_ago()}'")
    api.create("/makers", name="one")
    api.put("/makers/1", {"name": "two"})
    api.put("/makers/1", {"name": "three"})
    first, second, third = (entry["sequence"] for entry in history(api, "/makers/1"))
    age(api, first, 40)
    age(api, second, 30)
    inside = age(api, third, 5)
    before_third = (datetime.now(UTC) - timedelta(days=7)).isoformat()
    assert api.get("/makers/1", params={"as_of": before_third}).json()["name"] == "two"
    assert run(api, dry_run=True).entries == 1
    assert run(api).entries == 1
    assert run(api).entries == 0
    assert [entry["sequence"] for entry in history(api, "/makers/1")] == [second, third]
    oldest = history(api, "/makers/1")[0]
    assert oldest["changes"]["name"] == {"after": "two"}
    for at, name in ((before_third, "two"), (inside, "three")):
        assert [row["name"] for row in api.read("/makers", as_of=at)] == [name]
        assert api.get("/makers/1", params={"as_of": at}).json()["name"] == name
    beyond = (datetime.now(UTC) - timedelta(days=20)).isoformat()
    assert api.get("/makers/1", params={"as_of": beyond}).status_code == 410


def test_rows_that_were_deleted_before_the_horizon_are_forgotten(kept: ModelApi) -> None:
    api = kept
    api.create("/makers", name="gone")
    api.create("/makers", name="kept")
    api.delete("/makers/1")
    for entry in history(api, "/makers/1"):
        age(api, entry["sequence"], 20)
    assert run(api).entries == 2
    assert api.get("/makers/1/history").status_code == 404
    assert len(history(api, "/makers/2")) == 1


def test_deleted_entries_are_unknown_whatever_the_retention_is_now(serve: Serve) -> None:
    api = serve(HistoryBase.metadata)
    api.crud.resource(Maker, history=True)
    api.sql(f"UPDATE makers_history SET history_recorded_at = '{long_ago()}'")
    mark = (datetime.now(UTC) - timedelta(days=10)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    api.sql(
        "INSERT INTO makers_history (history_operation, history_recorded_at, history_exists)"
        f" VALUES ('expired', '{mark}', false)"
    )
    beyond = (datetime.now(UTC) - timedelta(days=20)).isoformat()
    response = api.get("/makers", params={"as_of": beyond})
    assert response.status_code == 410
    assert "deleted" in response.json()["detail"]
    within = (datetime.now(UTC) - timedelta(days=5)).isoformat()
    assert api.read("/makers", as_of=within) == []


def test_other_histories_are_not_pruned(kept: ModelApi) -> None:
    api = kept
    api.create("/notes", language="en", number=1, text="one")
    api.put("/notes/en/1", {"text": "two"})
    api.sql(f"UPDATE notes_history SET history_recorded_at = '{long_ago()}'")
    run(api)
    assert len(history(api, "/notes/en/1")) == 2


def test_pruning_without_a_retention_is_refused(serve: Serve) -> None:
    api = serve(HistoryBase.metadata)
    api.crud.resource(Tool, history=True)
    with pytest.raises(StartupError, match="no resource has a history with a retention"):
        prune_histories(api.database, api.crud.histories, dry_run=False)


def long_ago() -> str:
    return (datetime.now(UTC) - timedelta(days=100)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
