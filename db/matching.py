"""Text matching that means the same on both databases."""

from typing import Any, Final

from sqlalchemy import ColumnElement, func, literal_column
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import NullType

_ESCAPE = "\\"

MAX_PATTERN: Final = 256
"""The longest text that a pattern is made of, in characters: LIKE takes the product of both."""

_LONG: Final = 1_000


class like_any_case(FunctionElement[bool]):  # noqa: N801 - reads as a function, like SQLAlchemy's
    """``column LIKE pattern`` without regard to case.

    SQLite's LIKE ignores the case of ASCII letters already; PostgreSQL has ILIKE. SQLAlchemy's
    own ``ilike`` would wrap both sides in ``lower()`` on SQLite, at twice the cost.
    """

    # As Boolean, SQLAlchemy would write ``= 1`` behind it on SQLite.
    type = NullType()  # type: ignore[assignment]
    inherit_cache = True

    def __init__(self, column: ColumnElement[Any], pattern: ColumnElement[Any]) -> None:
        super().__init__(column, pattern)


@compiles(like_any_case)
def _ilike(element: like_any_case, compiler: SQLCompiler, **options: Any) -> str:
    column, pattern = element.clauses
    return compiler.process(column.ilike(pattern, escape=_ESCAPE), **options)


@compiles(like_any_case, "sqlite")
def _like(element: like_any_case, compiler: SQLCompiler, **options: Any) -> str:
    column, pattern = element.clauses
    return compiler.process(column.like(pattern, escape=_ESCAPE), **options)


def pattern_containing(text: str) -> str:
    """Make the pattern that finds the text anywhere; ``%`` and ``_`` in it are letters."""
    return f"%{_escaped(text)}%"


def pattern_starting(text: str) -> str:
    """Make the pattern that finds the text at the start."""
    return f"{_escaped(text)}%"


def pattern_ending(text: str) -> str:
    """Make the pattern that finds the text at the end."""
    return f"%{_escaped(text)}"


def _escaped(text: str) -> str:
    return text.replace(_ESCAPE, _ESCAPE * 2).replace("%", r"\%").replace("_", r"\_")


class contains(FunctionElement[bool]):  # noqa: N801 - as above
    """The column holds the text somewhere, case and all; no letter of it is special."""

    # As Boolean, SQLAlchemy would write ``= 1`` behind it on SQLite.
    type = NullType()  # type: ignore[assignment]
    inherit_cache = True

    def __init__(self, column: ColumnElement[Any], text: ColumnElement[Any]) -> None:
        super().__init__(column, text)


@compiles(contains)
def _position(element: contains, compiler: SQLCompiler, **options: Any) -> str:
    column, text = element.clauses
    return compiler.process(func.strpos(column, text) > literal_column("0"), **options)


@compiles(contains, "sqlite")
def _instr(element: contains, compiler: SQLCompiler, **options: Any) -> str:
    column, text = element.clauses
    return compiler.process(func.instr(column, text) > literal_column("0"), **options)


def scans_long_text(element: object) -> bool:
    """Tell whether an element matches a pattern against text of (nearly) unlimited length."""
    if not isinstance(element, like_any_case | contains):
        return False
    column: ColumnElement[Any] = next(iter(element.clauses))
    length = getattr(column.type, "length", None)
    return length is None or length > _LONG
