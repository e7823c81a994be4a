"""Large partial uploads: other writers run between the parts; the report lists all rows."""

import asyncio
from typing import Any

import pytest
import sqlalchemy as sa

from encore import ConfigurationError
from encore.uploads.parts import Parts
from tests.fixtures.upload_models import Delivery, Movement, Sample
from tests.fixtures.uploads import NDJSON, DepotApi, assert_problem_type, delivery, ndjson
from tests.fixtures.uploads import depot as depot  # noqa: PLC0414 - a fixture
from tests.fixtures.uploads import depot_url as depot_url  # noqa: PLC0414 - a fixture

PART = 7


def set_part_rows(depot: DepotApi, rows: int | None = PART) -> None:
    depot.upload.parts = Parts(depot.upload.staging, rows)


def mixed_rows() -> list[dict[str, Any]]:
    """Return created, updated, unchanged, duplicate and rejected rows in mixed order."""
    rows = [delivery(n, weight=n % 3 + 1) for n in range(60)]
    rows[5]["weight"] = 0  # The row hook rejects it.
    rows[20]["site"] = "nowhere"  # No such row.
    rows[33] = delivery(2)  # A duplicate of an earlier part.
    rows[34] = delivery(32)  # A duplicate of the same part.
    rows[50]["tag"] = rows[51]["tag"] = "same"  # The database rejects the second.
    return rows


def without_ids(report: Any) -> Any:
    for row in report["rows"]:
        row.pop("id", None)
    return report


def stored(depot: DepotApi) -> list[tuple[Any, ...]]:
    rows = depot.rows(Delivery)
    return sorted((row["number"], row["goods"], row["weight"], row["tag"]) for row in rows)


def test_upload_in_parts_has_same_result_as_whole(depot: DepotApi) -> None:
    outcomes = []
    for rows in (None, PART):
        depot.execute(sa.delete(Movement), sa.delete(Delivery))
        set_part_rows(depot, rows)
        depot.reported([delivery(n, goods="old") for n in range(0, 60, 4)])
        report = depot.reported(ndjson(mixed_rows()), NDJSON, mode="partial")
        outcomes.append((without_ids(report), stored(depot), len(depot.rows(Movement))))
    assert outcomes[0] == outcomes[1]
    assert outcomes[0][0]["rejected"] == 5


def test_upload_in_parts_reports_stored_ids(depot: DepotApi) -> None:
    set_part_rows(depot)
    depot.reported([delivery(0)])
    report = depot.reported(ndjson([delivery(n) for n in range(30)]), NDJSON, mode="partial")
    ids = {row["number"]: row["id"] for row in depot.rows(Delivery)}
    assert {f"d{row['line'] - 1}": row["id"] for row in report["rows"]} == ids
    assert max(ids.values()) <= 31  # Ids continue from part to part; known lines leave gaps.


@pytest.mark.parametrize("mode", ["partial", "atomic"])
def test_only_upload_in_parts_lets_other_writers_in(depot: DepotApi, mode: str) -> None:
    set_part_rows(depot, 50)
    counts: list[int] = []

    async def scenario() -> None:
        rows = ndjson([delivery(n) for n in range(500)])
        upload = asyncio.create_task(depot.uploading(rows, NDJSON, mode=mode))
        number = 0
        while not upload.done():
            number += 1
            created = await depot.call("POST", "/samples", json={"code": f"s{number}"})
            assert created.status_code == 201
            listed = await depot.call("GET", "/deliveries?count=1")
            counts.append(int(listed.headers["content-range"].rpartition("/")[2]))
        assert (await upload).json()["created"] == 500

    depot.run(scenario())
    partial_counts = {count for count in counts if 0 < count < 500}
    assert bool(partial_counts) is (mode == "partial")
    assert all(count % 50 == 0 for count in partial_counts)


def test_upload_in_parts_that_fails_reports_written_rows(depot: DepotApi) -> None:
    set_part_rows(depot)
    depot.upload.max_rejected = 1
    rows = [delivery(n) for n in range(30)]
    for row in rows[16:]:
        row["site"] = "nowhere"
    response = depot.send(ndjson(rows), NDJSON, mode="partial")
    body = assert_problem_type(response, 400, "validation-failed")
    assert body["message"] == "More than 1 rows are rejected; the rows up to line 14 are written"
    assert len(depot.rows(Delivery)) == 14
    second = depot.reported(ndjson(rows[:16]), NDJSON, mode="partial")
    assert (second["unchanged"], second["created"]) == (14, 2)


def test_upload_with_key_or_of_one_part_is_not_split(depot: DepotApi) -> None:
    set_part_rows(depot, 10)
    depot.upload.max_rejected = 0
    rows = [delivery(n) for n in range(10)]
    rows[9]["site"] = "nowhere"
    for params in ({}, {"key": "one"}):
        assert_problem_type(
            depot.send(ndjson(rows), NDJSON, mode="partial", **params), 400, "validation-failed"
        )
        assert depot.rows(Delivery) == []
        rows = [delivery(n) for n in range(30, 40)] + rows


@pytest.mark.parametrize("value", [0, -1, 1.5, True, "10"])
def test_upload_with_invalid_part_rows_raises_configuration_error(
    depot: DepotApi, value: object
) -> None:
    with pytest.raises(ConfigurationError, match="part_rows: must be an integer of at least"):
        depot.crud.upload(
            depot.upload.resource, natural_key=("origin", "number"), path="/x", part_rows=value
        )


def test_upload_disconnected_between_parts_stores_whole_parts(depot: DepotApi) -> None:
    set_part_rows(depot, 50)

    async def scenario() -> None:
        rows = ndjson([delivery(n) for n in range(1_000)])
        upload = asyncio.create_task(depot.uploading(rows, NDJSON, mode="partial"))
        while not total_of(await depot.call("GET", "/deliveries?count=1")):  # noqa: ASYNC110 - there is no event for it
            await asyncio.sleep(0.001)
        upload.cancel()
        await asyncio.gather(upload, return_exceptions=True)

    depot.run(scenario())
    assert len(depot.rows(Delivery)) % 50 == 0
    assert len(depot.rows(Sample)) == 0
    assert depot.reported([delivery(2_000)])["created"] == 1


def total_of(response: Any) -> int:
    return int(response.headers["content-range"].rpartition("/")[2])
