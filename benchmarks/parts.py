"""The 10,000 parts that every server is given, the same for a given seed.

Eight rows share each model number (the equality filter) and each lot word inside the
description (the LIKE search); `load.lua` draws both by number. Dates go into the columns
in the form that the stack itself writes.
"""

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

SEED = 2018
ROWS_PER_MODEL = 8

COLUMNS = ("id", "partNumber", "modelNumber", "name", "description", "createdAt", "updatedAt")

_ADJECTIVES = ("Brass", "Hollow", "Left-handed", "Quick", "Sealed", "Short", "Steel", "Twin")
_NOUNS = ("Bearing", "Bracket", "Coupling", "Flange", "Gasket", "Impeller", "Valve", "Washer")
_PHRASES = (
    "fits the second series",
    "not for use above 80 degrees",
    "replaces the cast version",
    "sold by the dozen",
    "supplied without fasteners",
    "tested to twice its rated load",
)


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

    def row(self, stamp: Callable[[datetime], Any]) -> tuple[Any, ...]:
        """Return the values in the order of COLUMNS, dates in the form the stack stores."""
        return (
            self.id,
            self.part_number,
            self.model_number,
            self.name,
            self.description,
            stamp(self.created_at),
            stamp(self.updated_at),
        )

    def json(self) -> dict[str, Any]:
        """Return the body that both servers must answer for this row."""
        return dict(zip(COLUMNS, self.row(iso_text), strict=True))


def generate(count: int) -> list[Part]:
    """Return the first `count` parts; the same ones on every machine."""
    chosen = random.Random(SEED)
    models = count // ROWS_PER_MODEL
    first = datetime(2018, 8, 16, 2, 22, 9, 446_000, tzinfo=UTC)
    parts = []
    for number in range(count):
        created = first + timedelta(milliseconds=number * 61_037)
        phrases = ", ".join(chosen.sample(_PHRASES, 2))
        parts.append(
            Part(
                id=number + 1,
                part_number=f"part-{number + 1:05d}",
                # 7919 is prime: rows of one model lie apart, so a scan cannot stop early.
                model_number=f"mod-{number * 7919 % models:04d}",
                name=f"{chosen.choice(_ADJECTIVES)} {chosen.choice(_NOUNS)}",
                description=f"From lot-{number * 104_729 % models:04d}; {phrases}",
                created_at=created,
                updated_at=created + timedelta(milliseconds=chosen.randrange(10**9)),
            )
        )
    return parts


def matching(parts: Iterable[Part], attribute: str, text: str) -> list[int]:
    """Return the ids of the parts whose attribute contains the text, in id order."""
    return [part.id for part in parts if text in getattr(part, attribute)]


def iso_text(moment: datetime) -> str:
    """Return what this service stores on SQLite and both send: `2018-08-16T02:22:09.446Z`."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def sequelize_text(moment: datetime) -> str:
    """Return what Sequelize stores on SQLite: `2018-08-16 02:22:09.446 +00:00`."""
    return moment.isoformat(sep=" ", timespec="milliseconds").replace("+00:00", " +00:00")
