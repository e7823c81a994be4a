"""The query language: from a URL's query string to what a list asks of the database.

``operators`` says what can be compared and how, ``names`` what a caller may name, ``criteria``
holds a parsed query, ``parser`` makes one, ``paging`` reads count, offset and page.
"""

from api.crud.query.criteria import Condition, ListQuery, OrderTerm, Shape
from api.crud.query.names import Names, Preset, Search
from api.crud.query.parser import QueryParser

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
