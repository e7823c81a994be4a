"""The compiled statements of one resource: a bounded cache that callers cannot flush.

Callers choose the keys (filters, orders, written fields): with an LRU cache, a few hundred new keys
would evict the statements that every other caller uses. Here a key that was used once is evicted
first, and keys that are used repeatedly stay, however many are used once (S3-FIFO: two queues, one
mark, no reordering on a hit; Yang et al., SOSP 2023).
"""

from collections import deque
from collections.abc import Callable
from typing import Any, Final

from encore.database.statement import Statement

_MAX_NEW: Final = 128
_MAX_REUSED: Final = 384


class StatementCache:
    """Returns the statement of a key, compiled on first use.

    Args:
        compile_: Returns the statement of a key; takes the parts of the key.
        max_new: How many statements that were used once are cached.
        max_reused: How many other statements are cached.
    """

    def __init__(
        self,
        compile_: Callable[..., Statement],
        max_new: int = _MAX_NEW,
        max_reused: int = _MAX_REUSED,
    ) -> None:
        self._compile = compile_
        self._limits = (max_new, max_reused)
        self._statements: dict[tuple[Any, ...], Statement] = {}
        self._new: deque[tuple[tuple[Any, ...], Statement]] = deque()
        self._reused: deque[tuple[tuple[Any, ...], Statement]] = deque()

    def __call__(self, *key: Any) -> Statement:
        """Return the statement of this key."""
        statement = self._statements.get(key)
        if statement is not None:
            statement.used = True
            return statement
        statement = self._statements[key] = self._compile(*key)
        self._new.append((key, statement))
        self._evict()
        return statement

    def __len__(self) -> int:
        """Return how many statements are cached."""
        return len(self._statements)

    def _evict(self) -> None:
        max_new, max_reused = self._limits
        while len(self._new) > max_new:
            key, statement = self._new.popleft()
            if statement.used:
                statement.used = False
                self._reused.append((key, statement))
            else:
                del self._statements[key]
        while len(self._reused) > max_reused:
            key, statement = self._reused.popleft()
            if statement.used:  # Used again since it was queued: queue it once more.
                statement.used = False
                self._reused.append((key, statement))
            else:
                del self._statements[key]
