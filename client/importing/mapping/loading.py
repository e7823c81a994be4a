"""Reads and validates a mapping file (TOML)."""

import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from client.errors import ConfigurationError
from client.importing.mapping.field_mapping import MAX_SOURCE_CHARACTERS, FieldMapping
from client.importing.mapping.source_keys import validate_headers, validate_paging
from client.importing.notations.date_formats import check_date_format
from client.importing.suggestions import suggest
from client.importing.targets.timesheets import TIMESHEETS

SUPPORTED: Final = (
    "fields",
    "defaults",
    "external_id",
    "source",
    "date_format",
    "time_zone",
    "decimal_comma",
    "delimiter",
    "encoding",
    "since_parameter",
    "next",
    "page_parameter",
    "offset_parameter",
    "next_parameter",
    "headers",
    "body",
)
_TYPE_NAMES: Final = {dict: "a table", str: "a string", bool: "true or false"}


def load_mapping(path: Path) -> FieldMapping:
    """Read and validate a mapping file.

    Raises:
        ConfigurationError: The file cannot be read, or its content is invalid.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise ConfigurationError(f"{path} is not TOML in UTF-8: {error}.") from error
    try:
        return _build_mapping(content)
    except ValueError as error:
        raise ConfigurationError(f"{path}: {error}.") from error


def _build_mapping(content: dict[str, Any]) -> FieldMapping:
    defaults = FieldMapping()
    for name, value in content.items():
        if name not in SUPPORTED:
            raise ValueError(f"{name!r} is unknown{suggest(name, SUPPORTED)}")
        type_ = str if name == "date_format" else type(getattr(defaults, name))
        if type(value) is not type_:
            raise ValueError(f"{name} must be {_TYPE_NAMES[type_]}, not {value!r}")
    for name, validate in _VALIDATORS.items():
        if name in content:
            validate(content[name])
    mapping = FieldMapping(**content)
    if mapping.external_id and "external_id" in mapping.fields:
        raise ValueError("external_id is set both in [fields] and outside")
    validate_paging(mapping)
    return mapping


def _validate_names(table: str, content: Mapping[str, Any]) -> None:
    for name in content:
        if name not in TIMESHEETS.fields:
            raise ValueError(
                f"[{table}] {name!r} is not one of our fields{suggest(name, TIMESHEETS.fields)}"
            )


def _validate_fields(content: Mapping[str, Any]) -> None:
    _validate_names("fields", content)
    for name, column in content.items():
        if not isinstance(column, str) or not column:
            raise ValueError(f"[fields] {name} must be the name of a column, not {column!r}")


def _validate_defaults(content: Mapping[str, Any]) -> None:
    _validate_names("defaults", content)
    for name, value in content.items():
        if type(value) not in {str, int, float}:
            raise ValueError(f"[defaults] {name} must be a string or a number, not {value!r}")
    if "external_id" in content:
        raise ValueError("[defaults] external_id would be the same for all rows")


def _validate_source(name: str) -> None:
    if len(name) > MAX_SOURCE_CHARACTERS:
        raise ValueError(f"source must have at most {MAX_SOURCE_CHARACTERS} characters")


def _validate_date_format(format_: str) -> None:
    try:
        check_date_format(format_)
    except ValueError as error:
        raise ValueError(f"date_format {error}") from error


def _validate_time_zone(name: str) -> None:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"time_zone {name!r} is not known to this machine") from error


def _validate_delimiter(delimiter: str) -> None:
    if len(delimiter) != 1 or delimiter in '"\r\n':
        raise ValueError(f"delimiter must be one character other than a quote, not {delimiter!r}")


def _validate_encoding(name: str) -> None:
    try:
        "a".encode(name)
    except (LookupError, ValueError) as error:
        raise ValueError(f"encoding {name!r} is unknown") from error


_VALIDATORS: Final[Mapping[str, Callable[[Any], None]]] = {
    "fields": _validate_fields,
    "defaults": _validate_defaults,
    "source": _validate_source,
    "date_format": _validate_date_format,
    "time_zone": _validate_time_zone,
    "delimiter": _validate_delimiter,
    "encoding": _validate_encoding,
    "headers": validate_headers,
}
