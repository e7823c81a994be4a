"""The hook ``before_compare``: staged values may be set between the match and the comparison."""

from typing import Any

import pytest
import sqlalchemy as sa

from encore.extensions import UPDATED
from encore.uploads import MergeContext
from tests.fixtures.models import Serve
from tests.fixtures.upload_models import Delivery
from tests.fixtures.uploads import NDJSON, DepotApi, delivery, ndjson, statuses
from tests.uploads.test_orm_uploads import Dog, UploadBase


@pytest.fixture
def adopting(depot: DepotApi) -> DepotApi:
    """Return a depot where a weight that differs by less than 1 is taken from the stored row."""

    @depot.upload.before_compare
    async def adopt_weight(merge: MergeContext) -> None:
        staging = merge.staging
        stored, staged = (  # Stored in hundredths.
            sa.type_coerce(weight, sa.Integer) for weight in (Delivery.weight, staging["weight"])
        )
        same = (Delivery.id == staging.id) & (sa.func.abs(staged - stored) < 100)
        adopted = sa.update(staging.table).values({staging["weight"]: Delivery.weight})
        await merge.execute(adopted.where(staging.status == UPDATED, same))

    return depot


@pytest.mark.parametrize(
    "params", [{}, {"mode": "partial"}, {"dry_run": "true"}, {"key": "k"}, {"report": "all"}]
)
def test_adopted_values_make_a_row_unchanged(adopting: DepotApi, params: dict[str, str]) -> None:
    adopting.reported([delivery(n) for n in range(3)])
    rows = [delivery(0, weight=2.75), delivery(1, weight=9), delivery(2), delivery(3, weight=2.75)]
    report = adopting.reported(rows, **params)
    assert statuses(report) == ["unchanged", "updated", "unchanged", "created"]
    stored = [str(row["weight"]) for row in adopting.rows(Delivery)]
    expected = ["2.50", "9.00", "2.50", "2.75"]
    assert stored == (["2.50"] * 3 if "dry_run" in params else expected)


def test_adopted_value_of_single_row_is_unchanged(adopting: DepotApi) -> None:
    adopting.reported([delivery(0)])
    response = adopting.send(delivery(0, weight=2.75))
    assert (response.status_code, response.json()["weight"]) == (200, 2.5)
    assert response.json()["message"] == "Unchanged delivery 1"


def test_hook_runs_in_each_part(adopting: DepotApi) -> None:
    adopting.upload.parts.rows = 2
    rows = ndjson([delivery(n) for n in range(5)])
    adopting.reported(rows, NDJSON)
    again = ndjson([delivery(n, weight=2.75) for n in range(7)])
    report = adopting.reported(again, NDJSON, mode="partial")
    assert statuses(report) == ["unchanged"] * 5 + ["created"] * 2


def test_row_that_the_hook_rejects_stays_rejected(depot: DepotApi) -> None:
    depot.reported([delivery(0), delivery(1)])

    @depot.upload.before_compare
    async def reject(merge: MergeContext) -> None:
        await merge.reject(merge.staging["number"] == "d1", "number", "is closed")

    report = depot.reported([delivery(0), delivery(1, weight=7)], mode="partial")
    assert statuses(report) == ["unchanged", "rejected"]


def test_hook_sees_whether_and_which_rows_differ(depot: DepotApi) -> None:
    seen: list[Any] = []

    @depot.upload.before_compare
    async def look(merge: MergeContext) -> None:
        staging = merge.staging
        rows = await merge.fetch_all(sa.select(staging.line).where(staging.status == UPDATED))
        seen.append((merge.has_changes, [line for (line,) in rows]))

    depot.reported([delivery(0), delivery(1)])
    depot.reported([delivery(0), delivery(1), delivery(2)])
    depot.reported([delivery(0), delivery(1, weight=7), delivery(3)])
    assert seen == [(False, []), (False, []), (True, [2])]


def test_hook_of_joined_table_model_written_by_sessions(serve: Serve) -> None:
    api = serve(UploadBase.metadata)
    upload = api.crud.upload(api.crud.resource(Dog), natural_key=["name"])
    seen: list[Any] = []

    @upload.before_compare
    async def adopt_weight(merge: MergeContext) -> None:
        staging, dogs = merge.staging, Dog.__table__
        seen.extend(await merge.fetch_all(sa.select(staging.line).where(staging.status == UPDATED)))
        adopted = sa.update(staging.table).values({staging["weight"]: dogs.c.weight})
        await merge.execute(adopted.where(dogs.c.id == staging.id, staging["name"] == "a"))

    api.post("/dogs/upload", [{"name": "a", "weight": 1}, {"name": "b", "weight": 1}])
    rows = [{"name": name, "weight": 2} for name in "abc"]
    report = api.post("/dogs/upload", rows).json()
    assert statuses(report) == ["unchanged", "updated", "created"]
    assert [line for (line,) in seen] == [1, 2]
    assert [row["weight"] for row in api.read("/dogs", sort="id")] == [1, 2, 2]
