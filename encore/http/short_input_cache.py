"""Caching what short texts of requests mean: headers and queries that come again and again.

Callers choose these texts. A cache that is bounded in entries alone could be filled with texts of
16 KB and what they parse to (58 MB for one resource's queries), so long ones are parsed each time.
"""

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Any, Final, TypeVar

T = TypeVar("T")

MAX_INPUT_BYTES: Final = 1_024
"""Bytes of a text whose meaning is kept."""


def cache_short_inputs(entries: int) -> Callable[[Callable[..., T]], Callable[..., T]]:
    """Cache a pure function of a text, which is its first argument, and of hashable options."""

    def decorate(function: Callable[..., T]) -> Callable[..., T]:
        cached = lru_cache(entries)(function)

        @wraps(function)
        def call(text: bytes, *options: Any, **named: Any) -> T:
            if len(text) > MAX_INPUT_BYTES:
                return function(text, *options, **named)
            return cached(text, *options, **named)

        return call

    return decorate
