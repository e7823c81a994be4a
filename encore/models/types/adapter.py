"""``TypeAdapter``: the public JSON conversion of column types that the engine does not know.

::

    Crud(app, database, types={Interval: TypeAdapter(to_json=..., from_json=..., schema=...)})

The key is a SQLAlchemy type; the entry applies to columns of that type and of its subclasses. An
entry may also be a function that returns the adapter of one column's type, e.g. of
``ARRAY(Integer)`` and of ``ARRAY(String)``.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy.types import TypeEngine

from encore.models.types.codec import Conversion, InvalidValue
from encore.strict_json import strict_decoder

_decode: Final = strict_decoder().decode


@dataclass(frozen=True, slots=True)
class TypeAdapter:
    """JSON conversion of one column type.

    Attributes:
        to_json: Returns the JSON value of the ORM attribute's value; never called with None.
        from_json: Returns the ORM attribute's value for a JSON value. Raises ``ValueError`` (or
            ``TypeError``) for an invalid one; the message of a ``ValueError`` follows the field's
            name in the 400: "must be a duration".
        from_text: The same for a query parameter, a path parameter, or a cell of CSV. By default
            ``from_json`` of the string, and if that is rejected, of the string parsed as JSON.
        schema: The JSON schema of a value in responses.
        accepts: The JSON schema of a value in requests; ``schema`` if None.
    """

    to_json: Callable[[Any], Any]
    from_json: Callable[[Any], Any]
    from_text: Callable[[str], Any] | None = None
    schema: Mapping[str, Any] = field(default_factory=dict)
    accepts: Mapping[str, Any] | None = None


TypeAdapters = Mapping[Any, TypeAdapter | Callable[[Any], TypeAdapter]]
"""Adapters, or functions that return one, by SQLAlchemy type."""


def find_registered_conversion(type_: TypeEngine[Any], types: TypeAdapters) -> Conversion | None:
    """Return the conversion of the adapter that is registered for a type; None if none is."""
    for base in type(type_).__mro__:
        if base in types:
            entry = types[base]
            return _conversion(entry if isinstance(entry, TypeAdapter) else entry(type_))
    return None


def _conversion(adapter: TypeAdapter) -> Conversion:
    from_json = _validated(adapter.from_json)

    def from_string(text: str) -> Any:
        try:
            return from_json(text)
        except InvalidValue:
            try:
                value = _decode(text)
            except (ValueError, RecursionError):
                value = text
            if isinstance(value, str):
                raise
            return from_json(value)

    return Conversion(
        from_json,
        from_string if adapter.from_text is None else _validated(adapter.from_text),
        dict(adapter.schema),
        adapter.to_json,
        None if adapter.accepts is None else dict(adapter.accepts),
    )


def _validated(convert: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def validate(value: Any) -> Any:
        try:
            return convert(value)
        except InvalidValue:
            raise
        except ValueError as error:
            raise InvalidValue(str(error) or "is invalid") from error
        except (TypeError, AttributeError, LookupError, ArithmeticError) as error:
            raise InvalidValue("is invalid") from error

    return validate
