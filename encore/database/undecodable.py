"""Stored values that a driver cannot give as Python values, given as text instead."""

from collections.abc import Iterable
from itertools import chain
from typing import Any, ClassVar


class Undecodable(str):
    """The text of such a value: not UTF-8 in SQLite, a date BC in PostgreSQL.

    Attributes:
        met: Whether this process has met one; until then no row is searched for them.
    """

    __slots__ = ()
    met: ClassVar[bool] = False

    @classmethod
    def of(cls, text: str) -> "Undecodable":
        """Make one, noting that there is one."""
        cls.met = True
        return cls(text)

    @classmethod
    def among(cls, rows: Iterable[Iterable[Any]]) -> bool:
        """Return whether rows hold one."""
        return cls.met and cls in set(map(type, chain.from_iterable(rows)))
