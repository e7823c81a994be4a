"""The mapping file: how the external tool's columns and notations become our fields (TOML)."""

import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from client.errors import ConfigurationError

FIELDS: Final = (
    "user_type",
    "user_id",
    "date",
    "year",
    "week",
    "project",
    "hours",
    "source",
    "external_id",
)
"""What an entry is made of, in our names."""

_ANY_DAY: Final = date(2017, 11, 23)

SOURCE_CHARACTERS: Final = 100
"""The API keeps no longer name of a source."""


@dataclass(frozen=True, kw_only=True)
class FieldMapping:
    """What a mapping file says; as it is, it fits rows that already have our names.

    Args:
        fields: Column names by our field's name; empty: the columns have our names, but for
            the one of the external id.
        defaults: Values by our field's name, for rows without one.
        external_id: The column that tells rows apart, short for ``fields.external_id``.
        source: The external system's name; empty: the file's name, or the URL's host and path.
        date_format: As ``strptime`` has it; empty for ISO 8601.
        time_zone: Where times without an offset are meant.
        decimal_comma: Whether hours are written 7,5.
        delimiter: Between the cells of CSV.
        encoding: Of the text; a byte order mark is passed over.
        since_parameter: The query parameter by which a URL takes ``--since``; empty for none.
    """

    fields: Mapping[str, str] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    external_id: str = ""
    source: str = ""
    date_format: str = ""
    time_zone: str = "UTC"
    decimal_comma: bool = False
    delimiter: str = ","
    encoding: str = "utf-8"
    since_parameter: str = ""

    @property
    def columns(self) -> dict[str, str]:
        """The columns to read, by our field's name."""
        named = self.fields or {name: name for name in FIELDS}
        return {**named, "external_id": self.external_id} if self.external_id else dict(named)

    @property
    def names_ids(self) -> bool:
        """Whether it says which column tells rows apart."""
        return bool(self.external_id or "external_id" in self.fields)

    @property
    def zone(self) -> ZoneInfo:
        """The time zone."""
        return ZoneInfo(self.time_zone)


def load_mapping(path: Path) -> FieldMapping:
    """Read a mapping file.

    Raises:
        ConfigurationError: It cannot be read, or something in it is wrong.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise ConfigurationError(f"{path} is not TOML in UTF-8: {error}.") from error
    try:
        return _check(content)
    except ValueError as error:
        raise ConfigurationError(f"{path}: {error}.") from error


def nearest(name: str, known: Sequence[str]) -> str:
    """Give a hint at the known name that was probably meant, to be put behind a statement."""
    close = get_close_matches(name, known, 1)
    return f" (did you mean {close[0]}?)" if close else f" (known are {', '.join(known)})"


def _check(content: dict[str, Any]) -> FieldMapping:
    defaults = FieldMapping()
    known = tuple(one.name for one in fields(FieldMapping))
    for name, value in content.items():
        if name not in known:
            raise ValueError(f"{name!r} is unknown{nearest(name, known)}")
        wanted = type(getattr(defaults, name))
        if type(value) is not wanted:
            raise ValueError(f"{name} must be {_TYPES[wanted]}, not {value!r}")
    for name, check in _CHECKS.items():
        if name in content:
            check(content[name])
    mapping = FieldMapping(**content)
    if mapping.external_id and "external_id" in mapping.fields:
        raise ValueError("external_id stands both in [fields] and outside")
    return mapping


_TYPES: Final = {dict: "a table", str: "text", bool: "true or false"}


def _check_names(table: str, content: Mapping[str, Any]) -> None:
    for name in content:
        if name not in FIELDS:
            raise ValueError(f"[{table}] {name!r} is none of our fields{nearest(name, FIELDS)}")


def _check_fields(content: Mapping[str, Any]) -> None:
    _check_names("fields", content)
    for name, column in content.items():
        if not isinstance(column, str) or not column:
            raise ValueError(f"[fields] {name} must be the name of a column, not {column!r}")


def _check_defaults(content: Mapping[str, Any]) -> None:
    _check_names("defaults", content)
    for name, value in content.items():
        if type(value) not in {str, int, float}:
            raise ValueError(f"[defaults] {name} must be text or a number, not {value!r}")
    if "external_id" in content:
        raise ValueError("[defaults] external_id would be the same for all rows")


def _check_source(name: str) -> None:
    if len(name) > SOURCE_CHARACTERS:
        raise ValueError(f"source must have at most {SOURCE_CHARACTERS} characters")


def _check_date_format(form: str) -> None:
    if not form:
        return
    try:
        read = datetime.strptime(_ANY_DAY.strftime(form), form)  # noqa: DTZ007 - only its day.
    except ValueError as error:
        raise ValueError(f"date_format {form!r} is not understood by strptime") from error
    if read.date() != _ANY_DAY:
        raise ValueError(f"date_format {form!r} does not tell day, month and year")


def _check_zone(name: str) -> None:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"time_zone {name!r} is not known to this machine") from error


def _check_delimiter(text: str) -> None:
    if len(text) != 1 or text in '"\r\n':
        raise ValueError(f"delimiter must be one character, and no quote, not {text!r}")


def _check_encoding(name: str) -> None:
    try:
        "a".encode(name)
    except (LookupError, ValueError) as error:
        raise ValueError(f"encoding {name!r} is not known") from error


_CHECKS: Final[Mapping[str, Callable[[Any], None]]] = {
    "fields": _check_fields,
    "defaults": _check_defaults,
    "source": _check_source,
    "date_format": _check_date_format,
    "time_zone": _check_zone,
    "delimiter": _check_delimiter,
    "encoding": _check_encoding,
}
