"""Verification of stored values that are invalid for their column and need no conversion.

SQLite stores any value in any column, whatever its type; and JSON has no infinite numbers. All
values of a column are verified at once, at a fraction of the cost of verifying each.
"""

from collections.abc import Sequence
from math import isfinite
from types import NoneType
from typing import Any, Final

from sqlalchemy import Dialect, types
from sqlalchemy.types import TypeEngine

from encore.database.capabilities import capabilities_of
from encore.models.types.codec import Converter, Verifier

_INTEGERS: Final = frozenset({int, NoneType})
_BOOLEANS: Final = {0: False, 1: True, None: None}
_TIMESTAMP_LENGTH: Final = len("2018-08-16T02:22:09.446Z")


def verifier_for(stored: TypeEngine[Any], dialect: Dialect) -> Verifier | None:
    """Return the verifier of a column type, which raises ``ValueError``; None if it needs none."""
    if isinstance(stored, types.Float):
        return _verify_finite
    if isinstance(stored, types.Numeric) and not stored.asdecimal:
        return _verify_finite
    if isinstance(stored, types.Integer) and not capabilities_of(dialect).enforced_types:
        return _verify_integers
    return None


def _verify_integers(rows: Sequence[Any], value_of: Converter) -> None:
    if not _INTEGERS.issuperset(map(type, map(value_of, rows))):
        raise ValueError("not an integer")


def _verify_finite(rows: Sequence[Any], value_of: Converter) -> None:
    try:
        finite = all(map(isfinite, map(value_of, rows)))
    except TypeError:  # There is a null or a string.
        finite = all(value is None or isfinite(value) for value in map(value_of, rows))
    if not finite:
        raise ValueError("not a finite number")


def verify_fixed_text(rows: Sequence[Any], value_of: Converter) -> None:
    """Raise an exception if a value does not have the stored form of ``UtcDateTime``.

    Only the length is verified: parsing each value would double the time that a list takes.
    """
    count = len(rows)
    try:
        size = len("".join(map(value_of, rows)))
    except TypeError:  # There is a null or a number.
        texts = [value for value in map(value_of, rows) if value is not None]
        size, count = len("".join(texts)), len(texts)
    if size != _TIMESTAMP_LENGTH * count:
        raise ValueError("not a timestamp")


def strict_result_processor(type_: TypeEngine[Any], result: Converter | None) -> Converter | None:
    """Return SQLite's result processor of a type, which raises for values that would change."""
    if isinstance(type_, types.Boolean):
        return _BOOLEANS.__getitem__
    if isinstance(type_, types.Numeric) and type_.asdecimal and result is not None:
        convert = result

        def exact(value: Any) -> Any:
            decimal = convert(value)
            if decimal is not None and decimal != value and float(decimal) != value:
                raise ValueError("has more digits than the column")
            return decimal

        return exact
    return result
