"""Long loops that let other requests run."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Final, TypeVar

T = TypeVar("T")

_ITEMS_PER_ITERATION: Final = 64
"""How many items are handled before other requests run: about a millisecond."""


async def paced(items: Iterable[T]) -> AsyncIterator[T]:
    """Iterate over items; other requests run in between."""
    for count, item in enumerate(items, start=1):
        yield item
        if not count % _ITEMS_PER_ITERATION:
            await asyncio.sleep(0)
