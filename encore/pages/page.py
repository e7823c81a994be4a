"""Pages of rows from a position on, read by keyset pagination.

A ``KeysetPosition`` is a place between two rows. It is made from a row that was read
(``Page.after``), never expires, and stays valid whatever is inserted or deleted: reading on from it
returns each row that existed throughout exactly once. Lists and streams read so::

    position = BEGINNING
    while True:
        page = await read_page(connection, paged_query, position, 1_000)
        ...                                 # page.rows: their columns are in field order
        if len(page.rows) < 1_000:
            break
        position = page.after
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, Final, NamedTuple
from uuid import UUID

from encore.database.protocol import Connection
from encore.database.statement import Row
from encore.query.filters import Order
from encore.query.keyset import KeysetCondition, KeysetOrder, SortKeyValues
from encore.sql.statements import Conditions, Statements


class KeysetPosition(NamedTuple):
    """A position in an order, between two rows.

    Attributes:
        keys: The sort keys of the row before the position; empty for the beginning.
        skip: How many rows after that row are skipped. Not 0 only where the keys of later rows
            cannot be used: the driver does not return one of them exactly (``is_exact``).
        backwards: Whether to read towards the beginning.
    """

    keys: SortKeyValues = ()
    skip: int = 0
    backwards: bool = False


BEGINNING: Final = KeysetPosition()


@dataclass(slots=True)
class PagedQuery:
    """A query that is read page by page.

    Attributes:
        statements: The statements of the resource.
        conditions: The conditions of the rows.
        values: The driver values of the parent filter's and the conditions' bind parameters.
        order: The order, which ends with the primary key.
        reusable: Whether other requests share the statements of these conditions.
    """

    statements: Statements
    conditions: Conditions
    values: tuple[Any, ...]
    order: tuple[Order, ...]
    reusable: bool = True

    @property
    def keyset(self) -> KeysetOrder:
        """The order as sort keys."""
        return self.statements.keyset(self.order)


@dataclass(slots=True)
class Page:
    """A page of rows, in the query's order even if it was read backwards.

    Attributes:
        rows: The rows; their columns are in field order.
        is_last: Whether no rows follow: fewer were found than were fetched.
        keyed_rows: The rows with ``KeysetOrder.extra_columns``.
        keyset: The order as sort keys.
        position: The position at which the page begins.
    """

    rows: Sequence[Row]
    is_last: bool
    keyed_rows: Sequence[Row]
    keyset: KeysetOrder
    position: KeysetPosition

    @property
    def before(self) -> KeysetPosition | None:
        """The position before the first row, to read backwards; None if there is none."""
        keys = _keys(self.keyset, self.keyed_rows[0]) if self.keyed_rows else None
        return None if keys is None else KeysetPosition(keys, backwards=True)

    @property
    def after(self) -> KeysetPosition | None:
        """The position after the last row, to read on; None if there are no rows."""
        if not self.keyed_rows:
            return None
        keys = _keys(self.keyset, self.keyed_rows[-1])
        if keys is not None:
            return KeysetPosition(keys)
        if self.position.backwards:
            return None
        return KeysetPosition(self.position.keys, self.position.skip + len(self.keyed_rows))


async def read_page(
    connection: Connection,
    paged_query: PagedQuery,
    position: KeysetPosition,
    size: int,
    *,
    peek: bool = False,
) -> Page:
    """Return at most ``size`` rows from a position on.

    Args:
        connection: The connection to fetch with.
        paged_query: The query.
        position: The position at which the page begins.
        size: How many rows the page has at most.
        peek: Whether to fetch one row more, so that ``Page.is_last`` is known for a full page too.
    """
    keyset = paged_query.keyset
    values = (
        (*paged_query.values, *keyset.bound_values(position.keys))
        if position.keys
        else paged_query.values
    )
    limit = size + peek
    fetched: list[Row] = []
    for condition in _conditions(keyset, position):
        statement = paged_query.statements.page(
            paged_query.conditions, paged_query.order, condition, keep=paged_query.reusable
        )
        limits = (limit - len(fetched), position.skip)
        fetched += await connection.fetch_all(statement, (*values, *limits))
        if len(fetched) >= limit:
            break
    is_last = len(fetched) < limit
    if len(fetched) > size:
        del fetched[size:]
    if position.backwards:
        fetched.reverse()
    rows = [row[: keyset.width] for row in fetched] if keyset.extra_columns else fetched
    return Page(rows, is_last, fetched, keyset, position)


def _conditions(keyset: KeysetOrder, position: KeysetPosition) -> Sequence[KeysetCondition]:
    if position.skip:  # The skipped rows may be of either part.
        nulls = tuple([key is None for key in position.keys])
        return (KeysetCondition(nulls, position.backwards),)
    if not position.keys:
        return keyset.conditions_of_all
    return keyset.conditions_after(position.keys, backwards=position.backwards)


def _keys(keyset: KeysetOrder, row: Row) -> SortKeyValues | None:
    """Return the sort keys of a row; None if they do not identify its position exactly."""
    keys = keyset.keys_of_row(row)
    if not keys:
        return None
    return keys if _EXACT_TYPES.issuperset(map(type, keys)) or all(map(is_exact, keys)) else None


_EXACT_TYPES: Final = frozenset({type(None), bool, int, float, str, bytes, Decimal})
_INFINITE_DATES: Final = (date.max, date.min)
"""The dates that PostgreSQL's driver binds as infinity."""


def is_exact(key: Any) -> bool:
    """Return whether a driver value, if bound, equals the stored value.

    These do not: text that is not UTF-8, dates beyond Python's, Python's first and last dates, and
    times with an offset, which PostgreSQL distinguishes even if they are simultaneous.
    """
    if type(key) in _EXACT_TYPES or isinstance(key, UUID):
        return True
    if type(key) is time:
        return key.tzinfo is None
    if isinstance(key, datetime):
        return key.date() not in _INFINITE_DATES
    return isinstance(key, date) and key not in _INFINITE_DATES
