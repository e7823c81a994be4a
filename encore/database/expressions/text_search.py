"""Text matching that means the same on both databases.

Where case is ignored, it is that of the ASCII letters, as SQLite's LIKE does: ``Ä`` and ``ä``
differ. Which letters PostgreSQL's ILIKE folds depends on the collation, and it takes several times
as long as LIKE; ``lower`` under the collation "C" is fast and knows ASCII alone. A search index
folds more (``encore.database.search_index``).
"""

from string import ascii_lowercase, ascii_uppercase
from typing import Any, Final

from sqlalchemy import ColumnElement, collate, func, literal_column
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import NullType

from encore.database.execution_hints import ExecutionHints

_ESCAPE = "\\"

MAX_PATTERN_LENGTH: Final = 256
"""The longest text that a pattern is made of, in characters: LIKE takes the product of both."""

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
        pattern: Made by ``pattern_containing``, ``pattern_starting`` or ``pattern_ending``.
    """


@compiles(like_any_case)
def _lower_like(element: like_any_case, compiler: SQLCompiler, **options: Any) -> str:
    column, pattern = element.clauses
    # The pattern is in lower case already, and the backslash is PostgreSQL's own escape: functions
    # of the pattern would be called once a row.
    return compiler.process(func.lower(collate(column, "C")).like(pattern), **options)


@compiles(like_any_case, "sqlite")
def _like(element: like_any_case, compiler: SQLCompiler, **options: Any) -> str:
    column, pattern = element.clauses
    # SQLite's LIKE ignores the case of ASCII letters; ``lower()`` would double its cost.
    return compiler.process(column.like(pattern, escape=_ESCAPE), **options)


def pattern_containing(text: str) -> str:
    """Return the pattern that finds the text anywhere; ``%`` and ``_`` in it are letters."""
    return f"%{_escaped(text)}%"


def pattern_starting(text: str) -> str:
    """Return the pattern that finds the text at the start."""
    return f"{_escaped(text)}%"


def pattern_ending(text: str) -> str:
    """Return the pattern that finds the text at the end."""
    return f"%{_escaped(text)}"


def _escaped(text: str) -> str:
    return (
        text.translate(_LOWER).replace(_ESCAPE, _ESCAPE * 2).replace("%", r"\%").replace("_", r"\_")
    )


class contains(_TextMatch):  # noqa: N801 - as above
    """The column holds the text somewhere, case and all; no letter of it is special."""


@compiles(contains)
def _position(element: contains, compiler: SQLCompiler, **options: Any) -> str:
    column, text = element.clauses
    # Before PostgreSQL 18 nondeterministic collations cannot be searched.
    exact = collate(column, "C")
    return compiler.process(func.strpos(exact, text) > literal_column("0"), **options)


@compiles(contains, "sqlite")
def _instr(element: contains, compiler: SQLCompiler, **options: Any) -> str:
    column, text = element.clauses
    return compiler.process(func.instr(column, text) > literal_column("0"), **options)
