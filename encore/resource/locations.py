"""Locations: the item path of a row, as its ``Location`` says it.

Every client must come back to the same row: a value is written as the path's parser reads it, and
percent-encoded. What no path can hold is refused where a caller would create it: an empty segment
means the collection, and ``.`` and ``..`` are resolved by clients before they send them, even if
percent-encoded (RFC 3986, section 5.2.4; the URL Standard).
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

import msgspec

from encore.models.fields import Field
from encore.models.types import InvalidValue
from encore.models.types.codec import Converter
from encore.validation.body import ValidationErrors

UNREACHABLE: Final = ("", ".", "..")
"""What a path's segment cannot be."""

_REFUSED: Final = "must not be empty, . or .., since it is part of the row's path"
_LITERAL: Final = "/:@!$&'()*+,;=~"
"""What may stand in a path as it is (RFC 3986, section 3.3)."""


class Locations:
    """The paths of a resource's rows.

    Args:
        template: The item path.
        parameters: Its own parameters and their fields.
        creatable: The fields that callers may write on create.
    """

    def __init__(
        self,
        template: str,
        parameters: Sequence[tuple[str, Field]],
        creatable: Iterable[Field],
    ) -> None:
        self._template = quote(template, safe=_LITERAL + "{}")
        self._parameters = [
            (quote(f"{{{name}}}", safe="{}"), field.attribute) for name, field in parameters
        ]
        fields = {field for _, field in parameters}
        self._texts = tuple(f for f in creatable if f in fields and f.codec.is_text)

    def of(self, instance: Any) -> bytes | None:
        """Return the path of a record; None where none leads to it."""
        path = self._template
        for placeholder, attribute in self._parameters:
            text = _path_text(getattr(instance, attribute))
            if text in UNREACHABLE:
                return None
            path = path.replace(placeholder, quote(text, safe=""))
        return path.encode()

    def check(self, attributes: Mapping[str, Any], errors: ValidationErrors) -> None:
        """Note an error for each value of a new row that no path could hold."""
        for field in self._texts:
            if attributes.get(field.attribute) in UNREACHABLE:
                errors.add(field.name, "Validation error", _REFUSED)

    def checked(self, field: Field, read: Converter) -> Converter:
        """Return what reads a field's value, refusing it where no path could hold it."""
        if field not in self._texts:
            return read

        def read_checked(value: Any) -> Any:
            found = read(value)
            if found in UNREACHABLE:
                raise InvalidValue(_REFUSED)
            return found

        return read_checked


def _path_text(value: Any) -> str:
    """Write a value as JSON does, a string without its quotes: so the path's parser reads it."""
    if type(value) in (int, str):
        return str(value)
    text = msgspec.json.encode(value)
    return msgspec.json.decode(text, type=str) if text[:1] == b'"' else text.decode()
