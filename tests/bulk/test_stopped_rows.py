"""Rows of a bulk write whose action a hook ends by a response of its own."""

from typing import Any

import pytest

from encore import Context, Response, stop
from tests.fixtures.library import Api
from tests.fixtures.library_models import Tag

ROWS = {"Prefer": "return=representation"}


@pytest.fixture(params=[False, True])
def written(request: pytest.FixtureRequest) -> bool:
    """Return whether the row is written before the hook ends its action."""
    is_written: bool = request.param
    return is_written


@pytest.fixture
def tags(api: Api, *, written: bool) -> Api:
    """Return a service whose hooks answer for the row 1, and for new rows called ``new``."""
    resource = api.crud.resource(Tag, upsert=True)
    for label in "ab":
        api.create("/tags", label=label)

    def end(context: Context) -> Any:
        is_first = 1 in context.key or context.request_body.get("label") == "new"
        return stop(Response(202, [], b"later")) if is_first else None

    for action in (resource.create, resource.update, resource.delete):
        (action.send.before if written else action.write.before)(end)
    return api


def labels(api: Api) -> dict[int, str]:
    return {row["id"]: row["label"] for row in api.rows(Tag)}


@pytest.mark.parametrize("headers", [{}, ROWS])
def test_affected_rows_are_those_that_were_written(
    tags: Api, headers: dict[str, str], *, written: bool
) -> None:
    response = tags.request("PATCH", "/tags?id=1", json={"label": "c"}, headers=headers)
    assert (response.status_code, response.json()) == (200, {"affected": int(written)})
    assert labels(tags) == {1: "c" if written else "a", 2: "b"}
    assert "preference-applied" not in response.headers
    response = tags.delete("/tags?id__gte=0", headers=headers)
    assert (response.status_code, response.json()) == (200, {"affected": 1 + written})
    assert len(labels(tags)) == 1 - written


def test_array_with_a_row_that_has_no_representation_is_reported(
    tags: Api, *, written: bool
) -> None:
    changes = [{"id": 1, "label": "c"}, {"id": 2, "label": "d"}]
    response = tags.request("PATCH", "/tags", json=changes, headers=ROWS)
    expected = ["updated" if written else "unchanged", "updated"]
    assert [row["status"] for row in response.json()["rows"]] == expected
    assert "preference-applied" not in response.headers
    response = tags.post("/tags", [{"label": "new"}, {"label": "e"}], headers=ROWS)
    expected = ["created" if written else "unchanged", "created"]
    assert [row["status"] for row in response.json()["rows"]] == expected
    assert len(labels(tags)) == 3 + written
    merged = [{"id": 1, "label": "f"}, {"id": 2, "label": "g"}]
    response = tags.post("/tags?on_conflict=merge&on=id", merged, headers=ROWS)
    expected = ["updated" if written else "unchanged", "updated"]
    assert [row["status"] for row in response.json()["rows"]] == expected
