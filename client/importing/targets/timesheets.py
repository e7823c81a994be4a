"""Timesheets as a target."""

from typing import Final

from client.importing.targets.target import Target

TIMESHEETS: Final = Target(
    name="timesheets",
    fields=(
        "user_type",
        "user_id",
        "date",
        "year",
        "week",
        "project",
        "hours",
        "source",
        "external_id",
    ),
    required=("user_id", "project", "hours"),
)
"""The entries; whether one has a date or a week is validated by the API."""
