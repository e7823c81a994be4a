"""An LRU cache for parsers of short inputs: headers and queries that are sent again and again.

Callers choose these inputs. A cache that is limited in entries only could be filled with inputs of
16 KB and their results (58 MB for one resource's queries), so long inputs are not cached.
"""

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Any, Final, TypeVar

T = TypeVar("T")

MAX_INPUT_BYTES: Final = 1_024
"""The length of the longest cached input, in bytes."""


def cache_short_inputs(entries: int) -> Callable[[Callable[..., T]], Callable[..., T]]:
    """Cache a pure function whose first argument is the input; other arguments must be hashable."""

    def decorate(function: Callable[..., T]) -> Callable[..., T]:
        cached = lru_cache(entries)(function)

        @wraps(function)
        def call(raw: bytes, *args: Any, **options: Any) -> T:
            if len(raw) > MAX_INPUT_BYTES:
                return function(raw, *args, **options)
            return cached(raw, *args, **options)

        return call

    return decorate
