"""Verifying what a driver gives for a column, where no conversion would notice that it is wrong.

SQLite stores any value in any column, whatever its type; and JSON has no infinite numbers. A
column's values are verified all at once, which costs a fraction of looking at each.
"""

from collections.abc import Sequence
from math import isfinite
from types import NoneType
from typing import Any, Final

from sqlalchemy import Dialect, types
from sqlalchemy.types import TypeEngine

from encore.models.types.codec import Converter, Verifier

_INTEGERS: Final = frozenset({int, NoneType})
_TRUTH: Final = {0: False, 1: True, None: None}
_TIMESTAMP: Final = len("2018-08-16T02:22:09.446Z")


def verifier_for(stored: TypeEngine[Any], dialect: Dialect) -> Verifier | None:
    """Return what raises ``ValueError`` if a value does not fit a column of this type."""
    if isinstance(stored, types.Float):
        return _verify_finite
    if isinstance(stored, types.Numeric) and not stored.asdecimal:
        return _verify_finite
    if isinstance(stored, types.Integer) and dialect.name == "sqlite":
        return _verify_integers
    return None


def _verify_integers(rows: Sequence[Any], value_of: Converter) -> None:
    if not _INTEGERS.issuperset(map(type, map(value_of, rows))):
        raise ValueError("not an integer")


def _verify_finite(rows: Sequence[Any], value_of: Converter) -> None:
    try:
        finite = all(map(isfinite, map(value_of, rows)))
    except TypeError:  # A null among them, or text.
        finite = all(value is None or isfinite(value) for value in map(value_of, rows))
    if not finite:
        raise ValueError("not a finite number")


def verify_fixed_text(rows: Sequence[Any], value_of: Converter) -> None:
    """Raise an exception if a value is not of the form in which ``UtcDateTime`` is stored.

    It looks at the length alone: reading each would cost a list as much as all else in it.
    """
    count = len(rows)
    try:
        size = len("".join(map(value_of, rows)))
    except TypeError:  # A null among them, or a number.
        texts = [value for value in map(value_of, rows) if value is not None]
        size, count = len("".join(texts)), len(texts)
    if size != _TIMESTAMP * count:
        raise ValueError("not a timestamp")


def strict_result_processor(kind: TypeEngine[Any], result: Converter | None) -> Converter | None:
    """Return what makes Python values of SQLite's, and raises for what SQLAlchemy would bend."""
    if isinstance(kind, types.Boolean):
        return _TRUTH.__getitem__
    if isinstance(kind, types.Numeric) and kind.asdecimal and result is not None:
        convert = result

        def exact(value: Any) -> Any:
            decimal = convert(value)
            if decimal is not None and decimal != value and float(decimal) != value:
                raise ValueError("has more digits than the column")
            return decimal

        return exact
    return result
