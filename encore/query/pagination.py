"""How a list is paginated: the style its pages are asked for in, and what links to them repeat."""

from collections.abc import Sequence
from hashlib import sha256
from typing import Final
from urllib.parse import urlencode

from encore.query.filters import Order, Pagination, RawOrder
from encore.query.page_parameters import CURSOR, OFFSET, PAGE, QueryParameters, parse_cursor

_DIGEST_BYTES: Final = 8
"""Enough for what is encrypted with it: it tells mistakes apart, and keeps nobody out."""


def build_pagination(
    given: QueryParameters, read: Sequence[str], order: Sequence[Order], page: int
) -> Pagination:
    """Return how the query's list is paginated.

    Args:
        given: All parameters.
        read: Those that narrow the list.
        order: Its order.
        page: The number of the page.

    Raises:
        InvalidQuery: A cursor is combined with another place, or given twice.
    """
    cursor = parse_cursor(given)
    style = PAGE if PAGE in given else OFFSET if OFFSET in given else None
    replaced = (CURSOR, PAGE) if style == PAGE else (CURSOR, OFFSET, PAGE)
    repeated = urlencode([(n, t) for n, ts in given.items() if n not in replaced for t in ts])
    query = f"{repeated}&" if repeated else ""
    return Pagination(_digest(given, read, order), query, cursor, style, page)


def _digest(given: QueryParameters, read: Sequence[str], order: Sequence[Order]) -> bytes:
    """Return the digest of what the rows and their order depend on."""
    filters = sorted((name, tuple(given[name])) for name in set(read))
    terms = [_term(term) for term in order]
    return sha256(repr((filters, terms)).encode()).digest()[:_DIGEST_BYTES]


def _term(term: Order) -> tuple[str, ...]:
    if isinstance(term, RawOrder):
        return (term.text,)
    relation = "" if term.relation is None else term.relation.name
    return (relation, term.field.name, str(term.descending), type(term.field.column.type).__name__)
