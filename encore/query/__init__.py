"""The query language of lists: from a URL's query string to conditions, an order and a page.

``operators`` defines the comparisons, ``field_lookup`` the names that callers may use, ``filters``
the parsed query, ``parser`` the parser, ``page_parameters`` count, offset, page and cursor,
``keyset`` keyset pagination.
"""

from encore.query.field_lookup import FieldLookup, Preset, Search
from encore.query.filters import Condition, ListQuery, OrderTerm, StatementKey
from encore.query.parser import QueryParser

__all__ = [
    "Condition",
    "FieldLookup",
    "ListQuery",
    "OrderTerm",
    "Preset",
    "QueryParser",
    "Search",
    "StatementKey",
]
