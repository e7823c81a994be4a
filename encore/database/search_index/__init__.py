"""Search indexes: what finds a text inside the texts of a large table, on both databases alike.

A table has one, over the columns that are searched. A migration makes it (``create_search_index``),
or ``create_all`` (``add_search_index``); from then on the database keeps it up to date, whoever
writes. ``conditions`` are the SQL that uses it, ``checks`` say whether it is there and fits.
"""

from encore.database.search_index.index import SearchIndex
from encore.database.search_index.migration import (
    add_search_index,
    create_search_index,
    drop_search_index,
    exclude_search_indexes,
)

__all__ = [
    "SearchIndex",
    "add_search_index",
    "create_search_index",
    "drop_search_index",
    "exclude_search_indexes",
]
