"""Validates [fields], [defaults] and the keys beside them: which of our fields come from where."""

from collections.abc import Mapping
from typing import Any, Final

from client.importing.mapping.expressions import parse_expression
from client.importing.mapping.field_mapping import MAX_SOURCE_CHARACTERS
from client.importing.mapping.keys import show
from client.importing.suggestions import suggest
from client.importing.targets.timesheets import END, TIMESHEETS

_TABLES: Final = ("fields", "defaults")


def check_fields(content: Mapping[str, Any]) -> None:
    """Validate ``fields``, ``defaults``, ``external_id`` and ``source``.

    Raises:
        ValueError: They are invalid, contradict each other, or lack a field that every row has.
    """
    fields, defaults = content.get("fields", {}), content.get("defaults", {})
    for table in _TABLES:
        _check_names(table, content.get(table, {}))
    for name, text in fields.items():
        _check_expression(f"[fields] {name}", text)
    for name, value in defaults.items():
        _check_default(name, value)
    if "external_id" in content:
        _check_expression("external_id", content["external_id"])
        if "external_id" in fields:
            raise ValueError("external_id is set both in [fields] and outside: remove one of them")
    if "source" in content:
        _check_source(content["source"])
        if "source" in defaults:
            raise ValueError("source is set both in [defaults] and outside: remove one of them")
    if "fields" in content:
        _check_end(fields, defaults)
        _check_complete(fields, defaults)


def _check_names(table: str, content: Mapping[str, Any]) -> None:
    known = (*TIMESHEETS.fields, END)
    for name in content:
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


def _check_default(name: str, value: Any) -> None:
    if type(value) not in {str, int, float} or value == "":
        raise ValueError(f"[defaults] {name} must be a string or a number, not {show(value)}")
    if name == "external_id":
        raise ValueError("[defaults] external_id would be the same for all rows")
    if name in {END, "day"}:
        raise ValueError(f"[defaults] {name} is unsupported: map the column of it in [fields]")


def _check_source(name: str) -> None:
    if not name.strip() or len(name) > MAX_SOURCE_CHARACTERS:
        raise ValueError(f"source must have 1 to {MAX_SOURCE_CHARACTERS} characters")


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


def _check_complete(fields: Mapping[str, Any], defaults: Mapping[str, Any]) -> None:
    """Validate that each row can have the fields that it must have."""
    given = {*fields, *defaults} | ({"hours"} if END in fields else set())
    for name in TIMESHEETS.required:
        if name not in given:
            more = f" (or {END})" if name == "hours" else ""
            raise ValueError(
                f"[fields] must have {name}{more}: name its column, or give it a value in"
                " [defaults]"
            )
    if given.isdisjoint({"date", "day"}) and not given >= {"year", "week"}:
        raise ValueError("[fields] must have date (or year and week): name its column")
    if len(given & {"year", "week"}) == 1:
        raise ValueError("[fields] must have year and week both, or neither")
