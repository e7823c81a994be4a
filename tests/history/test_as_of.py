"""``?as_of=``: rows and lists as they were."""

from time import sleep
from typing import Any

import pytest

from tests.fixtures.library import assert_field_errors
from tests.fixtures.models import ModelApi
from tests.history.conftest import history


def at_last_change(api: ModelApi, path: str) -> str:
    """Return the time of a row's last change; later changes are later."""
    entry: dict[str, Any] = history(api, path)[-1]
    sleep(0.002)
    at: str = entry["at"]
    return at


def test_row_as_of_is_the_version_of_that_time(api: ModelApi) -> None:
    api.create("/tools", name="saw", price=1)
    first = at_last_change(api, "/tools/1")
    api.put("/tools/1", {"name": "axe"})
    second = at_last_change(api, "/tools/1")
    api.delete("/tools/1")
    assert api.get("/tools/1", params={"as_of": first}).json()["name"] == "saw"
    assert api.get("/tools/1", params={"as_of": second}).json()["name"] == "axe"
    third = at_last_change(api, "/tools/1")
    assert api.get("/tools/1", params={"as_of": third}).status_code == 404


def test_list_as_of_filters_sorts_counts_and_pages_the_rows_of_that_time(api: ModelApi) -> None:
    for number in range(1, 8):
        api.create("/tools", name=f"tool {number}", price=number)
    at = at_last_change(api, "/tools/7")
    api.put("/tools/1", {"name": "new", "price": 9})
    api.delete("/tools/7")
    query = {"as_of": at, "price__lte": 7, "sort": "-price", "count": 3, "fields": "id,price"}
    response = api.get("/tools", params=query)
    assert response.json() == [{"id": n, "price": n} for n in (7, 6, 5)]
    assert response.headers["content-range"] == "items 0-2/7"
    link = response.headers["link"].split(">")[0].removeprefix("<")
    assert [row["id"] for row in api.get(link).json()] == [4, 3, 2]
    assert len(api.get("/tools", params={"as_of": at, "q": "TOOL"}).json()) == 7


def test_hours_as_of_are_exact_and_filtered_to_the_second(api: ModelApi) -> None:
    api.create("/tools", name="saw", used=1 / 3)
    at = at_last_change(api, "/tools/1")
    api.put("/tools/1", {"used": 1201 / 3600})
    changes = history(api, "/tools/1")[-1]["changes"]
    assert changes["used"] == {"before": 0.3333, "after": 0.3336}
    for query in ({"used": 0.3333}, {"used__lt": 0.3336, "sort": "-used"}):
        rows = api.get("/tools", params={"as_of": at, "fields": "used", **query}).json()
        assert rows == [{"used": 0.3333}]
        assert api.get("/tools", params=query).json() == []


def test_excluded_columns_are_absent_and_cannot_be_filtered(api: ModelApi) -> None:
    api.create("/tools", name="saw", secret="s")
    at = at_last_change(api, "/tools/1")
    assert "secret" in api.get("/tools/1").json()
    assert "secret" not in api.get("/tools/1", params={"as_of": at}).json()
    assert "secret" not in history(api, "/tools/1")[0]["changes"]
    for query in ({"secret": "s"}, {"sort": "secret"}, {"not": "secret=s"}):
        assert_field_errors(api.get("/tools", params={"as_of": at, **query}), 400, "as_of")
    for path in ("/tools", "/tools/1"):
        response = api.get(path, params={"as_of": at, "fields": "name,secret"})
        assert_field_errors(response, 400, "as_of")


def test_excluded_columns_of_related_rows_are_absent_and_cannot_be_filtered(api: ModelApi) -> None:
    api.create("/makers", name="acme")
    api.create("/tools", name="saw", secret="s", maker_id=1)
    at = at_last_change(api, "/tools/1")
    for path in ("/makers/1", "/makers"):
        read = api.read(path, as_of=at)
        (tool,) = (read if isinstance(read, dict) else read[0])["tools"]
        assert tool["name"] == "saw"
        assert "secret" not in tool
    assert len(api.read("/makers", **{"tools.secret": "s"})) == 1
    for name in ("tools.secret", "tools.secret__ne", "tools.secret__null"):
        value = "true" if name.endswith("null") else "t"
        response = api.get("/makers", params={"as_of": at, name: value, "fields": "id"})
        assert response.status_code == 400, response.text


def test_embedded_rows_are_those_of_the_same_time(api: ModelApi) -> None:
    api.create("/makers", name="acme")
    api.create("/tools", name="saw", maker_id=1)
    at = at_last_change(api, "/tools/1")
    api.put("/tools/1", {"name": "axe"})
    api.delete("/makers/1")
    row = api.get("/makers/1", params={"as_of": at}).json()
    assert [tool["name"] for tool in row["tools"]] == ["saw"]
    rows = api.get("/makers", params={"as_of": at, "tools.name": "saw"}).json()
    assert [row["name"] for row in rows] == ["acme"]


@pytest.mark.parametrize(
    "text", ["yesterday", "2026-01-01", "2026-01-01T00:00:00", "9999-01-01T00:00:00Z"]
)
def test_invalid_times_are_refused(api: ModelApi, text: str) -> None:
    assert_field_errors(api.get("/tools", params={"as_of": text}), 400, "as_of")
    assert_field_errors(api.get("/tools/1", params={"as_of": text}), 400, "as_of")


def test_time_before_the_history_is_unknown(api: ModelApi) -> None:
    api.create("/tools", name="saw")
    query = {"as_of": "2020-01-01T00:00:00Z"}
    for path in ("/tools", "/tools/1"):
        response = api.get(path, params=query)
        assert response.status_code == 410
        assert response.json()["type"] == "urn:problem-type:history-unavailable"
        assert "unknown before" in response.json()["detail"]


def test_as_of_is_unknown_where_there_is_no_history_and_refused_where_rows_are_written(
    api: ModelApi,
) -> None:
    api.create("/tools", name="saw")
    at = at_last_change(api, "/tools/1")
    assert_field_errors(api.get("/plains", params={"as_of": at}), 400, "as_of")
    assert_field_errors(api.delete(f"/tools/1?as_of={at}"), 400, "as_of")


def test_past_rows_have_entity_tags_of_their_own_versions(api: ModelApi) -> None:
    api.create("/makers", name="one")
    at = at_last_change(api, "/makers/1")
    tag = api.get("/makers/1", params={"as_of": at}).headers["etag"]
    assert api.get("/makers/1").headers["etag"] == tag
    api.put("/makers/1", {"name": "two"})
    assert api.get("/makers/1").headers["etag"] != tag
    headers = {"If-None-Match": tag}
    for path in ("/makers/1", "/makers"):
        tag = api.get(path, params={"as_of": at}).headers["etag"]
        headers = {"If-None-Match": tag}
        assert api.get(path, params={"as_of": at}, headers=headers).status_code == 304
        assert api.get(path, headers=headers).status_code == 200
