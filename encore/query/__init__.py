"""The query language: from a URL's query string to what a list asks of the database.

``operators`` says what can be compared and how, ``names`` what a caller may name, ``criteria``
holds a parsed query, ``parser`` makes one, ``paging`` reads count, offset and page.
"""

from encore.query.field_lookup import Names, Preset, Search
from encore.query.filters import Condition, ListQuery, OrderTerm, Shape
from encore.query.parser import QueryParser

__all__ = [
    "Condition",
    "ListQuery",
    "Names",
    "OrderTerm",
    "Preset",
    "QueryParser",
    "Search",
    "Shape",
]
