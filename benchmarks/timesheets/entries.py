"""Generated timesheet entries, the same for the same seed.

ABC Inc. of the Auth0 sample has some 100 employees and outsources to contractors. Each person works
on one to three projects a day, in quarters of an hour, with holidays and days off; some dates have
another UTC offset, as an external tool's would::

    python -m benchmarks.timesheets.entries --rows 1000 --format csv > entries.csv
"""

import argparse
import csv
import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime, time, timedelta, timezone
from itertools import islice
from random import Random
from typing import Final, TextIO

EMPLOYEES: Final = 100
CONTRACTORS: Final = 40
FIRST_DAY: Final = date(2016, 1, 4)
"""A Monday, in the first ISO week of the seed's year."""

PROJECTS: Final = tuple(
    f"{first}{second}"
    for first in ("Store", "Cloud", "Field", "Data", "Plant")
    for second in ("Zero", "One", "Bridge", "Works", "Line", "Care")
)
_QUARTERS_A_DAY: Final = (28, 36)
_DAYS_A_WEEK: Final = 5
_PRESENCE: Final = 0.92
_OFFSETS_HOURS: Final = (0, 0, 2, -5, -9)
"""At UTC-9 an afternoon is on the next day in UTC."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the external tool, with the API's field names.

    Attributes:
        date: ISO 8601 with an offset.
        hours: A string with two decimals, never a float.
    """

    external_id: str
    source: str
    user_type: str
    user_id: str
    date: str
    project: str
    hours: str


def entries(
    seed: int = 1, *, source: str = "tempus", first_day: date = FIRST_DAY
) -> Iterator[Entry]:
    """Generate entries day by day, without end; a year has some 67,000."""
    random = Random(seed)
    people = [_create_person(number) for number in range(EMPLOYEES + CONTRACTORS)]
    number, day = 0, first_day
    while True:
        if day.weekday() < _DAYS_A_WEEK:
            for user_type, user_id in people:
                for timestamp, project, quarters in _generate_day(random, day):
                    number += 1
                    hours = f"{quarters // 4}.{quarters % 4 * 25:02d}"
                    yield Entry(
                        f"T-{seed}-{number}", source, user_type, user_id, timestamp, project, hours
                    )
        day += timedelta(days=1)


def year_of(seed: int = 1, year: int = 2016) -> Iterator[Entry]:
    """Generate the entries of the 52 weeks that begin with the first ISO week of a year."""
    first = date.fromisocalendar(year, 1, 1)
    end = first + timedelta(weeks=52)
    for entry in entries(seed, first_day=first):
        if datetime.fromisoformat(entry.date).date() >= end:
            return
        yield entry


def _create_person(number: int) -> tuple[str, str]:
    user_type = "Employee" if number < EMPLOYEES else "Contractor"
    return user_type, f"{number:03d}"


def _generate_day(random: Random, day: date) -> Iterator[tuple[str, str, int]]:
    """Generate timestamp, project and quarters of an hour of a person's day; none on a day off."""
    if random.random() > _PRESENCE:
        return
    left = random.randint(*_QUARTERS_A_DAY)
    projects = random.sample(PROJECTS, random.randint(1, 3))
    for rank, project in enumerate(projects):
        last = rank == len(projects) - 1
        quarters = left if last else random.randint(1, left // 2)
        left -= quarters
        zone = timezone(timedelta(hours=random.choice(_OFFSETS_HOURS)))
        at = time(9 + 3 * rank, random.randrange(60), random.randrange(60), random.randrange(1000))
        timestamp = datetime.combine(day, at.replace(microsecond=at.microsecond * 1000), zone)
        yield timestamp.isoformat(timespec="milliseconds"), project, quarters


def write_csv(rows: Iterable[Entry], stream: TextIO) -> None:
    """Write a header and the rows."""
    names = [field.name for field in fields(Entry)]
    writer = csv.DictWriter(stream, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(row) for row in rows)


def write_ndjson(rows: Iterable[Entry], stream: TextIO) -> None:
    """Write one JSON object a line."""
    stream.writelines(to_json(row) + "\n" for row in rows)


def write_json(rows: Iterable[Entry], stream: TextIO) -> None:
    """Write one JSON array."""
    stream.write("[")
    stream.writelines((",\n" if number else "") + to_json(row) for number, row in enumerate(rows))
    stream.write("]\n")


def to_json(row: Entry) -> str:
    """Return a row as JSON with its hours as a number."""
    members = asdict(row)
    members["hours"] = float(row.hours)
    return json.dumps(members)


WRITERS: Final = {"csv": write_csv, "ndjson": write_ndjson, "json": write_json}


def main() -> None:
    """Write entries to standard output."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.timesheets.entries")
    parser.add_argument("--rows", type=int, default=1000, metavar="N")
    parser.add_argument("--seed", type=int, default=1, metavar="N")
    parser.add_argument("--format", choices=sorted(WRITERS), default="csv")
    options = parser.parse_args()
    WRITERS[options.format](islice(entries(options.seed), options.rows), sys.stdout)


if __name__ == "__main__":
    main()
