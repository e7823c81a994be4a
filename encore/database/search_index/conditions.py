"""The condition that one of a row's texts contains a term, by the table's search index.

A term has at least three characters (Unicode code points): fewer contain no trigram.
"""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import BindParameter, ColumnElement, Integer, collate, column, or_, select, table
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import NullType, String

from encore.database.capabilities import Capabilities
from encore.database.execution_hints import ExecutionHints
from encore.database.expressions.text_search import pattern_containing
from encore.database.search_index.folding import fold
from encore.database.search_index.index import SearchIndex, quoted
from encore.database.search_index.postgresql import FOLD, qualified

MIN_TERM_LENGTH: Final = 3


class folded(ExecutionHints, FunctionElement[str]):  # noqa: N801 - reads as a function, like SQLAlchemy's
    """A text column, folded as in PostgreSQL's search indexes."""

    type = String()
    inherit_cache = False  # The function's schema is not in the cache key.
    needs_plan_for_values = True

    def __init__(self, text: ColumnElement[Any], schema: str | None) -> None:
        super().__init__(text)
        self.function = qualified(FOLD, schema)


@compiles(folded)
def _call(element: folded, compiler: SQLCompiler, **options: Any) -> str:
    (text,) = element.clauses
    return f"{element.function}({compiler.process(collate(text, 'C'), **options)})"


class matches(ExecutionHints, FunctionElement[bool]):  # noqa: N801 - as above
    """Whether an entry of SQLite's FTS5 matches an expression.

    FTS5 looks for the next entry of a phrase in one step of the virtual machine: that takes some
    tenths of a second over 1,000,000 rows that have each of its trigrams.
    """

    is_uninterruptible = True

    type = NullType()  # type: ignore[assignment] # SQLAlchemy would append " = 1" to a Boolean
    inherit_cache = True

    def __init__(self, entry: ColumnElement[Any], expression: ColumnElement[Any]) -> None:
        super().__init__(entry, expression)


@compiles(matches)
def _match(element: matches, compiler: SQLCompiler, **options: Any) -> str:
    entry, expression = element.clauses
    return compiler.process(entry.op("MATCH")(expression), **options)


def holds_term(
    index: SearchIndex,
    key: ColumnElement[Any],
    columns: Sequence[ColumnElement[Any]],
    term: BindParameter[Any],
    capabilities: Capabilities,
) -> ColumnElement[bool]:
    """Return the condition that one of the columns contains a term, ignoring case.

    Args:
        index: The table's search index; it covers the columns.
        key: The table's primary key.
        columns: The columns to search.
        term: The parameter for the value that ``term_value`` returns.
        capabilities: What the database can do.
    """
    if not capabilities.search_index_tables:
        return or_(*(folded(c, index.schema).like(term) for c in columns))
    entries = table(index.name, column("rowid", Integer), column(index.name))
    # As a set, evaluated once: a join might be run the other way round, with a match a row.
    return key.in_(select(entries.c.rowid).where(matches(entries.c[index.name], term)))


def term_value(columns: Sequence[str], term: str, capabilities: Capabilities) -> str:
    """Return the value to bind to search a term in these columns."""
    if not capabilities.search_index_tables:
        return pattern_containing(fold(term))
    # https://sqlite.org/fts5.html#full_text_query_syntax: a column filter and a phrase
    return f"{{{' '.join(map(quoted, columns))}}} : {quoted(term)}"
