"""Refine's data provider, unmodified from npm, against the parts of the shipped service."""

from typing import Any

import pytest

from encore.query.page_parameters import DEFAULT_COUNT
from tests.fixtures.system import System
from tests.front_ends.front_end import DataProvider, DataProviderError, NodeClients
from tests.parts.conftest import empty

pytestmark = pytest.mark.processes


@pytest.fixture
def refine(clients: NodeClients, system: System) -> DataProvider:
    """Return the data provider, for a service without parts."""
    empty(system.client)
    return DataProvider(clients, "@refinedev/simple-rest", system.url, system.token())


def create(refine: DataProvider, **variables: Any) -> dict[str, Any]:
    request = {"resource": "parts", "variables": variables}
    row: dict[str, Any] = refine.call("create", request)["data"]
    return row


def get_list(refine: DataProvider, **request: Any) -> tuple[list[str], int]:
    """Return the names of a list's rows, and its total."""
    result = refine.call("getList", {"resource": "parts", **request})
    return [row["name"] for row in result["data"]], result["total"]


def filtered(field: str, operator: str, value: Any) -> list[dict[str, Any]]:
    return [{"field": field, "operator": operator, "value": value}]


def test_list_pages_sorts_and_counts(refine: DataProvider) -> None:
    for name, model in (("c", "1"), ("a", "2"), ("d", "1"), ("b", "2"), ("e", "2")):
        create(refine, name=name, modelNumber=model)
    by_model = [{"field": "modelNumber", "order": "desc"}, {"field": "name", "order": "asc"}]
    page = {"currentPage": 2, "pageSize": 2}
    assert get_list(refine, pagination=page, sorters=by_model) == (["e", "c"], 5)
    assert get_list(refine, sorters=by_model)[0] == ["a", "b", "e", "c", "d"]


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        (filtered("name", "eq", "nut"), ["nut"]),
        (filtered("name", "in", ["nut", "bolt"]), ["nut", "bolt"]),
        (filtered("name", "ne", "nut"), ["bolt", "1.5 mm (steel)"]),
        (filtered("name", "contains", "OL"), ["bolt"]),
        (filtered("name", "contains", "1.5 mm ("), ["1.5 mm (steel)"]),
        (filtered("name", "gte", "bolt"), ["nut", "bolt"]),
        (filtered("name", "lte", "bolt"), ["bolt", "1.5 mm (steel)"]),
        (filtered("q", "eq", "ut"), ["nut"]),
        (filtered("name", "gte", "a") + filtered("name", "lte", "c"), ["bolt"]),
    ],
)
def test_list_filters(
    refine: DataProvider, filters: list[dict[str, Any]], found: list[str]
) -> None:
    for name in ("nut", "bolt", "1.5 mm (steel)"):
        create(refine, name=name)
    names, total = get_list(refine, filters=filters)
    # Refine's provider takes the length of an empty list for the total, which is the same.
    assert (names, total) == (found, len(found))


def test_list_without_pages_tells_the_total(refine: DataProvider, system: System) -> None:
    rows = [{"name": str(number)} for number in range(DEFAULT_COUNT + 1)]
    assert system.client.post("/parts", json=rows).status_code == 200
    names, total = get_list(refine, pagination={"mode": "off"})
    assert (len(names), total) == (DEFAULT_COUNT, len(rows))


def test_many_rows_are_read_by_their_ids(refine: DataProvider) -> None:
    ids = [create(refine, name=name)["id"] for name in ("a", "b", "c")]
    result = refine.call("getMany", {"resource": "parts", "ids": ids[1:]})
    assert [row["id"] for row in result["data"]] == ids[1:]


def test_row_is_created_read_updated_and_deleted(refine: DataProvider) -> None:
    row = create(refine, name="bolt", partNumber="b-1")
    one = {"resource": "parts", "id": row["id"]}
    assert refine.call("getOne", one) == {"data": row}
    updated = refine.call("update", {**one, "variables": {"name": "nut"}})["data"]
    assert updated == {**row, "name": "nut", "updatedAt": updated["updatedAt"]}
    assert refine.call("deleteOne", one) == {"data": updated}
    with pytest.raises(DataProviderError) as raised:
        refine.call("getOne", one)
    assert (raised.value.status, raised.value.message) == (404, "Not Found")


def test_whole_record_may_be_put(refine: DataProvider) -> None:
    row = create(refine, name="bolt")
    put = {"resource": "parts", "id": row["id"], "meta": {"method": "put"}}
    updated = refine.call("update", {**put, "variables": {**row, "name": "nut"}})["data"]
    assert updated == {**row, "name": "nut", "updatedAt": updated["updatedAt"]}
