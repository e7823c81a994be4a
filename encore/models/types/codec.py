"""A codec: how one column's values come in and go out; and the refusal of a value."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

from msgspec import UNSET

Converter = Callable[[Any], Any]
Verifier = Callable[[Sequence[Any], Callable[[Any], Any]], None]

_SHOWN: Final = 40
"""How much of a refused value is repeated, in characters."""


class InvalidValue(ValueError):
    """A value that its column cannot take; its text goes behind the field's name.

    Args:
        text: What the value must be.
        value: What it is, to be repeated behind the text; left out where the text says enough.

    Attributes:
        kind: Finale's word for it: ``string violation`` or ``Validation error``.
    """

    def __init__(self, text: str, value: Any = UNSET, *, kind: str = "Validation error") -> None:
        super().__init__(text if value is UNSET else f"{text}, not {_shown(value)}")
        self.kind = kind


def _shown(value: Any) -> str:
    """Write a value as JSON does, but only the beginning of what is long."""
    match value:
        case dict() | list():
            return "an object" if isinstance(value, dict) else "an array"
        case None | bool():
            return json.dumps(value)
        case str():
            text = json.dumps(_beginning(value), ensure_ascii=False)
            # Of a lone surrogate, which is no text, no answer can be made.
            return text.encode("utf-8", "backslashreplace").decode()
        case number:
            return _beginning(str(number))


def _beginning(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


class Conversion(NamedTuple):
    """A column type's JSON form; the members are those of ``Codec``, ``to_wire`` without null."""

    from_json: Converter
    from_text: Converter
    schema: dict[str, Any]
    to_wire: Converter | None = None
    accepts: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Codec:
    """How one column's values come in and go out. JSON's null is not a codec's business.

    Attributes:
        from_json: Takes a decoded JSON value; gives a Python value or raises ``InvalidValue``,
            whose text goes behind the field's name.
        from_text: The same for a query parameter or a part of the path.
        to_driver: Turns the Python value into what the driver binds; None if it is that already.
        to_wire: Turns a row's value into what JSON shows; None if it is that already.
        schema: The JSON schema of a value that is given out.
        accepts: The JSON schema of a value that is taken in.
        is_text: Whether search looks at this column.
        is_comparable: Whether it can be filtered by value; otherwise only whether it is null.
        is_ordered: Whether greater and less mean the same on every database.
        null: What the driver binds for None; another value only for some decorated types.
        text_operand: Processes text that the column is searched for, before wildcards are added;
            None where it is compared as it stands.
        instants: Makes the shortest and the longest stored form of a bound value, where a
            database holds one instant in several forms; None elsewhere.
        verify: Takes rows and what gives the column's value of a row. Raises an exception if one
            of them does not fit the column and ``to_wire`` would not notice; None where none can.
        ambiguous: Whether text that is accepted may also be what is shown of a stored value that
            does not fit; None where it never is.
        unsupported: Why the column cannot be shown; empty where it can.
        takes_text: Whether bodies may also hold what ``from_text`` reads.
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
    instants: Callable[[Any], tuple[Any, Any]] | None = None
    verify: Verifier | None = None
    ambiguous: Callable[[str], bool] | None = None
    unsupported: str = ""
    takes_text: bool = False

    @property
    def in_bodies(self) -> dict[str, Any]:
        """The JSON schema of a value in a body."""
        return {"anyOf": [self.accepts, {"type": "string"}]} if self.takes_text else self.accepts

    def driver_value(self, value: Any) -> Any:
        """Give what the driver binds for this Python value."""
        if value is None:
            return self.null
        return value if self.to_driver is None else self.to_driver(value)


def unsupported_codec(unsupported: str, to_driver: Converter | None) -> Codec:
    """Make the codec of a column that is stored, but never shown or written by callers."""

    def refuse(_: Any) -> Any:
        raise InvalidValue("cannot be written")

    return Codec(
        refuse,
        refuse,
        to_driver,
        None,
        {},
        {},
        is_comparable=False,
        is_ordered=False,
        unsupported=unsupported,
    )


def accepting_text(codec: Codec) -> Codec:
    """Return a codec that also reads text in bodies: ``"12"`` for an integer.

    What is refused either way is refused as the value that it is.
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

    return replace(codec, from_json=from_json, takes_text=True)
