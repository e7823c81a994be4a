"""The memory that a decoded JSON document takes, for limiting caches of claims.

A token of 16 KB may decode to ten times that: each small item of a list costs 28 bytes and more.
"""

from collections.abc import Mapping
from sys import getsizeof
from typing import Any


def memory_bytes(document: Any) -> int:
    """Return the size of a JSON value and everything in it, in bytes."""
    total, pending = 0, [document]
    while pending:
        value = pending.pop()
        total += getsizeof(value)
        if isinstance(value, Mapping):
            pending.extend(value.keys())
            pending.extend(value.values())
            if not isinstance(value, dict):  # The size of a view does not include its dict.
                total += getsizeof(dict(value))
        elif isinstance(value, list | tuple | set | frozenset):
            pending.extend(value)
    return total
