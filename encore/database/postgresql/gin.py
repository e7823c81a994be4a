"""GIN indexes of a table that bulk work changes: writing their entries in few large batches.

A GIN index keeps new entries in a pending list, and moves them to the index, sorted, when the list
is full: at 4 MB by default, which is thirty times for 100,000 rows of 70 characters, and each time
changes nearly every key of the index. A list of four times that size takes two thirds of the work.
A larger one would save more, but a request that writes one row meanwhile may have to move it all.
https://www.postgresql.org/docs/current/gin.html#GIN-FAST-UPDATE
"""

from typing import Final

from sqlalchemy import Dialect, String, Table, text

from encore.database.statement import Statement, param

_INDEXES: Final = """
FROM pg_index JOIN pg_class AS c ON c.oid = indexrelid JOIN pg_am AS a ON a.oid = c.relam
WHERE indrelid = to_regclass(:__slot_0) AND amname = 'gin'
"""
_ENLARGE: Final = f"""
SELECT set_config('gin_pending_list_limit', '16MB', true), set_config('work_mem', '64MB', true)
WHERE EXISTS (SELECT {_INDEXES})
"""
_FLUSH_LISTS: Final = f"""
SELECT gin_clean_pending_list(indexrelid::regclass) {_INDEXES} AND pg_has_role(c.relowner, 'USAGE')
"""


def enlarge_lists(dialect: Dialect) -> Statement:
    """Return the statement that enlarges the pending lists for the transaction.

    It returns no row if the table has no GIN index. Value: the table's name (``table_name``).
    """
    return _statement(_ENLARGE, dialect)


def flush_lists(dialect: Dialect) -> Statement:
    """Return the statement that moves the lists of indexes that this role owns. Value: as above."""
    return _statement(_FLUSH_LISTS, dialect)


def table_name(table: Table, dialect: Dialect) -> str:
    """Return the value of the statements: the table's quoted name."""
    return dialect.identifier_preparer.format_table(table)


def _statement(sql: str, dialect: Dialect) -> Statement:
    return Statement(text(sql).bindparams(param(0, String())), dialect)
