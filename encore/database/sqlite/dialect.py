"""SQLAlchemy's dialect of SQLite, with index hints.

``select(…).with_hint(table, "INDEXED BY ix_…", "sqlite")`` sets one; SQLAlchemy renders such hints
for other databases, but drops SQLite's (https://sqlite.org/lang_indexedby.html).
"""

from sqlalchemy import FromClause
from sqlalchemy.dialects.sqlite.base import SQLiteCompiler
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite


class _Compiler(SQLiteCompiler):
    def get_from_hint_text(self, table: FromClause, text: str | None) -> str | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Return the text after the table's name."""
        return text


class SqliteDialect(SQLiteDialect_pysqlite):
    """The dialect that statements are compiled for."""

    statement_compiler = _Compiler
    supports_statement_cache = True
