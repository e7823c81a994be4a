"""Timesheets as a target."""

from typing import Final

from client.importing.targets.target import Target

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
