"""The content of a mapping file: how columns and notations of a source become our fields."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from zoneinfo import ZoneInfo

from client.importing.targets.target import Target
from client.importing.targets.timesheets import TIMESHEETS

FORMATS: Final = ("csv", "ndjson", "json")
"""The formats of a source."""

MAX_SOURCE_CHARACTERS: Final = 100
"""The longest source name that the API stores."""


@dataclass(frozen=True, kw_only=True)
class FieldMapping:
    """The content of a mapping file; the defaults fit rows that already have our names.

    Args:
        fields: By our field's name, a column, a path or a template (see ``expressions``); empty:
            the columns have our names, except the one of the external id. ``end``, of a timesheet
            entry, is there instead of ``hours``: these are end minus date.
        defaults: Values by our field's name, for rows without one.
        external_id: What identifies rows, short for ``fields.external_id``.
        source: The external system's name; empty: the file's name, or the URL's host and path.
        date_format: One or several, tried in order: in ``strptime`` syntax, ``unix``, ``unix_ms``,
            ``excel``, or empty for ISO 8601; none: ISO 8601.
        time_zone: The zone of times without an offset, and of the days; empty: UTC, and the day by
            a time's own offset.
        decimal_comma: Whether hours are written 7,5.
        delimiter: Between the cells of CSV; empty: a comma, or a tab for TSV.
        encoding: Of the text; empty: that of the byte order mark or the media type, or UTF-8.
        since_parameter: The parameter for ``--since`` of a source that is a URL; empty for
            none.
        format: One of ``FORMATS``; empty: by suffix or media type.
        rows: Where the rows are in JSON: member names separated by dots, ``*`` for any member.
        header: The line of the column names of CSV, from 1.
        unit: The unit of a bare number in ``hours``.
        day_columns: The ``strptime`` form of columns whose names are days; empty for none.
        next: Where an answer names the next page; empty: only ``Link: rel="next"`` is followed.
        page_parameter: The parameter of the number of a page.
        offset_parameter: The parameter of the number of rows before a page.
        next_parameter: The parameter of the token that ``next`` names.
        headers: Request headers of the source.
        body: The body of the request, which is then a POST.
        values: By our field: what they say = what we say.
        skip: Rows to leave out: globs by column; any column that fits is enough.
        only: Rows to import: globs by column; all columns must fit.
        extract: By our field: the regular expression of the part of a cell that is meant.
        target: What is imported into: its fields are ours.
    """

    fields: Mapping[str, str] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)
    external_id: str = ""
    source: str = ""
    date_format: str | Sequence[str] = ()
    time_zone: str = ""
    decimal_comma: bool = False
    delimiter: str = ""
    encoding: str = ""
    since_parameter: str = ""
    format: str = ""
    rows: str = ""
    header: int = 1
    unit: str = "hours"
    day_columns: str = ""
    next: str = ""
    page_parameter: str = ""
    offset_parameter: str = ""
    next_parameter: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    values: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    skip: Mapping[str, Sequence[str]] = field(default_factory=dict)
    only: Mapping[str, Sequence[str]] = field(default_factory=dict)
    extract: Mapping[str, str] = field(default_factory=dict)
    target: Target = TIMESHEETS

    @property
    def columns(self) -> dict[str, str]:
        """The expressions to read, by our field's name."""
        columns = self.fields or {name: name for name in self.target.fields}
        return {**columns, "external_id": self.external_id} if self.external_id else dict(columns)

    @property
    def has_external_id(self) -> bool:
        """Whether the mapping names what identifies rows."""
        return bool(self.external_id or "external_id" in self.fields)

    @property
    def date_formats(self) -> tuple[str, ...]:
        """The forms of dates; empty for ISO 8601."""
        if isinstance(self.date_format, str):
            return (self.date_format,) if self.date_format else ()
        return tuple(self.date_format)

    @property
    def zone(self) -> ZoneInfo | None:
        """The time zone; None without one."""
        return ZoneInfo(self.time_zone) if self.time_zone else None
