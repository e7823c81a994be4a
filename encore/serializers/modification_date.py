"""The modification date of a row, for ``Last-Modified`` and ``If-Unmodified-Since``.

It is the one managed ``UtcDateTime`` that each update sets, as ``updatedAt`` of the mixin
``Timestamps``; in whole seconds, as HTTP dates are. Rows of other models have none.
"""

from calendar import timegm
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

from encore.database.statement import Row
from encore.http.entity_tags import format_http_date
from encore.models.fields import Field, Fields
from encore.types import UtcDateTime, parse_datetime

_CACHE_SIZE: Final = 4_096


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


@lru_cache(_CACHE_SIZE)
def _header(value: Any) -> bytes | None:
    seconds = _seconds(value)
    return None if seconds is None else format_http_date(seconds).encode()


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
