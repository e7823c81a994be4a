"""Validates [values.FIELD] and [extract]: what cells say, and what is meant by it."""

import re
import warnings
from collections.abc import Collection, Mapping
from typing import Any, Final

from client.importing.mapping.keys import show
from client.importing.suggestions import suggest
from client.importing.targets.target import Target
from client.importing.targets.timesheets import mappable_kinds

WILDCARD: Final = "*"
"""The key of [values.FIELD] for all values that the table does not list."""


def check_values(content: Mapping[str, Any], target: Target) -> None:
    """Validate ``values`` and ``extract``.

    Raises:
        ValueError: A field is not mapped, or a table or a regular expression is invalid.
    """
    mapped, known = _mapped_fields(content, target), mappable_kinds(target)
    for field, table in content.get("values", {}).items():
        _check_mapped(f"[values.{field}]", field, mapped, known)
        _check_table(field, table, flags=known.get(field) == "boolean")
    for field, regex in content.get("extract", {}).items():
        _check_mapped(f"[extract] {field}", field, mapped, known)
        _check_regex(field, regex)


def _mapped_fields(content: Mapping[str, Any], target: Target) -> tuple[str, ...]:
    fields = tuple(content.get("fields") or target.fields)
    return (*fields, "external_id") if "external_id" in content else fields


def _check_mapped(key: str, field: str, mapped: tuple[str, ...], known: Collection[str]) -> None:
    if field in mapped:
        return
    if field in known:
        raise ValueError(f"{key} has no effect: map {field} in [fields], or remove it")
    raise ValueError(f"{key}: {field!r} is not one of our fields{suggest(field, mapped)}")


def _check_table(field: str, table: Any, *, flags: bool) -> None:
    if not isinstance(table, dict) or not table:
        raise ValueError(
            f"[values.{field}] must be a table of what they say = what we say, not {show(table)}"
        )
    for name, value in table.items():
        if type(value) not in {str, int, float} and not (flags and type(value) is bool):
            raise ValueError(
                f"[values.{field}] {name!r} must be a string or a number, not {show(value)}"
            )


def _check_regex(field: str, regex: Any) -> None:
    key = f"[extract] {field}"
    if not isinstance(regex, str):
        raise ValueError(  # noqa: TRY004 - for the user.
            f"{key} must be a regular expression, not {show(regex)}"
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            compiled = re.compile(regex)
    except (re.error, Warning, OverflowError, RecursionError) as error:
        raise ValueError(f"{key} {regex!r} is not a regular expression: {error}") from error
    if not compiled.groups:
        raise ValueError(
            f"{key} {regex!r} has no group: put parentheses around the part that is meant"
        )
