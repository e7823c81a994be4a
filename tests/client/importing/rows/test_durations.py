"""Durations: every notation, in seconds, or the reason why it is rejected."""

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.importing.notations.duration_units import MILLISECONDS
from client.importing.rows.durations import MAX_SECONDS, duration_parser

HALF_PAST_ONE = 5400


def seconds(value: Any, unit: str = "hours", *, comma: bool = False) -> int:
    return duration_parser(unit, decimal_comma=comma)(value)


def reason(value: Any, unit: str = "hours", *, comma: bool = False) -> str:
    with pytest.raises(ValueError, match=r"^(must be|is too long)") as error:
        seconds(value, unit, comma=comma)
    return str(error.value)


@pytest.mark.parametrize(
    "text",
    [
        *("1:30", "01:30", "01:30:00", "1:30:00.000", "1:30 h", "1:30 Std.", "+1:30"),
        *("90:00 min", "90:00min", "90:00 minutes", "90 min", "90 Min.", "90m", "90.0 mins"),
        *("PT1H30M", "PT5400S", "PT1.5H", "PT1,5H", "pt1h30m", "PT90M", "P0DT1H30M0S"),
        *("1h 30m", "1h30m", "1h30", "1 h 30", "1H30", "1 h 30 min", "01h 30m 00s", "1h 30m 0s"),
        *("1.5h", "1.5 h", "1.5 hours", "1.5 hrs", "1.5 Std.", "1.5 Stunden", "1.5 uur"),
        *("1 hour 30 minutes", "1 hour, 30 minutes", "1 hour and 30 minutes", "1 hr. 30 min."),
        *("1 hour(s) 30 minute(s)", "1hr30min", "1 h 30 mn", "1.50 HRS", "0h 90m"),
        *("1 Stunde und 30 Minuten", "1 Std. 30 Min.", "1 heure et 30 minutes", "1 hora y 30 min"),
        *("1 ora e 30 minuti", "1u30", "1 uur en 30 minuten", "1 godz. 30 min", "1 tim 30 min"),
        *("1 ч 30 мин", "5400 s", "5400 Sek.", "5400 seconds", "5400000 ms", "0 days 01:30:00"),
        *("1\N{NO-BREAK SPACE}h\N{NARROW NO-BREAK SPACE}30", "\t1.5 h "),
        *(
            "1 h\N{THIN SPACE}30 min",
            "5\N{NARROW NO-BREAK SPACE}400 s",
            "5'400 s",
            "5\N{RIGHT SINGLE QUOTATION MARK}400 s",
        ),
    ],
)
def test_duration_that_says_what_it_is_ignores_unit(text: str) -> None:
    for unit in MILLISECONDS:
        assert seconds(text, unit) == HALF_PAST_ONE


def test_duration_with_hours_or_minutes_after_a_colon() -> None:
    assert seconds("18:25 min") == 18 * 60 + 25
    assert seconds("18:25") == (18 * 60 + 25) * 60
    assert seconds("0:00:29.5") == 30
    assert seconds("100:00:00") == 360_000


@pytest.mark.parametrize(
    ("value", "unit"),
    [
        ("1.5", "hours"),
        (1.5, "hours"),
        (Decimal("1.5"), "hours"),
        ("90", "minutes"),
        ("90.0", "minutes"),
        (90, "minutes"),
        ("5400", "seconds"),
        (5400, "seconds"),
        ("5.4e+03", "seconds"),
        ("5 400", "seconds"),
        (5400000, "milliseconds"),
        ("1,234,567.5", "milliseconds"),
        ("0.0625", "days"),
    ],
)
def test_bare_number_takes_unit(value: Any, unit: str) -> None:
    expected = 1235 if str(value).startswith("1,2") else HALF_PAST_ONE
    assert seconds(value, unit) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("0.3333333333333333", 1200),
        (0.3333333333333333, 1200),
        ("0.33", 1188),
        ("0.67", 2412),
        (Decimal(1) / 3, 1200),
        ("0.00041", 1),
        ("7.9999", 28800),
    ],
)
def test_duration_is_rounded_to_the_second(value: Any, expected: int) -> None:
    assert seconds(value) == expected


def test_duration_is_rounded_half_up() -> None:
    assert [seconds(n, "milliseconds") for n in (500, 1499, 1500, 2500)] == [1, 1, 2, 3]
    assert "at least one second" in reason(499, "milliseconds")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("7,50", 27000),
        ("7", 25200),
        (",5", 1800),
        ("0,25\N{NO-BREAK SPACE}", 900),
        ("7 h 30", 27000),
        ("1,5h", 5400),
        ("PT1.5H", 5400),
        ("1:30:00", 5400),
        (1.5, 5400),
    ],
)
def test_decimal_comma(text: Any, expected: int) -> None:
    assert seconds(text, comma=True) == expected


def test_decimal_comma_makes_a_dot_a_thousands_mark_only_before_three_digits() -> None:
    assert seconds("5.400", "seconds", comma=True) == 5400
    assert seconds("5.400,4", "seconds", comma=True) == 5400
    assert seconds("1.234.567", "milliseconds", comma=True) == 1235
    assert seconds("5.400 s", comma=True) == 5400
    for text in ("1.5", "7.50", "0.500", "1.5h", "1,234.5", "1.2345", "12.34,5"):
        assert "a dot is a thousands mark" in reason(text, comma=True)


def test_comma_without_decimal_comma_is_rejected_unless_a_point_follows() -> None:
    assert seconds("1,234.5", "seconds") == 1235
    assert "write decimal_comma = true" in reason("7,5")
    assert "write decimal_comma = true" in reason("1,5h")
    assert "write decimal_comma = true" in reason("1,25-")
    assert "can be a decimal mark" in reason("5,400", "seconds")


@pytest.mark.parametrize(
    "text",
    ["1d", "1d 2h", "1 day, 2:00:00", "P1D", "P1DT2H", "P1W", "P1M", "1w", "2 Tage", "1 jour"],
)
def test_days_and_weeks_are_rejected(text: str) -> None:
    assert f"not {text!r}: a day or a week is 8 hours in one tool and 24 in another" in reason(text)


@pytest.mark.parametrize(
    "value",
    [
        *("0", "0:00", "0:00:00", "PT0S", "0h", "P0D", 0, 0.0, "0.0", -1, -0.5, Decimal("-1.5")),
        *("-1", "-1:30", "1.25-", "(1.5)", "\N{MINUS SIGN}1.5", "-PT1H", "PT-1H", "-1h 30m"),
    ],
)
def test_zero_and_negative_are_rejected_with_a_hint_at_skip(value: Any) -> None:
    assert f"must be at least one second, not {str(value)!r}" in reason(value)
    assert "[skip]" in reason(value)


def test_minutes_and_seconds_after_a_colon_are_below_60() -> None:
    for text in ("1:60", "0:90", "1:00:60", "1:75:00", "18:60 min"):
        assert "minutes and seconds after a colon must be below 60" in reason(text)


@pytest.mark.parametrize(
    "value",
    [
        *("", " ", "-", "--1", "()", "x", "h", "1 foo", "1h 1h", "30m 1h", "1h5", "1h60", "1:5"),
        *("1:30:00 AM", "1:30 s", "1:2:3:4", "0:01:30:00", "1.02:30:00", "7.", "1.5.2", "1 2 3"),
        *("1.5h 30m", "30m15", "P", "PT", "PT1H30", "PT1.5H30M", "P1H", "1e400", "1e1000"),
        *(
            "½ h",
            "\u0661",
            "\uff11",
            "٣ ساعات",
            "1_000",
            "0x10",
            "nan",
            "inf",
            "1 30 min",
            "1\N{RIGHT SINGLE QUOTATION MARK}5",
        ),
        *(True, False, None, [], {}, float("nan"), float("inf"), Decimal("NaN")),
    ],
)
def test_anything_else_is_rejected(value: Any) -> None:
    assert reason(value).startswith("must be a ")


def test_absurd_value_is_rejected_with_a_short_reason() -> None:
    numbers = (10**5000, -(10**5000), "9" * 5000, "-" * 100_000, " " * 100_000 + "1")
    texts = ("1:30" * 1000, "1h " * 20_000, "1," * 20_000, "P" + "1Y" * 20_000)
    decimals = (Decimal("sNaN"), Decimal("Infinity"), Decimal("1E+999999999"), Decimal("-1E-9999"))
    for value in (*numbers, *texts, *decimals):
        assert len(reason(value)) < 300
    assert seconds(Decimal("1." + "3" * 5000)) == 4800


@pytest.mark.parametrize("value", ["5400", 5400, "5,400.0"])
def test_bare_number_beyond_a_week_names_unit(value: Any) -> None:
    assert f"{str(value)!r} in hours is more than the 168 hours of a week" in reason(value)
    assert 'such as unit = "seconds"' in reason(value)
    assert "unit" not in reason("169:00")


NOTATIONS: dict[str, Callable[[int, int, int], str]] = {
    "clock": lambda h, m, s: f"{h}:{m:02}:{s:02}",
    "padded": lambda h, m, s: f"{h:02}:{m:02}:{s:02}",
    "clock with unit": lambda h, m, s: f"{h}:{m:02}:{s:02} h",
    "minutes and seconds": lambda h, m, s: f"{h * 60 + m}:{s:02} min",
    "ISO": lambda h, m, s: f"PT{h}H{m}M{s}S",
    "ISO, shortest": lambda h, m, s: (
        "PT" + "".join(f"{n}{unit}" for n, unit in ((h, "H"), (m, "M"), (s, "S")) if n)
    ),
    "ISO in seconds": lambda h, m, s: f"PT{h * 3600 + m * 60 + s}S",
    "letters": lambda h, m, s: f"{h}h {m}m {s}s",
    "words": lambda h, m, s: f"{h} hours, {m} minutes and {s} seconds",
    "German": lambda h, m, s: f"{h} Std. {m} Min. {s} Sek.",
    "French": lambda h, m, s: f"{h}\N{NO-BREAK SPACE}heures {m} minutes et {s} secondes",
    "seconds": lambda h, m, s: f"{h * 3600 + m * 60 + s} s",
    "pandas": lambda h, m, s: f"0 days {h:02}:{m:02}:{s:02}",
}


@given(
    total=st.integers(1, MAX_SECONDS), name=st.sampled_from(sorted(NOTATIONS)), comma=st.booleans()
)
def test_duration_round_trips_in_every_notation(*, total: int, name: str, comma: bool) -> None:
    text = NOTATIONS[name](total // 3600, total // 60 % 60, total % 60)
    assert seconds(text, "milliseconds", comma=comma) == total


@given(
    number=st.decimals(0, 10**7, places=6),
    unit=st.sampled_from(sorted(MILLISECONDS)),
    comma=st.booleans(),
)
def test_bare_number_is_rounded_like_exact_arithmetic(
    *, number: Decimal, unit: str, comma: bool
) -> None:
    exact = Fraction(number) * MILLISECONDS[unit] / 1000
    expected = (exact + Fraction(1, 2)).__floor__()
    for value in (f"{number:f}".replace(".", "," if comma else "."), number):
        if 0 < expected <= MAX_SECONDS:
            assert seconds(value, unit, comma=comma) == expected
        else:
            reason(value, unit, comma=comma)


ANY = st.one_of(
    st.text(max_size=80),
    st.text("0123456789.,:'hmsdPTHMS -+()e", max_size=20),
    st.floats(),
    st.integers(),
)


@given(value=ANY, comma=st.booleans())
def test_any_value_is_a_duration_or_rejected_in_words(*, value: Any, comma: bool) -> None:
    try:
        total = seconds(value, comma=comma)
    except ValueError:
        reason(value, comma=comma)
    else:
        assert 0 < total <= MAX_SECONDS
