"""The statements of one resource by shape: a bounded cache that callers cannot flush.

Callers choose shapes (filters, orders, written fields), so anybody could send a few hundred new
ones to have those compiled again that everybody uses. Therefore a new shape is on probation: it
leaves first, unless it is used a second time. What is used again and again stays, however many
shapes are used once (the S3-FIFO scheme: two queues, one mark, no reordering on a hit).
"""

from collections import deque
from collections.abc import Callable
from typing import Any, Final

from encore.database.statement import Statement

_ON_PROBATION: Final = 128
_KEPT: Final = 384


class StatementCache:
    """Returns the statement of a shape, made on first use.

    Args:
        make: Makes the statement of a shape; takes the shape's parts.
        probation: How many shapes that were used once are kept.
        kept: How many others.
    """

    def __init__(
        self,
        make: Callable[..., Statement],
        probation: int = _ON_PROBATION,
        kept: int = _KEPT,
    ) -> None:
        self._make = make
        self._limits = (probation, kept)
        self._statements: dict[tuple[Any, ...], Statement] = {}
        self._new: deque[tuple[tuple[Any, ...], Statement]] = deque()
        self._old: deque[tuple[tuple[Any, ...], Statement]] = deque()

    def __call__(self, *shape: Any) -> Statement:
        """Return the statement of this shape."""
        statement = self._statements.get(shape)
        if statement is not None:
            statement.used = True
            return statement
        statement = self._statements[shape] = self._make(*shape)
        self._new.append((shape, statement))
        self._make_room()
        return statement

    def __len__(self) -> int:
        """Return how many shapes are kept."""
        return len(self._statements)

    def _make_room(self) -> None:
        probation, kept = self._limits
        while len(self._new) > probation:
            shape, statement = self._new.popleft()
            if statement.used:
                statement.used = False
                self._old.append((shape, statement))
            else:
                del self._statements[shape]
        while len(self._old) > kept:
            shape, statement = self._old.popleft()
            if statement.used:  # Since it was last looked at: once more around.
                statement.used = False
                self._old.append((shape, statement))
            else:
                del self._statements[shape]
