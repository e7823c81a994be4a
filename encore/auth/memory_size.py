"""How much memory a decoded JSON document takes, so that caches of claims can be bounded by it.

A token of 16 KB may decode to ten times that: each small object of a list costs 28 bytes and more.
"""

from collections.abc import Mapping
from sys import getsizeof
from typing import Any


def memory_bytes(document: Any) -> int:
    """Return the bytes of a JSON value and of all that is in it."""
    total, rest = 0, [document]
    while rest:
        value = rest.pop()
        total += getsizeof(value)
        if isinstance(value, Mapping):
            rest.extend(value.keys())
            rest.extend(value.values())
            if not isinstance(value, dict):  # A read-only view says nothing of its dict.
                total += getsizeof(dict(value))
        elif isinstance(value, list | tuple | set | frozenset):
            rest.extend(value)
    return total
