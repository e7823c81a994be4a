"""Stored values that have no Python value; they are read as text."""

from collections.abc import Iterable
from itertools import chain
from typing import Any, ClassVar


class Undecodable(str):
    """The text of such a value: not UTF-8 in SQLite, a date BC in PostgreSQL.

    Attributes:
        met: Whether this process has read one; until then rows are not searched for them.
    """

    __slots__ = ()
    met: ClassVar[bool] = False

    @classmethod
    def of(cls, text: str) -> "Undecodable":
        """Return the value for a text, and set ``met``."""
        cls.met = True
        return cls(text)

    @classmethod
    def among(cls, rows: Iterable[Iterable[Any]]) -> bool:
        """Return whether rows contain one."""
        return cls.met and cls in set(map(type, chain.from_iterable(rows)))
