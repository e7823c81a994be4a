"""The query language: from a URL's query string to what a list asks of the database.

``operators`` says what can be compared and how, ``names`` what a caller may name, ``criteria``
holds a parsed query, ``parser`` makes one, ``paging`` reads count, offset and page.
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
