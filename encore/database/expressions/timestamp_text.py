"""Timestamps and times that SQLite stores as text of different lengths.

SQLAlchemy writes ``2018-08-16 02:22:09.000000``, ``CURRENT_TIMESTAMP`` writes
``2018-08-16 02:22:09``, and ``strftime('%f')`` writes milliseconds: different texts of one
timestamp. They are equal up to trailing zeros, so exactly the texts of one timestamp sort between
its shortest and its longest form: comparisons with these two use an index as comparisons with one
value would.
"""

from collections.abc import Callable
from typing import Any

from sqlalchemy import ColumnElement, Dialect, Time, case, func, literal_column
from sqlalchemy.dialects import sqlite
from sqlalchemy.types import TypeEngine

Element = ColumnElement[Any]
Range = Callable[[Element], tuple[Element, Element]]


def timestamp_text_range(stored: TypeEngine[Any], dialect: Dialect) -> Range | None:
    """Return the function from a bound value to its shortest and its longest form.

    Returns:
        None if the database stores each value of this type in one form.
    """
    if dialect.name != "sqlite":
        return None
    impl: Any = stored.dialect_impl(dialect)
    for base in (sqlite.DATETIME, sqlite.TIME):
        if isinstance(impl, base) and impl.bind_processor(dialect) is not None:
            usual: str = base._storage_format  # noqa: SLF001 - there is no public accessor
            return _range if impl._storage_format == usual else None  # noqa: SLF001 - as above
    return None


def _range(value: Element) -> tuple[Element, Element]:
    return func.rtrim(func.rtrim(value, literal_column("'0'")), literal_column("'.'")), value


def longest_form(column: Element) -> Element:
    """Return the longest form of a stored value; as text it sorts chronologically."""
    size = len("02:22:09") if isinstance(column.type, Time) else len("2018-08-16 02:22:09")
    padded = func.substr(column.op("||")(literal_column("'000000'")), 1, size + len(".000000"))
    with_fraction = column.op("||")(literal_column("'.000000'"))
    return case((func.length(column) == size, with_fraction), else_=padded)
