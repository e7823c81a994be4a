"""Row versions: which differ, and which are equal in every process."""

import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.dialects import sqlite

from encore.database.undecodable import Undecodable
from encore.models.fields import Fields
from encore.secret_key import Secret
from encore.serializers.row_versions import KeyedDigest, RowVersions, encode_values
from tests.fixtures.library_models import User

DIALECT: Any = sqlite.dialect()
SECRET = Secret(b"x" * 32)


def versions(secret: Secret = SECRET) -> RowVersions:
    return RowVersions(Fields.of(User, DIALECT), KeyedDigest(secret))


def row(**values: Any) -> tuple[Any, ...]:
    return tuple(values.get(field.attribute) for field in Fields.of(User, DIALECT))


def test_every_column_counts_and_the_key_does() -> None:
    first = versions().of(row(id=1, first_name="A"))
    assert len(first) == 16
    assert first == versions(Secret(b"x" * 32)).of(list(row(id=1, first_name="A")))
    others = [
        versions(Secret(b"y" * 32)).of(row(id=1, first_name="A")),
        versions().of(row(id=2, first_name="A")),
        versions().of(row(id=1, first_name="B")),
        versions().of(row(id=1)),
    ]
    assert len({first, *others}) == 5


def test_digest_is_ready_as_soon_as_its_secret_is_loaded() -> None:
    secret = Secret(b"x" * 32)
    secret.loaded = False
    digest = KeyedDigest(secret)
    assert not digest.ready
    secret.loaded = True
    assert digest.ready


VALUES: list[Any] = [
    None, True, 1, 1.0, "1", b"1", 0, 0.0, False, "", b"", 2**64, -(2**70), float("inf"),
    Undecodable("1"), Decimal("1.0"), Decimal("1.00"), UUID(int=1), [1], [], {"a": 1}, {"a": "1"},
    date(2020, 1, 1), datetime(2020, 1, 1, tzinfo=UTC), datetime(2020, 1, 1),  # noqa: DTZ001 - drivers return it
    timedelta(1), {1, 2}, "\ud800", 1j, ["a", 2**70],
]  # fmt: skip


def test_different_values_have_different_bytes() -> None:
    encoded = [encode_values(((value), "x")) for value in VALUES]
    assert len(set(encoded)) == len(VALUES)


@pytest.mark.processes
def test_bytes_are_equal_in_another_process() -> None:
    program = (
        "from tests.serializers.test_row_versions import *\n"
        "print([encode_values(value).hex() for value in VALUES])"
    )
    for seed in ("1", "2"):
        other = subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True, text=True, check=True,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": "."},
        )  # fmt: skip
        assert other.stdout.strip() == str([encode_values(value).hex() for value in VALUES])


@pytest.mark.parametrize("rows", [[], [row(id=1)], [row(id=1), row(id=2)]], ids=len)
def test_digest_of_rows_covers_order_and_others(rows: list[tuple[Any, ...]]) -> None:
    made = versions()
    found = [made.digest_rows(rows, b"items 0-1/2"), made.digest_rows(rows, b"items 0-1/3")]
    if len(rows) > 1:
        found.append(made.digest_rows(rows[::-1], b"items 0-1/2"))
    assert len(set(found)) == len(found)
    assert made.digest_rows(list(rows), b"items 0-1/2") == found[0]
