"""Dates and times: every form, in UTC and with the local day, or the reason of a rejection."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from client.importing.rows.timestamps import Timestamp, timestamp_parser

ZONES = (
    *("Europe/Berlin", "America/New_York", "Asia/Tokyo", "Australia/Sydney", "Asia/Kathmandu"),
    *("Australia/Lord_Howe", "America/St_Johns", "Pacific/Apia", "America/Santiago"),
)
MONDAY = date(2026, 3, 2)


def parsed(value: Any, formats: str | list[str] = "", zone: str = "") -> Timestamp:
    return timestamp_parser(formats, ZoneInfo(zone) if zone else None)(value)


def reason(value: Any, formats: str | list[str] = "", zone: str = "") -> str:
    with pytest.raises(ValueError, match=r"must be|does not exist|out of range") as error:
        parsed(value, formats, zone)
    return str(error.value)


@pytest.mark.parametrize(
    "text",
    [
        *("2026-03-02T08:00:00Z", "20260302T080000Z", "2026-03-02T09:00:00.000+0100"),
        *("2026-03-02T09:00+01", "2026-03-02 09:00:00 +0100", "2026-03-02 08:00:00 UTC"),
        *("2026-03-02T08:00:00.000000000Z", "2026-03-02t08:00z", "2026-03-02T08:00:00,0Z"),
        *("2026-W10-1T08:00Z", "2026W101T0800Z", "20260302T08Z", "2026-03-02T08:00GMT"),
        *("2026-03-02T03:00\N{MINUS SIGN}05:00", "  2026-03-02\N{NO-BREAK SPACE}08:00Z "),
        *("2026-03-02T08:00:00+00:00:00", "2026-03-02T13:45+05:45"),
    ],
)
def test_iso_8601_in_its_usual_forms(text: str) -> None:
    timestamp = parsed(text)
    assert timestamp.rfc3339 == "2026-03-02T08:00:00.000Z"
    assert (timestamp.day, timestamp.has_time) == (MONDAY, True)


@pytest.mark.parametrize("text", ["2026-03-02", "20260302", "2026-W10-1", "2026W101"])
def test_date_without_time_stays_that_day(text: str) -> None:
    for zone in ("", *ZONES):
        timestamp = parsed(text, zone=zone)
        assert timestamp.rfc3339 == "2026-03-02T00:00:00.000Z"
        assert (timestamp.day, timestamp.has_time, timestamp.local) == (MONDAY, False, None)


def test_hour_24_is_midnight_of_the_next_day() -> None:
    for text, formats in [
        ("2026-03-01T24:00:00Z", ""),
        ("20260301T2400Z", ""),
        ("01.03.2026 24:00", "%d.%m.%Y %H:%M"),
    ]:
        assert parsed(text, formats).rfc3339 == "2026-03-02T00:00:00.000Z"
    assert "must be a date" in reason("2026-03-01T24:01Z")
    assert "must be a date" in reason("01.03.2026 24:01", "%d.%m.%Y %H:%M")


@pytest.mark.parametrize(
    ("text", "zone", "day"),
    [
        ("2026-03-02T23:30:00Z", "", "2026-03-02"),
        ("2026-03-02T23:30:00Z", "Europe/Berlin", "2026-03-03"),
        ("2026-03-02T00:30:00+09:00", "", "2026-03-02"),
        ("2026-03-02T08:30:00+09:00", "America/New_York", "2026-03-01"),
        ("2026-03-02 08:30", "Asia/Tokyo", "2026-03-02"),
        ("2026-03-02 23:30", "", "2026-03-02"),
    ],
)
def test_day_is_that_of_the_zone_or_of_the_own_offset(text: str, zone: str, day: str) -> None:
    assert str(parsed(text, zone=zone).day) == day


@pytest.mark.parametrize(
    "value",
    [
        *("", " ", "yesterday", "2026", "2026-03", "202603", "2026-3-2", "2026-02-30", "2026-W10"),
        *("2026-W54-1", "2026-W10-8", "2026-061", "2026061", "2026-03-02T", "2026-03-02T8:00"),
        *("2026-03-02x08:00", "2026-03-02T08:60", "2026-03-02T08:00+24:00", "2026-03-02T08:00+1"),
        *("2026-03-02T08:00 CET", "2026-03-02 08:00 AM", "2026-03-02T08.5", "02/03/2026", "-1"),
        *("\u0662\u0660\u0662\u0666-03-02", "0000-01-01", "9999-12-31T24:00", "2026-03-02" * 1000),
        *(None, True, [], {}, 20260302, 1.5, float("nan"), float("inf"), Decimal("sNaN")),
    ],
)
def test_anything_else_is_rejected(value: Any) -> None:
    words = reason(value)
    assert words.startswith("must be a date in ISO 8601, not ")
    assert len(words) < 200


def test_absurd_numbers_are_rejected() -> None:
    for number in (10**5000, -(10**5000), Decimal("1E+999999999"), Decimal("-1E-9999"), 1e300):
        for formats in ("", "unix", "unix_ms", "excel", "%Y%m%d"):
            assert len(reason(number, formats)) < 200


@pytest.mark.parametrize(
    ("text", "format_", "sent"),
    [
        ("02.03.2026 09:05", "%d.%m.%Y %H:%M", "2026-03-02T09:05"),
        ("3/2/2026 9:05 AM", "%m/%d/%Y %I:%M %p", "2026-03-02T09:05"),
        ("3/2/2026 12:05\N{NARROW NO-BREAK SPACE}am", "%m/%d/%Y %I:%M %p", "2026-03-02T00:05"),
        ("3/2/2026 12:05 p.m.", "%m/%d/%Y %I:%M %p", "2026-03-02T12:05"),
        ("03/02/26 11:05PM", "%m/%d/%y %I:%M%p", "2026-03-02T23:05"),
        ("02-Mar-26", "%d-%b-%y", "2026-03-02T00:00"),
        ("2 MARCH 2026", "%d %B %Y", "2026-03-02T00:00"),
        ("Mon, 02 Mar 2026 09:05:00 +0000", "%a, %d %b %Y %H:%M:%S %z", "2026-03-02T09:05"),
        ("2026-03-02 09:05:00 UTC", "%Y-%m-%d %H:%M:%S %Z", "2026-03-02T09:05"),
        ("20260302T090500.5", "%Y%m%dT%H%M%S.%f", "2026-03-02T09:05"),
        ("2026-061", "%Y-%j", "2026-03-02T00:00"),
        ("2026-W10-1", "%G-W%V-%u", "2026-03-02T00:00"),
        ("2026-03-02T09:05", "%FT%R", "2026-03-02T09:05"),
        ("Mon Mar  2 09:05:00 2026", "%c", "2026-03-02T09:05"),
        ("100% 2.3.2026", "100%% %-d.%-m.%Y", "2026-03-02T00:00"),
        (20260302, "%Y%m%d", "2026-03-02T00:00"),
    ],
)
def test_date_formats(text: Any, format_: str, sent: str) -> None:
    assert parsed(text, format_).rfc3339.startswith(sent)


@pytest.mark.parametrize(
    ("text", "format_", "words"),
    [
        ("Tue 2026-03-02", "%a %Y-%m-%d", "2026-03-02 is a Monday, not Tue"),
        ("2026-03-02 09:05 CET", "%Y-%m-%d %H:%M %Z", "only UTC and GMT are understood, not CET"),
        ("13:05 PM 3/2/2026", "%I:%M %p %m/%d/%Y", "must be a date like %I:%M %p %m/%d/%Y, not"),
        ("0:05 AM 3/2/2026", "%I:%M %p %m/%d/%Y", "must be a date like"),
        ("2026032", "%Y%m%d", "must be a date like %Y%m%d, not '2026032'"),
        ("366 2026", "%j %Y", "must be a date like"),
        ("2.3.2026", "%d.%m.%y", "must be a date like"),
        ("02. März 2026", "%d. %B %Y", "must be a date like"),
    ],
)
def test_text_that_does_not_fit_its_format_is_rejected(text: str, format_: str, words: str) -> None:
    assert words in reason(text, format_)


@pytest.mark.parametrize(
    ("format_", "words"),
    [
        ("%H:%M", "must contain day, month and year"),
        ("%d.%m.", "must contain day, month and year"),
        ("%Y-%m", "must contain day, month and year"),
        ("%d.%m.%Y %H:%M %p", "must contain %I and %p together"),
        ("%d.%m.%Y %I:%M", "must contain %I and %p together"),
        ("%d.%m.%Y %M", "minutes without an hour"),
        ("%d.%m.%Y %H %S", "seconds without minutes"),
        ("%d.%m.%Y %y", "contains both %Y and %y"),
        ("%d.%m.%Y %d", "twice"),
        ("%s", 'write "unix"'),
        ("%d.%m.%Q", "contains %Q, which is not supported"),
        ("%d.%m.%Y %", "contains %, which is not supported"),
        ("%U %Y %w", "contains %U, which is not supported"),
    ],
)
def test_format_that_is_not_a_whole_date_is_rejected(format_: str, words: str) -> None:
    with pytest.raises(ValueError, match=r"^'%") as error:
        timestamp_parser([format_], None)
    assert words in str(error.value)


def test_formats_are_tried_in_order() -> None:
    formats = ["%d/%m/%Y", "%m/%d/%Y", "", "unix"]
    assert [str(parsed(value, formats).day) for value in ("02/03/2026", "02/13/2026")] == [
        "2026-03-02",
        "2026-02-13",
    ]
    assert parsed("2026-03-02", formats).day == MONDAY
    assert parsed(1772438400, formats).day == MONDAY
    assert "like %d/%m/%Y or like %m/%d/%Y or in ISO 8601 or in Unix seconds" in reason(
        "x", formats
    )


def test_time_that_does_not_exist_is_not_read_in_another_format() -> None:
    formats = ["%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M"]
    assert "does not exist" in reason("08/03/2026 02:30", formats, "America/New_York")


@pytest.mark.parametrize(
    ("value", "formats", "sent"),
    [
        (1772438400, "unix", "2026-03-02T08:00:00.000Z"),
        ("1772438400", "unix", "2026-03-02T08:00:00.000Z"),
        ("1772438400.25", "unix", "2026-03-02T08:00:00.250Z"),
        (1772438400.25, "unix", "2026-03-02T08:00:00.250Z"),
        (Decimal("1772438400.25"), "unix", "2026-03-02T08:00:00.250Z"),
        (1772438400123, "unix_ms", "2026-03-02T08:00:00.123Z"),
        ("1772438400123", ["unix", "unix_ms"], "2026-03-02T08:00:00.123Z"),
        (46083, "excel", "2026-03-02T00:00:00.000Z"),
        ("46083.3333333333", "excel", "2026-03-02T08:00:00.000Z"),
        ("46083,3333333333", "excel", "2026-03-02T08:00:00.000Z"),
        (59, "excel", "1900-02-28T00:00:00.000Z"),
        (61, "excel", "1900-03-01T00:00:00.000Z"),
        (1, "excel", "1900-01-01T00:00:00.000Z"),
    ],
)
def test_dates_that_are_numbers(value: Any, formats: str | list[str], sent: str) -> None:
    assert parsed(value, formats).rfc3339 == sent


@pytest.mark.parametrize(
    ("value", "format_", "words"),
    [
        (1772438400000, "unix", 'write date_format = "unix_ms"'),
        (1772438400, "unix_ms", 'write date_format = "unix"'),
        (1772438400, "", 'write date_format = "unix"'),
        ("46083", "%d.%m.%Y", 'write date_format = "excel"'),
        ("02.03.2026", "", 'such as date_format = "%d.%m.%Y"'),
    ],
)
def test_number_in_another_form_is_rejected_with_a_hint(
    value: Any, format_: str, words: str
) -> None:
    assert f"{words} in the mapping" in reason(value, format_) or words in reason(value, format_)


@pytest.mark.parametrize(
    ("value", "format_"),
    [
        *((60, "excel"), (0, "excel"), ("0.375", "excel"), ("46.083", "excel"), (2958466, "excel")),
        *((-1, "excel"), ("46 083", "excel"), (True, "excel"), ("1e4", "excel")),
        *((0, "unix"), (20260302, "unix"), (-1772438400, "unix"), ("x", "unix"), (True, "unix")),
    ],
)
def test_number_out_of_range_is_rejected(value: Any, format_: str) -> None:
    assert reason(value, format_).startswith("must be a date ")


def test_time_in_a_serial_day_is_local() -> None:
    timestamp = parsed("46083.375", "excel", "Europe/Berlin")
    assert timestamp.rfc3339 == "2026-03-02T08:00:00.000Z"
    assert timestamp.day == MONDAY


FORMS: dict[str, Callable[[datetime], str]] = {
    "": lambda local: local.isoformat(),
    " ": lambda local: local.isoformat(" "),
    "%Y%m%dT%H%M%S%z": lambda local: local.strftime("%Y%m%dT%H%M%S%z"),
    "%d.%m.%Y %H:%M:%S %z": lambda local: local.strftime("%d.%m.%Y %H:%M:%S %z"),
    "%a, %d %b %y %I:%M:%S %p %z": lambda local: local.strftime("%a, %d %b %y %I:%M:%S %p %z"),
    "%B %d, %Y %I.%M.%S %p %z": lambda local: local.strftime("%B %d, %Y %I.%M.%S %p %z"),
    "%G-W%V-%u %H:%M:%S%z": lambda local: local.strftime("%G-W%V-%u %H:%M:%S%z"),
    "%Y/%j %H:%M:%S %z": lambda local: local.strftime("%Y/%j %H:%M:%S %z"),
    "unix": lambda local: str(int(local.timestamp())),
    "unix_ms": lambda local: str(int(local.timestamp()) * 1000),
}
INSTANTS = st.datetimes(datetime(1975, 1, 1), datetime(2060, 1, 1)).map(  # noqa: DTZ001 - zone below.
    lambda instant: instant.replace(tzinfo=UTC, microsecond=0)
)


@given(instant=INSTANTS, form=st.sampled_from(sorted(FORMS)), zone=st.sampled_from(ZONES))
def test_instant_with_offset_round_trips_in_every_form(
    instant: datetime, form: str, zone: str
) -> None:
    local = instant.astimezone(ZoneInfo(zone))
    offset = local.utcoffset()
    assume(offset is not None and offset % timedelta(minutes=1) == timedelta())
    assert offset is not None
    timestamp = parsed(FORMS[form](local.astimezone(timezone(offset))), form.strip())
    assert timestamp.utc == instant
    assert timestamp.day == (instant if "unix" in form else local).date()
    assert parsed(FORMS[form](local), form.strip(), zone).day == local.date()


@given(instant=INSTANTS, zone=st.sampled_from(ZONES), other=st.sampled_from(ZONES))
def test_local_time_round_trips_unless_it_occurs_twice(
    instant: datetime, zone: str, other: str
) -> None:
    local = instant.astimezone(ZoneInfo(zone))
    naive = local.replace(tzinfo=None)
    serial = (naive - datetime(1899, 12, 30)) / timedelta(days=1)  # noqa: DTZ001 - local.
    for text, form in [
        (naive.isoformat(" "), ""),
        (naive.strftime("%m/%d/%Y %I:%M:%S %p"), "%m/%d/%Y %I:%M:%S %p"),
        (repr(serial), "excel"),
    ]:
        timestamp = parsed(text, form, zone)
        assert timestamp.day == naive.date()
        if timestamp.has_time and not local.fold:
            assert timestamp.utc == instant
    assert parsed(instant.isoformat(), "", other).day == instant.astimezone(ZoneInfo(other)).date()


@given(
    value=st.one_of(
        st.text(max_size=60),
        st.text("0123456789-:.,TZW+ /AMP", max_size=25),
        st.floats(),
        st.integers(),
    ),
    form=st.sampled_from(("", "unix", "unix_ms", "excel", "%d.%m.%Y %H:%M", "%m/%d/%y %I %p")),
    zone=st.sampled_from(("", *ZONES)),
)
def test_any_value_is_a_date_or_rejected_in_words(*, value: Any, form: str, zone: str) -> None:
    try:
        timestamp = parsed(value, form, zone)
    except ValueError:
        reason(value, form, zone)
    else:
        assert abs(timestamp.utc.date() - timestamp.day) <= timedelta(days=1)
