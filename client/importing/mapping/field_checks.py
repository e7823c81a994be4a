"""Validates [fields], [defaults] and the keys beside them: which of our fields come from where."""

from collections.abc import Collection, Mapping
from typing import Any, Final

from client.importing.mapping.expressions import parse_expression
from client.importing.mapping.field_mapping import MAX_SOURCE_CHARACTERS
from client.importing.mapping.keys import show
from client.importing.suggestions import suggest
from client.importing.targets.target import Target
from client.importing.targets.timesheets import END, mappable_kinds

_TABLES: Final = ("fields", "defaults")


def check_fields(content: Mapping[str, Any], target: Target) -> None:
    """Validate ``fields``, ``defaults``, ``external_id`` and ``source``.

    Raises:
        ValueError: They are invalid, contradict each other, or lack a field that every row has.
    """
    fields, defaults = content.get("fields", {}), content.get("defaults", {})
    for table in _TABLES:
        _check_names(table, content.get(table, {}), target)
    for name, text in fields.items():
        _check_expression(f"[fields] {name}", text)
    for name, value in defaults.items():
        _check_default(name, value, target)
    if "external_id" in content:
        _check_external_id(content["external_id"], fields, target)
    if "source" in content:
        _check_source(content["source"])
        if "source" in defaults:
            raise ValueError("source is set both in [defaults] and outside: remove one of them")
    if "fields" in content:
        _check_required({*fields, *defaults}, target)
        if target.is_timesheets:
            _check_end(fields, defaults)
            _check_period({*fields, *defaults})


def _check_names(table: str, content: Mapping[str, Any], target: Target) -> None:
    known = tuple(mappable_kinds(target))
    for name in content:
        if name in target.read_only:
            raise ValueError(f"[{table}] {name} is read-only: the API sets it, so remove it")
        if name not in known:
            raise ValueError(f"[{table}] {name!r} is not one of our fields{suggest(name, known)}")


def _check_expression(key: str, text: Any) -> None:
    if not isinstance(text, str):
        raise ValueError(  # noqa: TRY004 - for the user.
            f"{key} must be the name of a column, a path or a template, not {show(text)}"
        )
    try:
        parse_expression(text)
    except ValueError as error:
        raise ValueError(f"{key} {error}") from error


def _check_default(name: str, value: Any, target: Target) -> None:
    is_flag = type(value) is bool and target.kinds.get(name) == "boolean"
    if not (is_flag or type(value) in {str, int, float}) or value == "":
        raise ValueError(f"[defaults] {name} must be a string or a number, not {show(value)}")
    if name in target.key:
        raise ValueError(f"[defaults] {name} would identify all rows alike")
    if not target.is_timesheets:
        return
    if name == "external_id":
        raise ValueError("[defaults] external_id would be the same for all rows")
    if name in {END, "day"}:
        raise ValueError(f"[defaults] {name} is unsupported: map the column of it in [fields]")


def _check_external_id(text: Any, fields: Mapping[str, Any], target: Target) -> None:
    if not target.is_timesheets:
        raise ValueError(
            f"external_id has no effect: {','.join(target.key)} identifies rows of {target.name}"
        )
    _check_expression("external_id", text)
    if "external_id" in fields:
        raise ValueError("external_id is set both in [fields] and outside: remove one of them")


def _check_source(name: str) -> None:
    if not name.strip() or len(name) > MAX_SOURCE_CHARACTERS:
        raise ValueError(f"source must have 1 to {MAX_SOURCE_CHARACTERS} characters")
    if not name.isprintable():
        raise ValueError(f"source must not contain control characters: {name!r}")


def _check_end(fields: Mapping[str, Any], defaults: Mapping[str, Any]) -> None:
    """Validate ``end``, which stands for hours."""
    if END not in fields:
        return
    for table, content in zip(_TABLES, (fields, defaults), strict=True):
        if "hours" in content:
            raise ValueError(
                f"[fields] end and [{table}] hours exclude each other: the hours are end minus"
                " date, so remove one of them"
            )
    if "date" not in fields:
        raise ValueError("[fields] end needs date: the hours are end minus date")


def _check_required(given: Collection[str], target: Target) -> None:
    """Validate that each row can have the fields that it must have."""
    for name in dict.fromkeys((*target.required, *target.key)):
        if name not in given and not (name == "hours" and END in given):
            more = f" (or {END})" if name == "hours" and target.is_timesheets else ""
            raise ValueError(
                f"[fields] must have {name}{more}: name its column, or give it a value in"
                " [defaults]"
            )


def _check_period(given: Collection[str]) -> None:
    if {"date", "day"}.isdisjoint(given) and not {"year", "week"}.issubset(given):
        raise ValueError("[fields] must have date (or year and week): name its column")
    if ("year" in given) != ("week" in given):
        raise ValueError("[fields] must have year and week both, or neither")
