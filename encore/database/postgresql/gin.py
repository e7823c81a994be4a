"""GIN indexes of a table that bulk work changes: their entries are made in few large batches.

A GIN index keeps new entries in a list, and puts them into place, sorted, when the list is full:
4 MB by default, which for 100,000 rows of 70 characters are thirty times, each of which touches
nearly every key of the index. Four times as much at a time takes two thirds of the work. More would
spare more, but whoever writes one row meanwhile may have to put the whole list into place.
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
_PUT_INTO_PLACE: Final = f"""
SELECT gin_clean_pending_list(indexrelid::regclass) {_INDEXES} AND pg_has_role(c.relowner, 'USAGE')
"""


def enlarge_lists(dialect: Dialect) -> Statement:
    """Have the transaction fill larger lists; gives no row if the table has no GIN index.

    Value: the table's name (``table_name``).
    """
    return _statement(_ENLARGE, dialect)


def put_into_place(dialect: Dialect) -> Statement:
    """Put the entries into place, of indexes that this role owns. Value: the table's name."""
    return _statement(_PUT_INTO_PLACE, dialect)


def table_name(table: Table, dialect: Dialect) -> str:
    """Return what the statements are bound to."""
    return dialect.identifier_preparer.format_table(table)


def _statement(sql: str, dialect: Dialect) -> Statement:
    return Statement(text(sql).bindparams(param(0, String())), dialect)
