"""Pages: the rows of an order from a position on, read by their sort keys.

A ``Position`` is a place between two rows. It is made of a row that was read (``Page.after``),
can be kept as long as one likes, and stays meaningful whatever is inserted or deleted: reading on
from it gives every row that was there throughout exactly once. Lists and streams read so::

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
from typing import Any, Final
from uuid import UUID

from api.crud.execution.statements import Conditions, Statements
from api.crud.query.criteria import Order
from api.crud.query.keyset import Keys, Keyset, Seek
from db.connection import Connection
from db.statement import Row


@dataclass(frozen=True, slots=True)
class Position:
    """A place in an order.

    Attributes:
        keys: The sort keys of the row that is passed; empty for the beginning.
        skip: How many rows behind it are passed as well. Other than 0 only where no keys say
            the place: a value that its driver cannot give exactly (``is_exact``) is among them.
        backwards: Whether reading goes on towards the beginning.
    """

    keys: Keys = ()
    skip: int = 0
    backwards: bool = False


BEGINNING: Final = Position()


@dataclass(frozen=True, slots=True)
class Listing:
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
    def keyset(self) -> Keyset:
        """The order's sort keys."""
        return self.statements.keyset(self.order)


@dataclass(frozen=True, slots=True)
class Page:
    """Rows from a position on, in the listing's order, also where they were read backwards.

    Attributes:
        rows: Their columns, in field order.
        before: The position of the first row, to read backwards from; None where no keys say it.
        after: The position of the last row, to read on from; None where there are no rows.
    """

    rows: Sequence[Row]
    before: Position | None
    after: Position | None


async def read_page(
    connection: Connection, listing: Listing, position: Position, size: int
) -> Page:
    """Read at most ``size`` rows from a position on."""
    keyset = listing.keyset
    rows: list[Row] = []
    for seek in _seeks(keyset, position):
        page = listing.statements.page(
            listing.conditions, listing.order, seek, keep=listing.reusable
        )
        bound = keyset.values_of(position.keys)
        limits = (size - len(rows), position.skip)
        rows += await connection.fetch_all(page, (*listing.values, *bound, *limits))
        if len(rows) == size:
            break
    if position.backwards:
        rows.reverse()
    return page_of(keyset, rows, position)


def page_of(keyset: Keyset, rows: list[Row], position: Position) -> Page:
    """Make the page of rows that were read from a position on, with their keys."""
    if not rows:
        return Page(rows, None, None)
    before = _keys(keyset, rows[0])
    after = _keys(keyset, rows[-1])
    end = None if after is None else Position(after)
    if end is None and not position.backwards:
        end = Position(position.keys, position.skip + len(rows))
    start = None if before is None else Position(before, backwards=True)
    width = keyset.width
    return Page([row[:width] for row in rows] if keyset.extra else rows, start, end)


def _seeks(keyset: Keyset, position: Position) -> Sequence[Seek]:
    if position.skip or not keyset.usable:  # What is passed may be of either part.
        nulls = tuple([key is None for key in position.keys])
        return (Seek(nulls, position.backwards),)
    return keyset.seeks(position.keys, backwards=position.backwards)


def _keys(keyset: Keyset, row: Row) -> Keys | None:
    """Return a row's sort keys; None if they do not say its place."""
    keys = keyset.of_row(row)
    return keys if keys and all(map(is_exact, keys)) else None


_PLAIN: Final = frozenset({type(None), bool, int, float, str, bytes, Decimal, time})
_ENDS: Final = (date.max, date.min)


def is_exact(key: Any) -> bool:
    """Return whether a driver value, bound again, is the very value that is stored.

    Not so text that is not UTF-8, dates beyond Python's, and Python's first and last dates, in
    place of which PostgreSQL's driver binds infinity.
    """
    if type(key) in _PLAIN or isinstance(key, UUID):
        return True
    if isinstance(key, datetime):
        return key.date() not in _ENDS
    return isinstance(key, date) and key not in _ENDS
