"""How ours differs from Finale, and why: the list that docs/how-to/finale.md puts into words.

What is found must be what stands here, to the word: ``status 200/400`` is Finale's and ours.
"""

from benchmarks.compare.expected import actions, hooks, queries, relations
from benchmarks.compare.expected.entry import Expected

EXPECTED: tuple[Expected, ...] = (
    *actions.EXPECTED,
    *queries.EXPECTED,
    *relations.EXPECTED,
    *hooks.EXPECTED,
)
EXPECTED_IF_COMPATIBLE: tuple[Expected, ...] = tuple(
    one for one in (expected.in_mode() for expected in EXPECTED) if one.cases
)

__all__ = ["EXPECTED", "EXPECTED_IF_COMPATIBLE", "Expected"]
