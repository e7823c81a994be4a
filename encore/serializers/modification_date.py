"""The modification date of a row, for ``Last-Modified`` and ``If-Unmodified-Since``.

It is the one managed ``UtcDateTime`` that each update sets, as ``updatedAt`` of the mixin
``Timestamps``; in whole seconds, as HTTP dates are. Rows of other models have none.
"""

import re
from calendar import timegm
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any, Final

from encore.database.statement import Row
from encore.http.entity_tags import format_http_date
from encore.models.fields import Field, Fields
from encore.types import UtcDateTime, parse_datetime

_CACHE_SIZE: Final = 4_096
_STORED: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)[ T]((?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d)(?:\.\d{1,6})?Z?",
    re.ASCII,
)
"""What a ``UtcDateTime`` is in SQLite: UTC."""


class ModificationDate:
    """Reads the modification dates of the rows of one model.

    Args:
        fields: The fields of the model; rows have their columns in this order.

    Attributes:
        exists: Whether the model has one.
    """

    def __init__(self, fields: Fields) -> None:
        found = [index for index, field in enumerate(fields) if _is_modification_date(field)]
        self.exists = len(found) == 1
        self._index = found[0] if found else 0

    def header(self, row: Row) -> bytes | None:
        """Return the value of ``Last-Modified``; None if the row has no date."""
        return _header(row[self._index]) if self.exists else None

    def seconds(self, row: Row) -> int | None:
        """Return the date in seconds since 1970, rounded down; None if the row has no date."""
        return _seconds(row[self._index]) if self.exists else None


def _is_modification_date(field: Field) -> bool:
    is_kept = field.managed and not field.computed and field.column.onupdate is not None
    return is_kept and isinstance(field.column.type, UtcDateTime)


def _header(value: Any) -> bytes | None:
    """Return the HTTP date of a driver value: days are cached, since nearly all times differ."""
    if type(value) is str and (stored := _STORED.fullmatch(value)) is not None:
        day = _day(stored[1])
        return None if day is None else day + stored[2].encode() + b" GMT"
    if type(value) is datetime and value.tzinfo is UTC:  # As PostgreSQL's driver returns it.
        day = _day(value.date().isoformat())
        time = b"%02d:%02d:%02d GMT" % (value.hour, value.minute, value.second)
        return None if day is None else day + time
    seconds = _seconds(value)
    return None if seconds is None else format_http_date(seconds).encode()


@lru_cache(_CACHE_SIZE)
def _day(text: str) -> bytes | None:
    """Return the beginning of an HTTP date: ``Fri, 27 Nov 2026``, with a space at the end."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    seconds = timegm(day.timetuple())
    return format_http_date(seconds).removesuffix("00:00:00 GMT").encode()


def _seconds(value: Any) -> int | None:
    """Return the seconds of a driver value: text in SQLite; None if it does not fit."""
    if isinstance(value, str):
        try:
            value = parse_datetime(value)
        except ValueError:
            return None
    if not isinstance(value, datetime):
        return None
    return timegm(value.astimezone(UTC).timetuple())
