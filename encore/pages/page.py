"""Pages: the rows of an order from a position on, read by their sort keys.

A ``KeysetPosition`` is a place between two rows. It is made from a row that was read
(``Page.after``), never expires, and stays valid whatever is inserted or deleted: reading on from it
returns each row that existed throughout exactly once. Lists and streams read so::

    position = BEGINNING
    while True:
        page = await read_page(connection, listing, position, 1_000)
        ...                                 # page.rows: as of Statements, columns in field order
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
    """A place in an order.

    Attributes:
        keys: The sort keys of the row that is passed; empty for the beginning.
        skip: How many rows behind it are passed as well. Other than 0 only where no keys say
            the place: a value that its driver cannot give exactly (``is_exact``) is among them.
        backwards: Whether reading goes on towards the beginning.
    """

    keys: SortKeyValues = ()
    skip: int = 0
    backwards: bool = False


BEGINNING: Final = KeysetPosition()


@dataclass(slots=True)
class PagedQuery:
    """What is read page by page.

    Attributes:
        statements: Of the resource.
        conditions: What the rows must meet.
        values: What the slots of link and conditions are bound to.
        order: The rows' order, which ends with the primary key.
        reusable: Whether other requests have conditions of this shape.
    """

    statements: Statements
    conditions: Conditions
    values: tuple[Any, ...]
    order: tuple[Order, ...]
    reusable: bool = True

    @property
    def keyset(self) -> KeysetOrder:
        """The order's sort keys."""
        return self.statements.keyset(self.order)


@dataclass(slots=True)
class Page:
    """Rows from a position on, in the listing's order, also where they were read backwards.

    Attributes:
        rows: Their columns, in field order.
        ends: Whether fewer rows were found than were looked for, so that none follow.
        found: The rows as they were found, sort keys included.
        keyset: The order's sort keys.
        position: Where the page begins.
    """

    rows: Sequence[Row]
    ends: bool
    found: Sequence[Row]
    keyset: KeysetOrder
    position: KeysetPosition

    @property
    def before(self) -> KeysetPosition | None:
        """The position of the first row, to read backwards from; None where no keys say it."""
        keys = _keys(self.keyset, self.found[0]) if self.found else None
        return None if keys is None else KeysetPosition(keys, backwards=True)

    @property
    def after(self) -> KeysetPosition | None:
        """The position of the last row, to read on from; None where there are no rows."""
        if not self.found:
            return None
        keys = _keys(self.keyset, self.found[-1])
        if keys is not None:
            return KeysetPosition(keys)
        if self.position.backwards:
            return None
        return KeysetPosition(self.position.keys, self.position.skip + len(self.found))


async def read_page(
    connection: Connection,
    listing: PagedQuery,
    position: KeysetPosition,
    size: int,
    *,
    peek: bool = False,
) -> Page:
    """Return at most ``size`` rows from a position on.

    Args:
        connection: The database's.
        listing: What is read.
        position: Where the page begins.
        size: How many rows it has at most.
        peek: Look for one row more, so that ``Page.ends`` is certain of a full page too.
    """
    keyset = listing.keyset
    values = (
        (*listing.values, *keyset.bound_values(position.keys)) if position.keys else listing.values
    )
    sought = size + peek
    found: list[Row] = []
    for seek in _seeks(keyset, position):
        statement = listing.statements.page(
            listing.conditions, listing.order, seek, keep=listing.reusable
        )
        limits = (sought - len(found), position.skip)
        found += await connection.fetch_all(statement, (*values, *limits))
        if len(found) >= sought:
            break
    ends = len(found) < sought
    if len(found) > size:
        del found[size:]
    if position.backwards:
        found.reverse()
    rows = [row[: keyset.width] for row in found] if keyset.extra_columns else found
    return Page(rows, ends, found, keyset, position)


def _seeks(keyset: KeysetOrder, position: KeysetPosition) -> Sequence[KeysetCondition]:
    if position.skip:  # What is passed may be of either part.
        nulls = tuple([key is None for key in position.keys])
        return (KeysetCondition(nulls, position.backwards),)
    if not position.keys:
        return keyset.conditions_of_all
    return keyset.conditions_after(position.keys, backwards=position.backwards)


def _keys(keyset: KeysetOrder, row: Row) -> SortKeyValues | None:
    """Return a row's sort keys; None if they do not say its place."""
    keys = keyset.keys_of_row(row)
    if not keys:
        return None
    return keys if _PLAIN.issuperset(map(type, keys)) or all(map(is_exact, keys)) else None


_PLAIN: Final = frozenset({type(None), bool, int, float, str, bytes, Decimal})
_ENDS: Final = (date.max, date.min)


def is_exact(key: Any) -> bool:
    """Return whether a driver value, bound again, is the very value that is stored.

    Not so text that is not UTF-8, dates beyond Python's, Python's first and last dates, in place of
    which PostgreSQL's driver binds infinity, and times with an offset.
    """
    if type(key) in _PLAIN or isinstance(key, UUID):
        return True
    if type(key) is time:  # Of two offsets, PostgreSQL tells those of one instant apart.
        return key.tzinfo is None
    if isinstance(key, datetime):
        return key.date() not in _ENDS
    return isinstance(key, date) and key not in _ENDS
