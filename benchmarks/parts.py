"""The 10,000 parts in every database, the same for a given seed.

Eight rows share each model number (the equality filter) and each lot word of the description (the
LIKE search); `load.lua` draws both by number. Timestamps are stored in the format that the
competitor writes.
"""

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

SEED: Final = 2018
ROWS_PER_MODEL: Final = 8

COLUMNS: Final = (
    "id",
    "partNumber",
    "modelNumber",
    "name",
    "description",
    "createdAt",
    "updatedAt",
)

_ADJECTIVES: Final = ("Brass", "Hollow", "Left-handed", "Quick", "Sealed", "Short", "Steel", "Twin")
_NOUNS: Final = (
    "Bearing",
    "Bracket",
    "Coupling",
    "Flange",
    "Gasket",
    "Impeller",
    "Valve",
    "Washer",
)
_PHRASES: Final = (
    "fits the second series",
    "not for use above 80 degrees",
    "replaces the cast version",
    "sold by the dozen",
    "supplied without fasteners",
    "tested to twice its rated load",
)


FormatTimestamp = Callable[[datetime], Any]
"""Converts a timestamp to the value that a competitor stores."""


@dataclass(frozen=True, slots=True)
class Part:
    """One row."""

    id: int
    part_number: str
    model_number: str
    name: str
    description: str
    created_at: datetime
    updated_at: datetime

    def to_row(self, format_timestamp: FormatTimestamp) -> tuple[Any, ...]:
        """Return the values in the order of COLUMNS."""
        return (
            self.id,
            self.part_number,
            self.model_number,
            self.name,
            self.description,
            format_timestamp(self.created_at),
            format_timestamp(self.updated_at),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the body with which both servers must respond for this row."""
        return dict(zip(COLUMNS, self.to_row(format_iso), strict=True))


def generate_parts(count: int) -> list[Part]:
    """Return `count` parts, the same on every machine."""
    generator = random.Random(SEED)
    models = count // ROWS_PER_MODEL
    first = datetime(2018, 8, 16, 2, 22, 9, 446_000, tzinfo=UTC)
    parts = []
    for number in range(count):
        created = first + timedelta(milliseconds=number * 61_037)
        phrases = ", ".join(generator.sample(_PHRASES, 2))
        parts.append(
            Part(
                id=number + 1,
                part_number=f"part-{number + 1:05d}",
                # 7919 is prime: rows of one model are spread over the table.
                model_number=f"mod-{number * 7919 % models:04d}",
                name=f"{generator.choice(_ADJECTIVES)} {generator.choice(_NOUNS)}",
                description=f"From lot-{number * 104_729 % models:04d}; {phrases}",
                created_at=created,
                updated_at=created + timedelta(milliseconds=generator.randrange(10**9)),
            )
        )
    return parts


def find_ids(parts: Iterable[Part], attribute: str, substring: str) -> list[int]:
    """Return the ids of the parts whose attribute contains the substring, in id order."""
    return [part.id for part in parts if substring in getattr(part, attribute)]


def format_iso(timestamp: datetime) -> str:
    """Return what this service stores in SQLite and both send: `2018-08-16T02:22:09.446Z`."""
    return timestamp.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def format_sequelize(timestamp: datetime) -> str:
    """Return what Sequelize stores in SQLite: `2018-08-16 02:22:09.446 +00:00`."""
    return timestamp.isoformat(sep=" ", timespec="milliseconds").replace("+00:00", " +00:00")
