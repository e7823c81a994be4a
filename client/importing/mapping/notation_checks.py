"""Validates the keys of notations: dates, time zones, units and decimal commas."""

from collections.abc import Mapping
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from client.importing.mapping.keys import as_strings
from client.importing.notations.date_formats import check_date_format
from client.importing.notations.duration_units import MILLISECONDS
from client.importing.suggestions import suggest
from client.importing.targets.target import Kind, Target
from client.importing.targets.timesheets import mappable_kinds

UNITS: Final = tuple(MILLISECONDS)
_USED_BY: Final[Mapping[str, tuple[Kind, ...]]] = {
    "date_format": ("timestamp", "date"),
    "time_zone": ("timestamp", "date"),
    "unit": ("duration",),
    "decimal_comma": ("duration", "number", "decimal"),
}
"""The kinds of fields that the keys have an effect on."""


def check_notations(content: Mapping[str, Any], target: Target) -> None:
    """Validate ``date_format``, ``time_zone``, ``unit`` and ``decimal_comma``.

    Raises:
        ValueError: A notation is unknown, or no field is mapped that has it.
    """
    if "date_format" in content:
        _check_date_formats(as_strings(content["date_format"]))
    if "time_zone" in content:
        _check_time_zone(content["time_zone"])
    if "unit" in content and content["unit"] not in UNITS:
        unit = content["unit"]
        raise ValueError(f"unit {unit!r} is unknown{suggest(unit, UNITS)}")
    kinds = mappable_kinds(target)
    mapped = content.get("fields") or target.fields
    for key, used_by in _USED_BY.items():
        users = [name for name, kind in kinds.items() if kind in used_by]
        if not content.get(key) or any(name in mapped for name in users):
            continue
        if users:
            raise ValueError(
                f"{key} has no effect: map {' or '.join(users)} in [fields], or remove it"
            )
        raise ValueError(f"{key} has no effect: no field of {target.name} has it, so remove it")


def _check_date_formats(formats: tuple[str, ...]) -> None:
    for format_ in formats:
        if formats.count(format_) > 1:
            raise ValueError(f"date_format {format_!r} is listed more than once")
        try:
            check_date_format(format_)
        except ValueError as error:
            raise ValueError(f"date_format {error}") from error


def _check_time_zone(name: str) -> None:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(
            f"time_zone {name!r} is not known to this machine: write one such as Europe/Berlin"
        ) from error
