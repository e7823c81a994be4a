"""Bodies that are expensive to process are rejected or processed in a fraction of a second.

The limits are about ten times the measured times.
"""

import gzip
import time
from collections.abc import Callable
from hashlib import sha256

import pytest

from encore import ConfigurationError
from tests.fixtures.upload_models import Delivery
from tests.fixtures.uploads import (
    CSV,
    NDJSON,
    DepotApi,
    assert_problem_type,
    delivery,
    ndjson,
    statuses,
)
from tests.fixtures.uploads import depot as depot  # noqa: PLC0414 - a fixture
from tests.fixtures.uploads import depot_url as depot_url  # noqa: PLC0414 - a fixture

JSON = "application/json"
SIZE = 3_000_000
HEADER = b"goods,weight,origin,number\n"
SECONDS = 3.0


def members(count: int) -> str:
    return ",".join(f'"k{number}":1' for number in range(count))


def repeated_last(count: int) -> bytes:
    """Return a row of many members, of which only the last is duplicated."""
    return f'{{{members(count)},"k{count - 1}":2}}'.encode()


BODIES: dict[str, tuple[str, Callable[[], bytes], int]] = {
    # Media type, body, status of the response.
    "numbers": (JSON, lambda: b"[" + b"1," * (SIZE // 2) + b"1]", 400),
    "lines of numbers": (NDJSON, lambda: b"1\n" * (SIZE // 2), 400),
    "empty objects": (JSON, lambda: b"[" + b"{}," * (SIZE // 3) + b"{}]", 400),
    "empty lines": (NDJSON, lambda: b"\n" * SIZE, 400),
    "blanks": (JSON, lambda: b"[" + b" " * SIZE + b"]", 200),
    "nesting": (JSON, lambda: b"[" * SIZE, 400),
    "a repeated member": (NDJSON, lambda: repeated_last(80_000), 200),
    "one object, a repeated member": (JSON, lambda: repeated_last(80_000), 400),
    "unknown members": (NDJSON, lambda: f"{{{members(60)}}}\n".encode() * 10_500, 400),
    "digits": (JSON, lambda: b'[{"weight":' + b"1" * SIZE + b"}]", 400),
    "exponents": (NDJSON, lambda: b'{"weight":1e999999999}\n' * (SIZE // 23), 400),
    "empty cells": (CSV, lambda: HEADER + b"," * 1_000_000, 200),
    "empty columns": (CSV, lambda: b"," * 1_000_000, 400),
    "rows of empty cells": (CSV, lambda: HEADER + b",,,\n" * (SIZE // 4), 400),
    "empty lines of CSV": (CSV, lambda: HEADER + b"\n" * SIZE, 400),
    "one row over many lines": (CSV, lambda: HEADER + b'"a\n",' * (SIZE // 5), 400),
}


@pytest.mark.parametrize(("media_type", "make", "status"), BODIES.values(), ids=BODIES)
def test_upload_of_hostile_body_takes_little_time(
    depot: DepotApi, media_type: str, make: Callable[[], bytes], status: int
) -> None:
    body = make()
    before = time.process_time()
    response = depot.send(body, media_type, mode="partial")
    used_seconds = time.process_time() - before
    assert response.status_code == status, response.text[:300]
    assert depot.rows(Delivery) == []
    assert len(response.content) < 3_000_000
    assert used_seconds < SECONDS


@pytest.mark.parametrize("media_type", [NDJSON, CSV])
def test_upload_that_decompresses_to_1000_times_its_size_is_rejected(
    depot: DepotApi, media_type: str
) -> None:
    depot.upload.limit = 2**30
    body = gzip.compress(b'{"goods":"tea","weight":1}\n' * 1_000_000)
    response = depot.request(
        "POST",
        "/deliveries/upload",
        content=body,
        headers={"Content-Type": media_type, "Content-Encoding": "gzip"},
    )
    message = assert_problem_type(response, 413, "payload-too-large")["message"]
    assert message == "The body may become at most 200 times as large"


def test_upload_compressed_as_text_usually_is_is_accepted(depot: DepotApi) -> None:
    rows = ndjson([delivery(n, remark=sha256(b"%d" % n).hexdigest() * 20) for n in range(1_500)])
    response = depot.request(
        "POST",
        "/deliveries/upload",
        content=gzip.compress(rows.encode()),
        headers={"Content-Type": NDJSON, "Content-Encoding": "gzip"},
    )
    assert response.json()["created"] == 1_500


@pytest.mark.parametrize("params", [{}, {"mode": "partial"}, {"dry_run": "true"}])
@pytest.mark.parametrize("stage", ["read", "repeated", "validated"])
def test_upload_with_more_than_max_rejected_rows_writes_nothing(
    depot: DepotApi, params: dict[str, str], stage: str
) -> None:
    depot.upload.max_rejected = 3
    rows = {
        "read": [{"goods": "tea", "weight": 0}] * 6,
        "repeated": [delivery(1)] * 6,
        "validated": [delivery(n, site="nowhere") for n in range(6)],
    }[stage]
    accepted = depot.send(ndjson([delivery(9), *rows[:3]]), NDJSON, mode="partial")
    assert accepted.json()["rejected"] == (2 if stage == "repeated" else 3)
    row_count = len(depot.rows(Delivery))
    body = assert_problem_type(
        depot.send(ndjson([delivery(8), *rows]), NDJSON, **params), 400, "validation-failed"
    )
    assert body["message"] == "More than 3 rows are rejected: nothing is written"
    assert set(statuses(body)) == {"rejected"}
    assert body["errors"][0]["message"].startswith("line ")
    assert len(depot.rows(Delivery)) == row_count


@pytest.mark.parametrize("value", [-1, 1.5, True, "10", None])
def test_upload_with_invalid_max_rejected_raises_configuration_error(
    depot: DepotApi, value: object
) -> None:
    with pytest.raises(ConfigurationError, match="max_rejected: must be an integer of at least"):
        depot.crud.upload(
            depot.upload.resource, natural_key=("origin", "number"), path="/x", max_rejected=value
        )


def test_upload_of_many_unknown_members_suggests_names_in_first_rows_only(
    depot: DepotApi,
) -> None:
    report = depot.reported(
        ndjson([{**delivery(n), "gooods": 1} for n in range(150)]), NDJSON, mode="partial"
    )
    messages = [row["errors"][0]["message"] for row in report["rows"]]
    message = "gooods is not a member of this body"
    assert messages == [f"{message}; did you mean goods?"] * 100 + [message] * 50
