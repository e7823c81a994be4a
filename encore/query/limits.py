"""Limits of one query: conditions, patterns and values.

Conditions inside ``or=``, ``not=``, searches and presets count as well: a query of 16 KB could
otherwise contain thousands of subqueries.
"""

from collections.abc import Iterable
from typing import Any, Final

from encore.errors import InvalidQuery
from encore.query.filters import Comparison, Condition, leaf_conditions
from encore.query.operators import TEXT

MAX_CONDITIONS: Final = 200
MAX_PATTERNS: Final = 50
MAX_QUERY_VALUES: Final = 2_000
"""How many values all conditions may have together."""


class QueryLimits:
    """The limits of one resource's queries.

    Args:
        searched: How many fields the widest search compares; one such search is always allowed.
    """

    def __init__(self, searched: int = 0) -> None:
        self._conditions = max(MAX_CONDITIONS, searched)
        self._patterns = max(MAX_PATTERNS, searched)

    def check(self, conditions: Iterable[Condition], values: Iterable[Any]) -> None:
        """Raise ``InvalidQuery`` if a query exceeds a limit."""
        if sum(1 for _ in values) > MAX_QUERY_VALUES:
            raise InvalidQuery(f"The query may have at most {MAX_QUERY_VALUES} values")
        leaves = [leaf for condition in conditions for leaf in leaf_conditions(condition)]
        if len(leaves) > self._conditions:
            raise InvalidQuery(
                f"The query may have at most {self._conditions} conditions, including those of "
                "or, not, searches and presets"
            )
        patterns = sum(
            isinstance(leaf, Comparison) and leaf.operator.values == TEXT for leaf in leaves
        )
        if patterns > self._patterns:
            raise InvalidQuery(f"The query may have at most {self._patterns} text patterns")
