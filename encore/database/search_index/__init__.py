"""Search indexes: finding a term inside the texts of a large table, alike on both databases.

A table has at most one, over the columns that are searched. A migration creates it
(``create_search_index``), or ``create_all`` does (``add_search_index``); the database then keeps it
up to date for every writer. ``conditions`` is the SQL that uses it, ``checks`` verifies at start-up
that it exists and fits.
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
