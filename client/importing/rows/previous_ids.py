"""External ids as they were derived before the mapping language, to be renamed by the API.

Until then an id was derived from the whole entry, so that another time zone or another column made
another entry of the same row. The API stores such ids; a row is sent with the id that it had then
as ``previous_external_id``, and the API renames the entry that has it. The algorithm must not
change. This module may go when all sources without ids have been imported once by a later version.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from hashlib import sha256
from typing import Any, Final

import msgspec

from client.importing.mapping.expressions import parse_expression
from client.importing.mapping.field_mapping import FieldMapping
from client.importing.rows.hash_counter import HashCounter
from client.importing.rows.selectors import Row
from client.importing.rows.values import parse_integer

Parser = Callable[[Any], Any]

_FIELDS: Final = ("date", "hours", "project", "source", "user_id", "user_type", "week", "year")
"""The fields of an entry then, in the order in which they were hashed."""
_ENCODER: Final = msgspec.json.Encoder()
_CACHED: Final = 4096
_DECIMAL: Final = re.compile(r"[+-]?\d{1,18}(\.\d{1,18})?", re.ASCII)


class PreviousIds:
    """Derives the previous ids of one reading of a source.

    Args:
        mapping: Of the source; what it says in the language of that time counts.
        columns: Those of CSV; empty for JSON.
        source: The external system's name, for rows without one.
    """

    def __init__(self, mapping: FieldMapping, columns: Sequence[str], source: str) -> None:
        texts = {
            field: text
            for field, text in mapping.columns.items()
            if field in _FIELDS and (text in columns if columns else _is_column(text))
        }
        defaults = {"source": source, **mapping.defaults}
        parsers: dict[str, Parser] = {
            "year": parse_integer,
            "week": parse_integer,
            "hours": _parse_decimal_comma if mapping.decimal_comma else _parse_decimal,
        }
        self._fields = [
            (field, texts.get(field, ""), defaults.get(field), parsers.get(field, _parse_string))
            for field in _FIELDS
            if field in texts or field in defaults
        ]
        readable = {field for field, *_ in self._fields}
        was_possible = not (mapping.rows or mapping.day_columns) and mapping.header == 1
        self._is_active = was_possible and {"user_id", "project", "hours"} <= readable
        self._seen = HashCounter()

    def derive(self, row: Row, entry: Mapping[str, Any]) -> str:
        """Return the id that a row had; empty if it could not be imported then.

        Args:
            row: The record's values.
            entry: What they are mapped to; its ``date`` is the same as it was then.
        """
        if not self._is_active:
            return ""
        previous = {}
        try:
            for field, column, default, parse in self._fields:
                value = row.get(column, default)
                if value is None or value == "":
                    value = default
                if value is not None:
                    previous[field] = entry["date"] if field == "date" else parse(value)
            digest = sha256(_ENCODER.encode(previous))
        except (ValueError, OverflowError, RecursionError):
            return ""
        digest.update(b"%d" % self._seen.add_digest(digest.digest()))
        return digest.hexdigest()


def _is_column(text: str) -> bool:
    expression = parse_expression(text)
    return not expression.literals and "." not in text


def _parse_string(value: Any) -> Any:
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _parse_decimal(value: Any) -> Any:
    if isinstance(value, str):
        return _parse_number(value)
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError
    return value


def _parse_decimal_comma(value: Any) -> Any:
    if not isinstance(value, str):
        return _parse_decimal(value)
    if "." in value:
        raise ValueError
    return _parse_number(value.replace(",", "."))


@lru_cache(_CACHED)
def _parse_number(value: str) -> float:
    """Return an integer, or a number that has the same decimals."""
    if not _DECIMAL.fullmatch(value):
        raise ValueError
    if "." not in value:
        return int(value)
    number = float(value)
    if Decimal(repr(number)) != Decimal(value):
        raise ValueError
    return number
