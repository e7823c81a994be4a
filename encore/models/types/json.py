"""JSON columns: any value that can be stored, and given out again."""

import json
import math
from typing import Any, Final

from sqlalchemy import Dialect, types

from encore.models.types.codec import Conversion, InvalidValue
from encore.models.types.text import check_text

MAX_DEPTH: Final = 64
"""How deep a JSON column's value may be nested."""


def json_conversion(_: types.JSON, __: Dialect) -> Conversion:
    """Read and write any JSON value that can be stored."""

    def from_json(value: Any) -> Any:
        _check_document(value, MAX_DEPTH)
        return value

    def from_text(value: str) -> Any:
        try:
            return from_json(json.loads(value))
        except (ValueError, RecursionError) as error:
            raise InvalidValue("must be JSON") from error

    return Conversion(from_json, from_text, {})


def _check_document(value: Any, depth: int) -> None:
    """Refuse what could not be stored, or not be given out again."""
    match value:
        case str():
            check_text(value)
        case bool() | None:
            pass
        case int() if not -(2**63) <= value < 2**63:
            raise InvalidValue("must hold no whole number of more than 64 bits")
        case float() if not math.isfinite(value):
            raise InvalidValue("must hold finite numbers alone")
        case dict() | list():
            if not depth:
                raise InvalidValue(f"must be nested at most {MAX_DEPTH} deep")
            for name in value if isinstance(value, dict) else ():
                check_text(name)
            for inner in value.values() if isinstance(value, dict) else value:
                _check_document(inner, depth - 1)
