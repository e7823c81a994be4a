"""``Last-Modified``: the HTTP date of a stored value, compared with the standard library's."""

from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from encore.database.sqlite.dialect import SqliteDialect
from encore.models.fields import Fields
from encore.serializers.modification_date import ModificationDate
from encore.types import Timestamps


class Base(DeclarativeBase):
    pass


class Page(Timestamps, Base):
    __tablename__ = "pages"

    id: Mapped[int] = mapped_column(primary_key=True)


FIELDS = Fields.of(Page, SqliteDialect(paramstyle="qmark"))
MODIFIED = ModificationDate(FIELDS)
FIRST, LAST = datetime.fromisoformat("0100-01-01"), datetime.fromisoformat("9999-12-30")
TIMES = st.datetimes(FIRST, LAST)


def header(value: Any) -> bytes | None:
    """Return ``Last-Modified`` of a row with this stored value."""
    return MODIFIED.header([value if f.name == "updatedAt" else None for f in FIELDS])


@given(TIMES, st.sampled_from([" ", "T"]), st.sampled_from(["seconds", "milliseconds"]))
def test_date_of_stored_text_is_that_of_the_standard_library(
    time: datetime, separator: str, precision: str
) -> None:
    expected = format_datetime(time.replace(tzinfo=UTC), usegmt=True).encode()
    for end in ("", "Z"):
        assert header(time.isoformat(separator, precision) + end) == expected


@given(TIMES, st.integers(-12, 14))
def test_date_of_a_timestamp_is_that_of_the_standard_library(time: datetime, hours: int) -> None:
    aware = time.replace(tzinfo=timezone(timedelta(hours=hours)) if hours else UTC)
    expected = format_datetime(aware.astimezone(UTC), usegmt=True).encode()
    assert header(aware) == expected


@pytest.mark.parametrize(
    "value", ["", "x", "2026-02-30T10:00:00Z", "2026-11-27T24:00:00Z", "2026-11-27T10:00:60Z", 7]
)
def test_value_that_is_no_timestamp_has_no_date(value: Any) -> None:
    assert header(value) is None


def test_model_without_a_modification_date_has_no_header() -> None:
    class Plain(Base):
        __tablename__ = "plain"

        id: Mapped[int] = mapped_column(sa.Integer, primary_key=True)

    fields = Fields.of(Plain, SqliteDialect(paramstyle="qmark"))
    assert ModificationDate(fields).header([1]) is None
