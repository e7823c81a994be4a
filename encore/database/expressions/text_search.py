"""Text matching with the same result on both databases.

Matching without case ignores the case of ASCII letters only, as SQLite's LIKE does: ``Ä`` and ``ä``
differ. Which letters PostgreSQL's ILIKE folds depends on the collation, and it takes several times
as long as LIKE; ``lower`` with the collation "C" is fast and folds ASCII only. A search index folds
more letters (``encore.database.search_index``).
"""

from string import ascii_lowercase, ascii_uppercase
from typing import Any, Final

from sqlalchemy import ColumnElement, collate, func, literal_column
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import NullType

from encore.database.execution_hints import ExecutionHints

_ESCAPE: Final = "\\"

MAX_PATTERN_LENGTH: Final = 256
"""The longest search text, in characters: LIKE takes time proportional to text times pattern."""

_LONG: Final = 1_000
_LOWER: Final = str.maketrans(ascii_uppercase, ascii_lowercase)


class _TextMatch(ExecutionHints, FunctionElement[bool]):
    """Whether a text column matches a value, in a way that both databases understand alike."""

    # SQLAlchemy would append ``= 1`` to a Boolean on SQLite.
    type = NullType()  # type: ignore[assignment] # FunctionElement[bool] expects a Boolean
    inherit_cache = True

    def __init__(self, column: ColumnElement[Any], value: ColumnElement[Any]) -> None:
        super().__init__(column, value)
        length = getattr(column.type, "length", None)
        self.scans_long_text = length is None or length > _LONG


class like_any_case(_TextMatch):  # noqa: N801 - reads as a function, like SQLAlchemy's
    """Whether a text column matches a pattern, ignoring the case of ASCII letters.

    Args:
        column: The text; its collation and padding (``CHAR(n)``) do not matter.
        value: A pattern made by ``pattern_containing``, ``pattern_starting`` or ``pattern_ending``.
    """


@compiles(like_any_case)
def _lower_like(element: like_any_case, compiler: SQLCompiler, **options: Any) -> str:
    column, pattern = element.clauses
    # The pattern is in lower case, and the backslash is PostgreSQL's default escape: functions of
    # the pattern would be called for each row.
    return compiler.process(func.lower(collate(column, "C")).like(pattern), **options)


@compiles(like_any_case, "sqlite")
def _like(element: like_any_case, compiler: SQLCompiler, **options: Any) -> str:
    column, pattern = element.clauses
    # SQLite's LIKE ignores the case of ASCII letters; ``lower()`` would double its cost.
    return compiler.process(column.like(pattern, escape=_ESCAPE), **options)


def pattern_containing(text: str) -> str:
    """Return the pattern that matches the text anywhere; ``%`` and ``_`` in it are literal."""
    return f"%{_escaped(text)}%"


def pattern_starting(text: str) -> str:
    """Return the pattern that matches the text at the start."""
    return f"{_escaped(text)}%"


def pattern_ending(text: str) -> str:
    """Return the pattern that matches the text at the end."""
    return f"%{_escaped(text)}"


def _escaped(text: str) -> str:
    return (
        text.translate(_LOWER).replace(_ESCAPE, _ESCAPE * 2).replace("%", r"\%").replace("_", r"\_")
    )


class contains(_TextMatch):  # noqa: N801 - as above
    """Whether a text column contains a text, with its case; no character is special."""


@compiles(contains)
def _position(element: contains, compiler: SQLCompiler, **options: Any) -> str:
    column, text = element.clauses
    # Nondeterministic collations cannot be searched before PostgreSQL 18.
    exact = collate(column, "C")
    return compiler.process(func.strpos(exact, text) > literal_column("0"), **options)


@compiles(contains, "sqlite")
def _instr(element: contains, compiler: SQLCompiler, **options: Any) -> str:
    column, text = element.clauses
    return compiler.process(func.instr(column, text) > literal_column("0"), **options)
