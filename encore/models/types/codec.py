"""``Codec``: the conversions of one column's values; ``InvalidValue``: the error of a value."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

from msgspec import UNSET

Converter = Callable[[Any], Any]
"""Returns the converted value; raises ``InvalidValue``."""

Verifier = Callable[[Sequence[Any], Callable[[Any], Any]], None]
"""Takes rows and a getter of the column's value; raises an exception for an invalid value."""

_SHOWN: Final = 40
"""How many characters of an invalid value a message repeats."""


class InvalidValue(ValueError):
    """A value that is invalid for its column; the message follows the field's name.

    Args:
        message: The requirement: "must be an integer".
        value: The invalid value, repeated after the message; by default it is not.

    Attributes:
        type_: Sequelize's error type: ``string violation`` or ``Validation error``.
    """

    def __init__(
        self, message: str, value: Any = UNSET, *, type_: str = "Validation error"
    ) -> None:
        super().__init__(message if value is UNSET else f"{message}, not {_shown(value)}")
        self.type_ = type_


def _shown(value: Any) -> str:
    """Return the beginning of a value's JSON."""
    match value:
        case dict() | list():
            return "an object" if isinstance(value, dict) else "an array"
        case None | bool():
            return json.dumps(value)
        case str():
            text = json.dumps(_beginning(value), ensure_ascii=False)
            # A lone surrogate cannot be encoded in a response.
            return text.encode("utf-8", "backslashreplace").decode()
        case number:
            return _beginning(str(number))


def _beginning(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


class Conversion(NamedTuple):
    """The JSON conversion of a column type; members as in ``Codec``, ``to_wire`` without null."""

    from_json: Converter
    from_text: Converter
    schema: dict[str, Any]
    to_wire: Converter | None = None
    accepts: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Codec:
    """The conversions and properties of one column's values. Null is handled by the callers.

    Attributes:
        from_json: Returns the Python value of a decoded JSON value; raises ``InvalidValue``, whose
            message follows the field's name.
        from_text: The same for a query parameter or a path parameter.
        to_driver: Returns the driver value of a Python value; None if they are the same.
        to_wire: Returns the JSON value of a row's value; None if they are the same.
        schema: The JSON schema of a value in responses.
        accepts: The JSON schema of a value in requests; ``from_json`` may accept others as well.
        is_text: Whether text operators and search apply to the column.
        is_comparable: Whether it can be filtered by value; otherwise only by ``is_null``.
        is_ordered: Whether greater and less mean the same on every database.
        null: The driver value of None; not None only for some decorated types.
        text_operand: Converts a search text before wildcards are added; None if it is compared
            unchanged.
        timestamp_range: Returns the shortest and the longest stored form of a bound value, where a
            database stores one timestamp in several forms; None elsewhere.
        verify: Takes rows and a function that returns the column's value of a row. Raises an
            exception if a value is invalid for the column and ``to_wire`` would not notice; None
            if there are no such values.
        ambiguous: Returns whether a valid text may also be the output of an invalid stored value;
            None if none ever is.
        unsupported: Why the column cannot be output; empty if it can.
    """

    from_json: Converter
    from_text: Converter
    to_driver: Converter | None
    to_wire: Converter | None
    schema: dict[str, Any]
    accepts: dict[str, Any]
    is_text: bool = False
    is_comparable: bool = True
    is_ordered: bool = True
    null: Any = None
    text_operand: Converter | None = None
    timestamp_range: Callable[[Any], tuple[Any, Any]] | None = None
    verify: Verifier | None = None
    ambiguous: Callable[[str], bool] | None = None
    unsupported: str = ""

    def driver_value(self, value: Any) -> Any:
        """Return the driver value of a Python value."""
        if value is None:
            return self.null
        return value if self.to_driver is None else self.to_driver(value)


def unsupported_codec(unsupported: str, to_driver: Converter | None) -> Codec:
    """Return the codec of a column that clients can neither read nor write."""

    def reject(_: Any) -> Any:
        raise InvalidValue("cannot be written")

    return Codec(
        reject,
        reject,
        to_driver,
        None,
        {},
        {},
        is_comparable=False,
        is_ordered=False,
        unsupported=unsupported,
    )


def accepting_text(codec: Codec) -> Codec:
    """Return a codec that also parses strings in bodies: ``"12"`` for an integer.

    A string that cannot be parsed is rejected with the message for the original value.
    """
    read = codec.from_json
    if codec.is_text or codec.unsupported or codec.accepts.get("type") == "string":
        return codec

    def from_json(value: Any) -> Any:
        try:
            return read(value)
        except InvalidValue:
            if not isinstance(value, str):
                raise
            try:
                return codec.from_text(value)
            except InvalidValue:
                pass
            raise

    return replace(codec, from_json=from_json)
