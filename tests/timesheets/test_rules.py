"""The rules of one entry, by hypothesis: which period it counts for, which hours it may have."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from api.resources.timesheets.rules import EntryRules, merged, weeks_of
from encore import ValidationErrors
from encore.errors import ValidationFailed

RULES = EntryRules(Decimal(10))
YEARS = st.integers(1970, 9998)
ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
MOMENTS = st.datetimes(datetime(1971, 1, 1), datetime(9997, 12, 31), timezones=ZONES)  # noqa: DTZ001 - the zones are drawn
CENTIHOURS = st.integers(-30_000, 30_000).map(lambda units: Decimal(units).scaleb(-2))


def breaches(entry: dict[str, Any]) -> dict[str, str]:
    """Apply the rules; give what they say of each field."""
    errors = ValidationErrors()
    RULES.apply(entry, errors)
    try:
        errors.check()
    except ValidationFailed as refusal:
        return {str(error["field"]): str(error["message"]) for error in refusal.errors}  # type: ignore[index]
    return {}


@given(YEARS, st.integers(-10, 99))
@example(2020, 53)
@example(2021, 53)
@example(2026, 53)
def test_a_week_is_taken_if_its_year_has_it_and_counts_by_its_thursday(
    year: int, week: int
) -> None:
    entry: dict[str, Any] = {"year": year, "week": week}
    found = breaches(entry)
    last = date(year, 12, 28).isocalendar().week
    if 1 <= week <= last:
        assert not found
        assert entry["day"].isocalendar() == (year, week, 4)
    else:
        assert found == {"week": f"week must be between 1 and {last} in {year}, not {week}"}


@given(YEARS)
def test_a_year_has_53_weeks_if_it_begins_or_ends_with_a_thursday(year: int) -> None:
    begins, ends = date(year, 1, 1).isoweekday(), date(year, 12, 31).isoweekday()
    assert weeks_of(year) == (53 if 4 in (begins, ends) else 52)


@given(MOMENTS)
@example(datetime(2021, 1, 3, 23, 59, tzinfo=UTC))
@example(datetime(2021, 1, 4, 0, 30, tzinfo=timezone(timedelta(hours=1))))
@example(datetime(2020, 12, 31, 23, 30, tzinfo=timezone(timedelta(hours=-1))))
def test_a_date_counts_for_its_day_and_week_in_utc(moment: datetime) -> None:
    entry: dict[str, Any] = {"date": moment}
    assert not breaches(entry)
    assert entry["day"] == moment.astimezone(UTC).date()
    assert (entry["year"], entry["week"]) == entry["day"].isocalendar()[:2]


@given(MOMENTS, st.integers(1, 53))
def test_a_week_beside_a_date_must_be_the_dates(moment: datetime, week: int) -> None:
    own = moment.astimezone(UTC).isocalendar()
    found = breaches({"date": moment, "year": own.year, "week": week})
    if week == own.week:
        assert not found
    else:
        assert found == {"week": f"week must be {own.week}, as the date says, not {week}"}


@given(CENTIHOURS, st.booleans())
def test_hours_are_more_than_0_and_at_most_a_days_or_a_weeks(hours: Decimal, dated: bool) -> None:  # noqa: FBT001 - drawn
    when: dict[str, Any] = {"date": datetime(2017, 5, 10, tzinfo=UTC)}
    if not dated:
        when = {"year": 2017, "week": 19}
    limit, span = (10, "day") if dated else (168, "week")
    found = breaches({**when, "hours": hours})
    if hours <= 0:
        assert found == {"hours": f"hours must be more than 0, not {hours}"}
    elif hours > limit:
        assert found == {"hours": f"hours must be at most {limit} a {span}, not {hours}"}
    else:
        assert not found


@given(MOMENTS, MOMENTS)
def test_a_new_date_settles_the_week_anew(before: datetime, after: datetime) -> None:
    entry: dict[str, Any] = {"date": before}
    RULES.apply(entry, ValidationErrors())
    changed = merged(entry, {"date": after})
    assert not breaches(changed)
    assert (changed["year"], changed["week"]) == after.astimezone(UTC).isocalendar()[:2]
