"""Locations: the item paths of rows, for ``Location``.

Every client must get the same row by this path: a value is written as the path's parser reads it,
and percent-encoded. Values that no path can contain are rejected in a create: an empty segment
means the collection, and clients resolve ``.`` and ``..`` before they send them, even if
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
"""The values that a segment of a path cannot have."""

_REJECTED: Final = "must not be empty, . or .., since it is part of the row's path"
_LITERAL: Final = "/:@!$&'()*+,;=~"
"""The characters that need no percent-encoding in a path (RFC 3986, section 3.3)."""


class Locations:
    """The paths of a resource's rows.

    Args:
        template: The item path template.
        parameters: The parameters of the row's own key, and their fields.
        creatable: The fields that callers may write in a create.
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
        self._strings = tuple(f for f in creatable if f in fields and f.codec.is_text)

    def of(self, instance: Any) -> bytes | None:
        """Return the path of a record; None if no path can contain its key."""
        path = self._template
        for placeholder, attribute in self._parameters:
            text = path_text(getattr(instance, attribute))
            if text in UNREACHABLE:
                return None
            path = path.replace(placeholder, quote(text, safe=""))
        return path.encode()

    def check(self, attributes: Mapping[str, Any], errors: ValidationErrors) -> None:
        """Add an error for each value of a new row that no path can contain."""
        for field in self._strings:
            if attributes.get(field.attribute) in UNREACHABLE:
                errors.add(field.name, "Validation error", _REJECTED)

    def checked(self, field: Field, read: Converter) -> Converter:
        """Return the parser of a field's value that rejects values that no path can contain."""
        if field not in self._strings:
            return read

        def read_checked(value: Any) -> Any:
            parsed = read(value)
            if parsed in UNREACHABLE:
                raise InvalidValue(_REJECTED)
            return parsed

        return read_checked


def path_text(value: Any) -> str:
    """Return a value as the path's parser reads it: as JSON, a string without its quotes."""
    if type(value) in (int, str):
        return str(value)
    text = msgspec.json.encode(value)
    return msgspec.json.decode(text, type=str) if text[:1] == b'"' else text.decode()
