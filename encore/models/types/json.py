"""Values of JSON columns: any JSON that can be stored and returned unchanged."""

import math
from typing import Any, Final

from sqlalchemy import Dialect, types

from encore.models.types.codec import Conversion, InvalidValue
from encore.models.types.text import check_text
from encore.strict_json import strict_decoder

MAX_DEPTH: Final = 64
"""How many levels of arrays and objects a value of a JSON column may have."""

_decode: Final = strict_decoder().decode


def json_conversion(_: types.JSON, __: Dialect) -> Conversion:
    """Return the conversion of JSON columns."""

    def from_json(value: Any) -> Any:
        _check_storable(value, MAX_DEPTH)
        return value

    def from_text(value: str) -> Any:
        try:
            decoded = _decode(value)
        except (ValueError, RecursionError) as error:
            raise InvalidValue("must be JSON") from error
        return from_json(decoded)

    return Conversion(from_json, from_text, {})


def _check_storable(value: Any, depth: int) -> None:
    """Raise ``InvalidValue`` for what cannot be stored, or not be returned unchanged."""
    match value:
        case str():
            check_text(value)
        case bool() | None:
            pass
        case int() if not -(2**63) <= value < 2**63:
            raise InvalidValue("must not contain integers of more than 64 bits")
        case float() if not math.isfinite(value):
            raise InvalidValue("must contain finite numbers only")
        case dict() | list():
            if not depth:
                raise InvalidValue(f"must have at most {MAX_DEPTH} levels of nesting")
            for name in value if isinstance(value, dict) else ():
                check_text(name)
            for inner in value.values() if isinstance(value, dict) else value:
                _check_storable(inner, depth - 1)
