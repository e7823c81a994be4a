"""Examples of field values for descriptions: the column's own, or one that its type accepts.

A model states the example of a column in the column's ``info``, as the JSON value::

    mapped_column(String(20), info={"example": "AB-100"})

Other fields get the first of some usual values that survives being written and read.
"""

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from msgspec import UNSET
from sqlalchemy import CHAR, Column
from sqlalchemy.types import TypeEngine

from encore.models.fields import Field
from encore.models.types import Codec, InvalidValue

_CACHED: Final = 4_096
"""How many fields' examples are kept: several descriptions have each of them."""

EXAMPLE: Final = "example"
"""The key of a column's example in ``Column.info``."""

_BY_FORMAT: Final[dict[str, tuple[Any, ...]]] = {
    "date": ("2026-03-02",),
    "date-time": ("2026-03-02T09:30:00.000Z", "2026-03-02T09:30:00Z", "2026-03-02T09:30:00"),
    "time": ("09:30:00Z",),
    "time-local": ("09:30:00",),
    "uuid": ("0b8f1b4e-6f0a-4c0e-9d55-3a2f6f1f7c11",),
    "decimal": ("12.50", "12.5", "12", "1"),
}
_BY_TYPE: Final[dict[str, tuple[Any, ...]]] = {
    "integer": (1,),
    "number": (1.5, 1, 0.5),
    "boolean": (True,),
    "object": ({},),
    "array": (["a"], [1], []),
}
_TEXTS: Final = ("192.0.2.1", "192.0.2.0/24", "a")
"""For texts without a format: addresses, and what fits wherever one character does."""

_BY_VISIT_NAME: Final = {
    "MACADDR": ("08:00:2b:01:02:03",),
    "MACADDR8": ("08:00:2b:01:02:03:04:05",),
    "MONEY": ("$12.34",),
}
"""For types whose texts only the database parses, by SQLAlchemy's name of the type."""

_LETTERS: Final = "abcdefgh"
"""For CHAR, which PostgreSQL pads to its length."""

_BASE64: Final = "AQID"
_WORDS: Final = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z0-9]+")


def stated_example(field: Field) -> Any:
    """Return the example that a field's column states; ``UNSET`` if it states none."""
    return field.column.info.get(EXAMPLE, UNSET)


def check_example(field: Field) -> str | None:
    """Return what is wrong with the example that a field's column states; None if nothing is."""
    example = stated_example(field)
    if example is UNSET or (example is None and field.nullable):
        return None
    try:
        json.dumps(example, allow_nan=False)
        field.codec.from_json(example)
    except InvalidValue as error:
        return f"the example of {field.name} {error}"
    except (TypeError, ValueError, ArithmeticError) as error:
        return f"the example of {field.name} is not a value of its type: {type(error).__name__}"
    return None


@lru_cache(_CACHED)
def example_of(field: Field) -> Any:
    """Return an example of a field's JSON value; ``UNSET`` if its type accepts no usual value.

    A foreign key has the example of the key that it refers to.
    """
    if field.constant is not UNSET:
        return _shown(field, field.constant)
    column = field.column
    seen = {column}
    while EXAMPLE not in column.info and column.foreign_keys:
        column = next(iter(column.foreign_keys)).column
        if column in seen:
            break
        seen.add(column)
    if EXAMPLE in column.info:
        return column.info[EXAMPLE]
    return _typical(field.column, field.codec, column.name)


def filter_example(field: Field) -> Any:
    """Return an example of a value to compare a field with; ``UNSET`` if there is none.

    Not null, and of a text what comes before a comma: commas separate the values of a filter.
    """
    example = example_of(field)
    if example is None:
        example = _typical(field.column, field.codec, field.name)
    return example.partition(",")[0] if isinstance(example, str) else example


def _typical(column: Column[Any], codec: Codec, name: str) -> Any:
    """Return the first usual value that is read as it was written, or else the first accepted."""
    if codec.unsupported:
        return UNSET
    candidates = _of_type(column.type) or _candidates(codec.schema, name)
    accepted = [candidate for candidate in candidates if _accepts(codec, candidate)]
    same = (candidate for candidate in accepted if _survives(codec, candidate))
    return next(same, accepted[0] if accepted else UNSET)


def _of_type(type_: TypeEngine[Any]) -> tuple[Any, ...]:
    """Return usual values that depend on SQLAlchemy's type; none for most."""
    if isinstance(type_, CHAR) and type_.length:
        return ((_LETTERS * type_.length)[: type_.length],)
    return _BY_VISIT_NAME.get(getattr(type_, "__visit_name__", ""), ())


def _candidates(schema: Mapping[str, Any], name: str) -> tuple[Any, ...]:
    """Return usual values for a JSON schema, the best first."""
    if stated := schema.get("examples") or schema.get("enum"):
        return tuple(stated)
    if alternatives := schema.get("anyOf"):
        return tuple(value for one in alternatives for value in _candidates(one, name))
    if schema.get("contentEncoding") == "base64":
        return (_BASE64,)
    if form := _BY_FORMAT.get(schema.get("format", "")):
        return form
    if schema.get("type") == "string":
        return (_words(name)[: schema.get("maxLength")], *_TEXTS)
    return _BY_TYPE.get(schema.get("type", "object"), ())


def _words(name: str) -> str:
    """Return a name as words: ``part number`` for ``partNumber``."""
    return " ".join(_WORDS.findall(name)).lower() or name


def _accepts(codec: Codec, candidate: Any) -> bool:
    try:
        codec.from_json(candidate)
    except (ValueError, TypeError, ArithmeticError):
        return False
    return True


def _survives(codec: Codec, candidate: Any) -> bool:
    try:
        value = codec.driver_value(codec.from_json(candidate))
        shown = value if codec.to_wire is None else codec.to_wire(value)
    except Exception:  # noqa: BLE001 - a result processor that needs what only the driver returns
        return False
    return bool(shown == candidate and type(shown) is type(candidate))


def _shown(field: Field, value: Any) -> Any:
    """Return the JSON value of a Python value."""
    stored = field.codec.driver_value(value)
    return stored if field.codec.to_wire is None else field.codec.to_wire(stored)
