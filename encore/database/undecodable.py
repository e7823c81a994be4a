"""Stored values that have no Python value; they are read as text."""

from collections.abc import Iterable
from itertools import chain
from typing import Any, ClassVar


class Undecodable(str):
    """The text of such a value: not UTF-8 in SQLite, a date BC in PostgreSQL.

    Attributes:
        seen: Whether this process has read one; until then rows are not searched for them.
    """

    __slots__ = ()
    seen: ClassVar[bool] = False

    @classmethod
    def create(cls, text: str) -> "Undecodable":
        """Return the value for a text, and set ``seen``."""
        cls.seen = True
        return cls(text)

    @classmethod
    def any_in(cls, rows: Iterable[Iterable[Any]]) -> bool:
        """Return whether rows contain one."""
        return cls.seen and cls in set(map(type, chain.from_iterable(rows)))
