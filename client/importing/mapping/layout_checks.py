"""Validates the keys of the layout: the format, and where rows and columns are in it."""

from collections.abc import Mapping
from typing import Any, Final

from client.importing.mapping.expressions import parse_expression
from client.importing.mapping.field_mapping import FORMATS, FieldMapping
from client.importing.notations.date_formats import DateFormat
from encore.client.errors import ConfigurationError

DAY_COLUMN: Final = "day"
CELL_COLUMN: Final = "cell"
"""The columns that ``day_columns`` makes of each filled cell."""

_KEYS: Final = {
    "csv": ("header", "delimiter", "day_columns"),
    "json": ("rows",),
}
"""The keys that have an effect on one format only, those of JSON also on NDJSON."""


def check_layout(content: Mapping[str, Any]) -> None:
    """Validate ``format``, ``rows``, ``header``, ``delimiter``, ``encoding`` and ``day_columns``.

    Raises:
        ValueError: A value is invalid, or a key has no effect on the format.
    """
    file_format = content.get("format")
    if file_format is not None and file_format not in FORMATS:
        raise ValueError(f"format must be {_join(FORMATS)}, not {file_format!r}")
    _check_formats(content, (file_format,) if file_format else ("csv", "json"))
    if "rows" in content:
        _check_path("rows", content["rows"])
    if content.get("header", 1) < 1:
        raise ValueError(
            f"header must be the line of the column names, from 1, not {content['header']}"
        )
    if "delimiter" in content:
        _check_delimiter(content["delimiter"])
    if "encoding" in content:
        _check_encoding(content["encoding"])
    if "day_columns" in content:
        _check_day_columns(content)


def check_format(mapping: FieldMapping, file_format: str) -> None:
    """Validate that all keys of a mapping have an effect on the source's format.

    Raises:
        ConfigurationError: A key has none; the message names it.
    """
    defaults, is_csv = FieldMapping(), file_format in {"csv", "tsv"}
    for format_, keys in _KEYS.items():
        for key in keys:
            is_set = getattr(mapping, key) != getattr(defaults, key)
            if is_set and (format_ == "csv") != is_csv:
                raise ConfigurationError(
                    f"The mapping's {key} has no effect, as the source is {_name(file_format)}:"
                    " remove it, or pass another --format."
                )


def _check_path(key: str, path: str) -> None:
    """Validate a path of members, separated by dots.

    Raises:
        ValueError: A member's name is empty.
    """
    if not all(name.strip() for name in path.split(".")):
        raise ValueError(f"{key} must be names of members, separated by dots, not {path!r}")


def _check_formats(content: Mapping[str, Any], formats: tuple[str, ...]) -> None:
    """Validate that all keys have an effect on one and the same format."""
    csv_keys = [key for key in _KEYS["csv"] if key in content]
    json_keys = [key for key in _KEYS["json"] if key in content]
    if csv_keys and json_keys:
        raise ValueError(
            f"{csv_keys[0]} and {json_keys[0]} exclude each other: {csv_keys[0]} is for CSV,"
            f" {json_keys[0]} for JSON"
        )
    unused = csv_keys if "csv" not in formats else json_keys if formats == ("csv",) else []
    if unused:
        raise ValueError(f"{unused[0]} has no effect on {_name(formats[0])}: remove it")


def _check_delimiter(delimiter: str) -> None:
    if len(delimiter) != 1 or delimiter in '"\r\n':
        raise ValueError(f"delimiter must be one character other than a quote, not {delimiter!r}")


def _check_encoding(name: str) -> None:
    try:
        "a".encode(name)
    except (LookupError, ValueError) as error:
        raise ValueError(f"encoding {name!r} is unknown") from error


def _check_day_columns(content: Mapping[str, Any]) -> None:
    """Validate the form of the columns, and that their days and cells are used."""
    form = content["day_columns"]
    if "%" not in form:
        raise ValueError(
            f"day_columns must be the form of the columns' names, such as %Y-%m-%d, not {form!r}"
        )
    try:
        has_time = DateFormat(form).has_time
    except ValueError as error:
        raise ValueError(f"day_columns {error}") from error
    if has_time:
        raise ValueError(f"day_columns must be the form of days, without a time, not {form!r}")
    named = {
        name for text in content.get("fields", {}).values() for name in parse_expression(text).names
    }
    for column in (DAY_COLUMN, CELL_COLUMN):
        if column not in named:
            field = "date" if column == DAY_COLUMN else "hours"
            raise ValueError(
                f'day_columns needs the column {column!r}: write {field} = "{column}" in [fields]'
            )


def _join(names: tuple[str, ...]) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]}"


def _name(file_format: str) -> str:
    return file_format.upper()
