"""Stored values that do not fit their column: shown as text, logged, and counted.

``read_checked`` is the slow way from rows to records, taken for rows in which the fast way
(``records``) met such a value. The response's header ``Invalid-Values`` says how many it holds.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec
import structlog

from encore.database.statement import Row
from encore.database.undecodable import Undecodable
from encore.models.fields import Field, Fields

log: Any = structlog.get_logger("encore.crud")

HEADER: Final = b"invalid-values"
_LOGGED_KEYS: Final = 10
_REPLACED: Final = "\ufffd"
"""What stands in shown text for bytes that are not UTF-8."""


class StoredText(str):
    """In a record: the text of a stored value that does not fit its column."""

    __slots__ = ()


def read_checked(
    make: Callable[[Sequence[Row]], list[Any]], fields: Fields, rows: Sequence[Row]
) -> list[Any]:
    """Make records of rows value by value; what does not fit becomes ``StoredText``.

    The log has a line for each column, however many rows there are.
    """
    wrong: dict[str, list[Any]] = {}
    checked = [_checked(fields, row, wrong) for row in rows]
    for column, keys in wrong.items():
        # The value is the caller's own: it does not belong into a log.
        log.warning(
            "stored value does not fit its column",
            column=column,
            keys=keys[:_LOGGED_KEYS],
            rows=len(keys),
        )
    return make(checked)


def _checked(fields: Fields, row: Row, noted: dict[str, list[Any]]) -> list[Any]:
    """Return the values of a row; note its key for each column whose value does not fit."""
    values: list[Any] = []
    wrong: list[Field] = []
    for field, value in zip(fields, row, strict=True):
        try:
            values.append(wire_value(field, value))
        except Exception:  # noqa: BLE001 - whatever a type of the service's own may raise
            values.append(StoredText(stored_text(value)))
            wrong.append(field)
    for field in wrong:
        key = [v for f, v in zip(fields, row, strict=True) if f in fields.key and f not in wrong]
        noted.setdefault(field.label, []).append(key)
    return values


def wire_value(field: Field, value: Any) -> Any:
    """Return what JSON shows of a stored value. Raises an exception of any kind if it is none."""
    codec = field.codec
    if type(value) is Undecodable or (codec.is_text and isinstance(value, bytes)):
        raise ValueError("not text")
    if codec.verify is not None:
        codec.verify((value,), _itself)
    return value if codec.to_wire is None else codec.to_wire(value)


def _itself(value: Any) -> Any:
    return value


def misfits(fields: Fields, row: Row) -> list[Field]:
    """Return the fields of a row whose stored values do not fit their columns."""
    found = []
    for field, value in zip(fields, row, strict=True):
        try:
            wire_value(field, value)
        except Exception:  # noqa: BLE001 - as above
            found.append(field)
    return found


def stored_text(value: Any) -> str:
    """Return the text that is shown of a stored value."""
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def doubtful(
    body: Mapping[str, Any], fields: Sequence[Field], refused: frozenset[str]
) -> list[Field]:
    """Return the fields whose given text may be what was shown of a value that does not fit.

    Args:
        body: The body of a change.
        fields: Those that it may change.
        refused: The names of those whose values were refused.
    """
    found = []
    for field in fields:
        value = body.get(field.name)
        if isinstance(value, str) and (
            field.name in refused
            or _REPLACED in value
            or (field.codec.ambiguous is not None and field.codec.ambiguous(value))
        ):
            found.append(field)
    return found


def shown_as(field: Field, value: Any, text: Any) -> bool:
    """Return whether a stored value does not fit its column and is shown as this text."""
    try:
        wire_value(field, value)
    except Exception:  # noqa: BLE001 - as above
        return bool(text == stored_text(value))
    return False


def text_of(value: Any) -> str:
    """Return what JSON shows of ``StoredText``; for msgspec, which knows no subclasses of str."""
    if isinstance(value, StoredText):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


class CountingEncoder:
    """Encodes what holds ``StoredText``, counting it."""

    def __init__(self) -> None:
        self.count = 0
        encoder = msgspec.json.Encoder(enc_hook=self._text)
        self.encode = encoder.encode
        self.encode_lines = encoder.encode_lines

    def _text(self, value: Any) -> str:
        text = text_of(value)
        self.count += 1
        return text
