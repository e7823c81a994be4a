"""Stored values that do not fit their column: shown as text, logged, and counted.

``read_checked`` is the slow conversion of rows to records, for rows in which the fast one
(``records``) finds such a value. The response's header ``Invalid-Values`` counts them.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec
import structlog

from encore.database.statement import Row
from encore.database.undecodable import Undecodable
from encore.models.fields import Field, Fields

_log: Final = structlog.get_logger("encore.serializers")

HEADER: Final = b"invalid-values"
_LOGGED_KEYS: Final = 10
_REPLACED: Final = "\ufffd"
"""The character that replaces bytes that are not UTF-8."""


class StoredText(str):
    """The text of a stored value that does not fit its column, in a record."""

    __slots__ = ()


def read_checked(
    make: Callable[[Sequence[Row]], list[Any]], fields: Fields, rows: Sequence[Row]
) -> list[Any]:
    """Convert rows to records value by value; values that do not fit become ``StoredText``.

    The log gets one line for each column, however many rows there are.
    """
    invalid: dict[str, list[Any]] = {}
    checked = [_checked(fields, row, invalid) for row in rows]
    for column, keys in invalid.items():
        # Without the value: it is the caller's data.
        _log.warning(
            "stored value does not fit its column",
            column=column,
            keys=keys[:_LOGGED_KEYS],
            rows=len(keys),
        )
    return make(checked)


def _checked(fields: Fields, row: Row, found: dict[str, list[Any]]) -> list[Any]:
    """Return the values of a row; add its key to ``found`` for each column that does not fit."""
    values: list[Any] = []
    invalid: list[Field] = []
    for field, value in zip(fields, row, strict=True):
        try:
            values.append(wire_value(field, value))
        except Exception:  # noqa: BLE001 - custom types may raise any exception
            values.append(StoredText(stored_text(value)))
            invalid.append(field)
    for field in invalid:
        key = [v for f, v in zip(fields, row, strict=True) if f in fields.key and f not in invalid]
        found.setdefault(field.label, []).append(key)
    return values


def wire_value(field: Field, value: Any) -> Any:
    """Return what JSON shows of a stored value. Raise any exception if it does not fit."""
    codec = field.codec
    if type(value) is Undecodable or (codec.is_text and isinstance(value, bytes)):
        raise ValueError("not a string")
    if codec.verify is not None:
        codec.verify((value,), _itself)
    return value if codec.to_wire is None else codec.to_wire(value)


def _itself(value: Any) -> Any:
    return value


def invalid_fields(fields: Fields, row: Row) -> list[Field]:
    """Return the fields of a row whose stored values do not fit their columns."""
    found = []
    for field, value in zip(fields, row, strict=True):
        try:
            wire_value(field, value)
        except Exception:  # noqa: BLE001 - as above
            found.append(field)
    return found


def stored_text(value: Any) -> str:
    """Return the text that is shown of a stored value that does not fit its column."""
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def ambiguous_fields(
    body: Mapping[str, Any], fields: Sequence[Field], rejected: frozenset[str]
) -> list[Field]:
    """Return the fields whose strings may be the text that was shown of a value that does not fit.

    Args:
        body: The body of a change.
        fields: The fields that it may change.
        rejected: The names of the fields whose values were rejected.
    """
    found = []
    for field in fields:
        value = body.get(field.name)
        if isinstance(value, str) and (
            field.name in rejected
            or _REPLACED in value
            or (field.codec.ambiguous is not None and field.codec.ambiguous(value))
        ):
            found.append(field)
    return found


def is_shown_as(field: Field, value: Any, text: Any) -> bool:
    """Return whether a stored value does not fit its column and is shown as this text."""
    try:
        wire_value(field, value)
    except Exception:  # noqa: BLE001 - as above
        return bool(text == stored_text(value))
    return False


def text_of(value: Any) -> str:
    """Return ``StoredText`` as a string, for msgspec, which does not encode subclasses of str."""
    if isinstance(value, StoredText):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


class CountingEncoder:
    """Encodes records with ``StoredText``, and counts it."""

    def __init__(self) -> None:
        self.count = 0
        encoder = msgspec.json.Encoder(enc_hook=self._text)
        self.encode = encoder.encode
        self.encode_lines = encoder.encode_lines

    def _text(self, value: Any) -> str:
        text = text_of(value)
        self.count += 1
        return text
