"""Idempotency keys: a repeated request gets the stored response and writes nothing."""

import asyncio
from datetime import timedelta

import pytest
import sqlalchemy as sa

from encore.types import now
from tests.fixtures.upload_models import Delivery, IdempotencyKey
from tests.fixtures.uploads import NDJSON, DepotApi, assert_problem_type, delivery, ndjson

ROWS = [{"goods": "tea", "weight": 1}, {"goods": "coffee", "weight": 2}]


@pytest.mark.parametrize("content", [ROWS, ROWS[0]])
def test_idempotency_key_repeated_request_gets_same_response(
    depot: DepotApi, content: object
) -> None:
    first = depot.send(content, key="k")
    again = depot.send(content, key="k")
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again.headers.get("location") == first.headers.get("location")
    assert len(depot.rows(Delivery)) == len(first.json().get("rows", "1"))


@pytest.mark.parametrize("another", [{"mode": "partial"}, {"report": "rejected"}, {}])
def test_idempotency_key_of_other_request_is_rejected(
    depot: DepotApi, another: dict[str, str]
) -> None:
    depot.send(ROWS, key="k")
    rows = ROWS if another else ROWS[:1]
    assert_problem_type(depot.send(rows, key="k", **another), 422, "idempotency-key-reused")
    assert len(depot.rows(Delivery)) == 2


def test_idempotency_key_of_other_path_is_another_key(depot: DepotApi) -> None:
    assert depot.send([], key="k").status_code == 200
    again = depot.send([], key="k", path="/samples")
    assert "idempotency-replayed" not in again.headers
    assert len(depot.rows(IdempotencyKey)) == 2


def test_idempotency_keys_of_two_clients_are_independent(depot: DepotApi) -> None:
    depot.send(ROWS, key="k", client="one")
    assert "idempotency-replayed" not in depot.send(ROWS, key="k", client="two").headers
    assert len(depot.rows(Delivery)) == 4


def test_idempotency_key_of_failed_request_may_be_reused(depot: DepotApi) -> None:
    assert depot.send([{"goods": "tea"}], key="k").status_code == 400
    assert depot.send("[", key="k").status_code == 400
    assert depot.rows(IdempotencyKey) == []
    assert depot.send(ROWS, key="k").status_code == 200


def test_idempotency_key_of_dry_run_is_rejected(depot: DepotApi) -> None:
    body = assert_problem_type(depot.send(ROWS, key="k", dry_run="true"), 400, "bad-request")
    assert body["detail"] == "Idempotency-Key is not supported with dry_run: nothing is written"
    assert depot.rows(IdempotencyKey) == []


def test_idempotency_key_expires_after_a_day(depot: DepotApi) -> None:
    depot.send(ROWS, key="old")
    depot.execute(
        sa.update(IdempotencyKey).values(created_at=now() - timedelta(hours=24, seconds=1))
    )
    assert "idempotency-replayed" not in depot.send(ROWS, key="old").headers
    assert depot.send(ROWS, key="old").headers["idempotency-replayed"] == "true"


def test_idempotency_key_with_small_response_allows_any_number_of_rows(depot: DepotApi) -> None:
    rows = ndjson([{"goods": "tea", "weight": 1}] * 10_001)
    first = depot.send(rows, NDJSON, key="k", report="rejected")
    again = depot.send(rows, NDJSON, key="k", report="rejected")
    assert first.json()["created"] == 10_001
    assert (again.content, again.headers["idempotency-replayed"]) == (first.content, "true")
    for params in ({"mode": "partial", "report": "rejected"}, {"mode": "atomic"}):
        body = assert_problem_type(depot.send(rows, NDJSON, key="l", **params), 400, "bad-request")
        assert "unless mode=atomic and report=rejected" in body["message"]


def test_idempotency_key_limits_upload_to_10000_rows(depot: DepotApi) -> None:
    rows = [delivery(n) for n in range(10_001)]
    body = assert_problem_type(depot.send(ndjson(rows), NDJSON, key="k"), 400, "bad-request")
    assert "10000 rows" in body["message"]
    assert depot.rows(Delivery) == []
    assert depot.reported(ndjson(rows[1:]), NDJSON, key="k")["created"] == 10_000


@pytest.mark.parametrize("key", ["", "a b", "é", "x" * 256])
def test_idempotency_key_invalid_is_rejected(depot: DepotApi, key: str) -> None:
    response = depot.request(
        "POST", "/deliveries/upload", content=b"[]", headers={"Idempotency-Key": key.encode()}
    )
    assert_problem_type(response, 400, "bad-request")


def test_idempotency_key_of_concurrent_requests_writes_once(depot: DepotApi) -> None:
    async def all_at_once() -> list[bytes]:
        sent = (depot.uploading(ROWS, key="k") for _ in range(8))
        return [response.content for response in await asyncio.gather(*sent)]

    assert len(set(depot.run(all_at_once()))) == 1
    assert len(depot.rows(Delivery)) == 2
