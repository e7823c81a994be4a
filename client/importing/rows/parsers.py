"""The parsers of the kinds of fields, in the external system's notations and in ours."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, Final

from client.importing.mapping.field_mapping import FieldMapping
from client.importing.rows.durations import duration_parser
from client.importing.rows.timestamps import timestamp_parser
from client.importing.rows.values import number_parser, parse_boolean, parse_integer, to_text
from client.importing.targets.target import Kind

Parser = Callable[[Any], Any]
"""Raises ``ValueError`` with a reason to append to the column's name."""

_PARSERS: Final[Mapping[Kind, Parser]] = {
    "integer": parse_integer,
    "boolean": parse_boolean,
    "json": lambda value: value,
}


class KindParsers:
    """Returns the parser of each kind.

    Args:
        mapping: Its notations are the external system's.
    """

    def __init__(self, mapping: FieldMapping) -> None:
        self._mapping = mapping

    def theirs(self, kind: Kind) -> Parser:
        """Return the parser of cells."""
        mapping = self._mapping
        return self._create(kind, mapping.date_formats, mapping.unit)

    def ours(self, kind: Kind) -> Parser:
        """Return the parser of values in the mapping: of defaults and value maps.

        They are ours, so that a bare number is in hours and a date may be in ISO 8601; but they may
        also be in the notations of the external system, as far as that is unambiguous.
        """
        formats = self._mapping.date_formats
        return self._create(kind, formats if "" in formats else (*formats, ""), "hours")

    def _create(self, kind: Kind, formats: tuple[str, ...], unit: str) -> Parser:
        if kind == "duration":
            return duration_parser(unit, decimal_comma=self._mapping.decimal_comma)
        if kind == "timestamp":
            parse = timestamp_parser(formats, self._mapping.zone)
            return _with_days(parse) if self._mapping.day_columns else parse
        if kind == "date":
            return _day_parser(timestamp_parser(formats, None))
        if kind in {"number", "decimal"}:
            is_exact = kind == "decimal"
            return number_parser(decimal_comma=self._mapping.decimal_comma, exact=is_exact)
        return _PARSERS.get(kind, to_text)


def _with_days(parse: Parser) -> Parser:
    """Return a parser that also takes the dates which are made of day columns."""
    parse_iso = timestamp_parser((), None)
    return lambda value: parse_iso(value.isoformat()) if type(value) is date else parse(value)


def _day_parser(parse: Parser) -> Parser:
    def parse_day(value: Any) -> Any:
        timestamp = parse(value)
        if timestamp.has_time:
            raise ValueError(f"must be a date without a time of day, not {value!r}")
        return timestamp.day

    return parse_day
