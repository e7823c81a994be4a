"""react-admin's data providers, unmodified from npm, against the parts of the shipped service."""

from typing import Any, Final

import pytest

from encore.query.page_parameters import DEFAULT_COUNT
from tests.fixtures.system import System
from tests.front_ends.front_end import DataProvider, DataProviderError, NodeClients
from tests.parts.conftest import empty

pytestmark = pytest.mark.processes

SIMPLE_REST: Final = "ra-data-simple-rest"
JSON_SERVER: Final = "ra-data-json-server"
FIRST_PAGE: Final = {"page": 1, "perPage": 2}
BY_NAME: Final = {"field": "name", "order": "ASC"}


@pytest.fixture(params=[SIMPLE_REST, JSON_SERVER])
def admin(request: pytest.FixtureRequest, clients: NodeClients, system: System) -> DataProvider:
    """Return each of react-admin's data providers, for a service without parts."""
    empty(system.client)
    return DataProvider(clients, request.param, system.url, system.token())


def create(admin: DataProvider, **data: Any) -> dict[str, Any]:
    row: dict[str, Any] = admin.call("create", "parts", {"data": data})["data"]
    return row


def names(result: dict[str, Any]) -> list[str]:
    return [row["name"] for row in result["data"]]


def test_create_returns_the_row_with_its_id(admin: DataProvider, system: System) -> None:
    row = create(admin, name="bolt", partNumber="b-1")
    assert system.client.get(f"/parts/{row['id']}").json() == row


def test_get_list_pages_sorts_and_counts(admin: DataProvider) -> None:
    for name in ("c", "a", "d", "b", "e"):
        create(admin, name=name)
    params = {"pagination": {"page": 2, "perPage": 2}, "sort": BY_NAME, "filter": {}}
    result = admin.call("getList", "parts", params)
    assert (names(result), result["total"]) == (["c", "d"], 5)
    params = {**params, "sort": {"field": "name", "order": "DESC"}, "pagination": FIRST_PAGE}
    assert names(admin.call("getList", "parts", params)) == ["e", "d"]


@pytest.mark.parametrize(
    ("filter_", "found"),
    [
        ({"name": "nut"}, ["nut"]),
        ({"name": ["nut", "bolt"]}, ["bolt", "nut"]),
        ({"q": "OL"}, ["bolt"]),
        ({"name_gte": "nut"}, ["nut", "rivet"]),
        ({"name_gte": "c", "name_lte": "nut"}, ["nut"]),
        ({"name": "null"}, []),
        ({}, ["bolt", "nut", "rivet"]),
    ],
)
def test_get_list_filters(admin: DataProvider, filter_: dict[str, Any], found: list[str]) -> None:
    for name in ("nut", "bolt", "rivet"):
        create(admin, name=name)
    params = {"pagination": {"page": 1, "perPage": 10}, "sort": BY_NAME, "filter": filter_}
    result = admin.call("getList", "parts", params)
    assert (names(result), result["total"]) == (found, len(found))


def test_get_list_of_no_rows_has_total_0(admin: DataProvider) -> None:
    params = {"pagination": FIRST_PAGE, "sort": BY_NAME, "filter": {}}
    assert admin.call("getList", "parts", params) == {"data": [], "total": 0}


def test_get_list_after_the_last_page_keeps_the_total(admin: DataProvider) -> None:
    create(admin, name="bolt")
    params = {"pagination": {"page": 9, "perPage": 2}, "sort": BY_NAME, "filter": {}}
    assert admin.call("getList", "parts", params) == {"data": [], "total": 1}


def test_get_one_returns_the_row(admin: DataProvider) -> None:
    row = create(admin, name="bolt")
    assert admin.call("getOne", "parts", {"id": row["id"]}) == {"data": row}


def test_get_many_returns_every_row_beyond_a_usual_page(
    admin: DataProvider, system: System
) -> None:
    rows = [{"name": f"part {number}"} for number in range(DEFAULT_COUNT + 1)]
    assert system.client.post("/parts", json=rows).status_code == 200
    listed = system.client.get("/parts", params={"count": 200, "fields": "id"}).json()
    ids = [row["id"] for row in listed]
    assert len(ids) == len(rows)
    result = admin.call("getMany", "parts", {"ids": ids})
    assert [row["id"] for row in result["data"]] == ids


def test_get_many_reference_returns_the_rows_of_a_target(admin: DataProvider) -> None:
    for name, model in (("a", "x"), ("b", "y"), ("c", "x")):
        create(admin, name=name, modelNumber=model)
    reference = {"target": "modelNumber", "id": "x", "pagination": FIRST_PAGE, "sort": BY_NAME}
    result = admin.call("getManyReference", "parts", {**reference, "filter": {}})
    assert (names(result), result["total"]) == (["a", "c"], 2)
    result = admin.call("getManyReference", "parts", {**reference, "filter": {"name": "c"}})
    assert (names(result), result["total"]) == (["c"], 1)


def test_update_accepts_the_whole_record_and_merges(admin: DataProvider) -> None:
    row = create(admin, name="bolt", partNumber="b-1")
    params = {"id": row["id"], "data": {**row, "name": "nut"}, "previousData": row}
    updated = admin.call("update", "parts", params)["data"]
    assert updated == {**row, "name": "nut", "updatedAt": updated["updatedAt"]}
    params = {"id": row["id"], "data": {"description": "steel"}, "previousData": updated}
    merged = admin.call("update", "parts", params)["data"]
    assert (merged["name"], merged["description"]) == ("nut", "steel")


def test_update_many_changes_every_row(admin: DataProvider) -> None:
    ids = [create(admin, name=name)["id"] for name in ("a", "b", "c")]
    data = {"description": "steel"}
    assert admin.call("updateMany", "parts", {"ids": ids, "data": data}) == {"data": ids}
    rows = admin.call("getMany", "parts", {"ids": ids})["data"]
    assert [row["description"] for row in rows] == ["steel"] * 3


def test_delete_returns_the_row(admin: DataProvider) -> None:
    row = create(admin, name="bolt")
    params = {"id": row["id"], "previousData": row}
    assert admin.call("delete", "parts", params) == {"data": row}
    with pytest.raises(DataProviderError) as raised:
        admin.call("getOne", "parts", {"id": row["id"]})
    assert raised.value.status == 404


def test_delete_many_returns_the_ids(admin: DataProvider, system: System) -> None:
    ids = [create(admin, name=name)["id"] for name in ("a", "b", "c")]
    assert admin.call("deleteMany", "parts", {"ids": ids[:2]}) == {"data": ids[:2]}
    assert [row["id"] for row in system.client.get("/parts").json()] == ids[2:]


def test_invalid_value_is_an_error_with_the_message_that_is_shown(admin: DataProvider) -> None:
    with pytest.raises(DataProviderError) as raised:
        create(admin, nam="bolt")
    assert raised.value.status == 400
    assert "did you mean name?" in raised.value.message
