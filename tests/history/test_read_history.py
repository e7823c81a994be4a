"""``GET /tools/1/history``: who changed a row, when, and what."""

import pytest

from tests.fixtures.library import assert_field_errors
from tests.fixtures.models import ModelApi
from tests.history.conftest import history


def test_history_shows_each_change_with_its_author(api: ModelApi) -> None:
    api.create("/tools", name="saw", price=7.5)
    api.put("/tools/1", {"name": "axe"})
    created, updated = history(api, "/tools/1")
    assert created["operation"] == "create"
    assert created["changes"]["name"] == {"before": None, "after": "saw"}
    assert created["changes"]["price"] == {"before": None, "after": 7.5}
    assert updated["operation"] == "update"
    assert updated["changes"]["name"] == {"before": "saw", "after": "axe"}
    assert updated["changes"].keys() <= {"name", "updatedAt"}
    assert updated["subject"] == "tester"
    assert updated["requestId"]
    assert updated["requestId"] != created["requestId"]
    assert updated["sequence"] > created["sequence"]
    assert updated["at"] >= created["at"]


def test_history_of_a_deleted_row_ends_with_its_last_state(api: ModelApi) -> None:
    api.create("/tools", name="saw")
    api.delete("/tools/1")
    _, deleted = history(api, "/tools/1")
    assert deleted["operation"] == "delete"
    assert deleted["changes"]["name"] == {"before": "saw", "after": None}
    assert api.get("/tools/1").status_code == 404
    assert api.get("/tools/2/history").status_code == 404


@pytest.mark.parametrize("text", ["", "-1", "1.0", "٣", "9" * 19, "9" * 5_000])
def test_invalid_positions_are_refused(api: ModelApi, text: str) -> None:
    api.create("/tools", name="saw")
    response = api.get("/tools/1/history", params={"before": text})
    assert_field_errors(response, 400, "before")
