"""Timesheets as a target."""

from collections.abc import Mapping
from typing import Final

from client.importing.targets.target import Kind, Target

TIMESHEETS: Final = Target(
    name="timesheets",
    kinds={
        "user_id": "string",
        "user_type": "string",
        "date": "timestamp",
        "day": "date",
        "year": "integer",
        "week": "integer",
        "project": "string",
        "hours": "duration",
        "source": "string",
        "external_id": "string",
    },
    required=("user_id", "project", "hours"),
)
"""The entries; whether one has a date or a week is validated by the API."""

END: Final = "end"
"""The field of a mapping, not of the API, from which and the date the hours are computed."""


def mappable_kinds(target: Target) -> Mapping[str, Kind]:
    """Return the kinds of all fields that a mapping may have, by name."""
    return {**target.kinds, END: "timestamp"} if target.is_timesheets else target.kinds
