"""Cells of CSV (RFC 4180), by the type of their value.

============= =================================================================================
null          an empty cell, as for a missing member
string        unchanged; the empty string is ``""``, which many parsers don't distinguish from
              null (PostgreSQL's COPY does); formulas are escaped (``encore.streams.formulas``)
number        as in JSON; also a decimal, which JSON has as a string
boolean       ``true`` or ``false``
array, object JSON
other         as in JSON: ISO 8601 timestamps, dates and times, base64, UUIDs
============= =================================================================================
"""

import re
from collections.abc import Callable
from types import NoneType
from typing import Any, Final

import msgspec

from encore.models.fields import Field
from encore.serializers.stored_text import text_of
from encore.streams.formulas import STARTS, escape_formula

Cell = Callable[[Any], str]

_encode_json: Final = msgspec.json.Encoder(enc_hook=text_of).encode
_is_plain: Final = re.compile(f'[^{STARTS}\'",\\s][^",\r\n]*').fullmatch
_is_number: Final = re.compile(r"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?", re.ASCII).fullmatch
_QUOTED: Final = re.compile('[",\r\n]|^\\s|\\s$')


def text_cell(text: str) -> str:
    """Return the cell of a string."""
    return text if _is_plain(text) else _quote(escape_formula(text))


def _quote(text: str) -> str:
    if text and not _QUOTED.search(text):
        return text
    doubled = text.replace('"', '""')
    return f'"{doubled}"'


def json_cell(value: Any) -> str:
    """Return the cell of any JSON value but null, as JSON."""
    return _quote(_encode_json(value).decode())


def _empty(_: Any) -> str:
    return ""


def _boolean_cell(value: bool) -> str:  # noqa: FBT001 - it is the value
    return "true" if value else "false"


_BY_TYPE: Final[dict[type, Cell]] = {
    NoneType: _empty,
    msgspec.UnsetType: _empty,
    bool: _boolean_cell,
    int: str,
    float: lambda value: _encode_json(value).decode(),
    str: text_cell,
}


def _number_cell(text: str) -> str:
    return text if _is_number(text) else text_cell(text)


def cells_of(field: Field | None) -> dict[type, Cell]:
    """Return the functions that write a field's cells, by type of value; other types are JSON.

    Args:
        field: The field; None for a relation, or a member that a hook has added.
    """
    schema = {} if field is None else field.codec.schema
    if schema.get("format") == "decimal":
        return {**_BY_TYPE, str: _number_cell}
    if field is not None and not schema:  # Any JSON value: strings are written as JSON too.
        return {**_BY_TYPE, str: json_cell}
    return _BY_TYPE
