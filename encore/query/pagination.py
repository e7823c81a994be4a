"""The pagination of a parsed query: its style, its digest, and the parameters that links repeat."""

from collections.abc import Sequence
from hashlib import sha256
from typing import Final
from urllib.parse import urlencode

from encore.query.filters import Order, Pagination, RawOrder
from encore.query.page_parameters import CURSOR, OFFSET, PAGE, QueryParameters, parse_cursor

_DIGEST_BYTES: Final = 8
"""The digest detects mistakes only: cursors that contain it are encrypted and authenticated."""


def build_pagination(
    parameters: QueryParameters, narrowing: Sequence[str], order: Sequence[Order], page: int
) -> Pagination:
    """Return the pagination of a query.

    Args:
        parameters: All parameters.
        narrowing: The names of those that narrow the list.
        order: The order.
        page: The ``page`` parameter.

    Raises:
        InvalidQuery: A cursor is repeated, or combined with ``offset`` or ``page``.
    """
    cursor = parse_cursor(parameters)
    style = PAGE if PAGE in parameters else OFFSET if OFFSET in parameters else None
    replaced = (CURSOR, PAGE) if style == PAGE else (CURSOR, OFFSET, PAGE)
    repeated = urlencode([(n, t) for n, ts in parameters.items() if n not in replaced for t in ts])
    query = f"{repeated}&" if repeated else ""
    return Pagination(_digest(parameters, narrowing, order), query, cursor, style, page)


def _digest(parameters: QueryParameters, narrowing: Sequence[str], order: Sequence[Order]) -> bytes:
    """Return the digest of the filters and the order."""
    filters = sorted((name, tuple(parameters[name])) for name in set(narrowing))
    terms = [_term(term) for term in order]
    return sha256(repr((filters, terms)).encode()).digest()[:_DIGEST_BYTES]


def _term(term: Order) -> tuple[str, ...]:
    if isinstance(term, RawOrder):
        return (term.text,)
    relation = "" if term.relation is None else term.relation.name
    return (relation, term.field.name, str(term.descending), type(term.field.column.type).__name__)
