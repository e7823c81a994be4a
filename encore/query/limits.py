"""How much one query may ask: conditions, patterns and values, counted over all its parts.

What is inside ``or=``, ``not=``, searches and presets counts like what stands outside: a query of
16 KB could otherwise hold thousands of sub-selects.
"""

from collections.abc import Iterable
from typing import Any, Final

from encore.errors import InvalidQuery
from encore.query.filters import Comparison, Condition, leaf_conditions
from encore.query.operators import TEXT

MAX_CONDITIONS: Final = 200
MAX_PATTERNS: Final = 50
MAX_QUERY_VALUES: Final = 2_000
"""The most values that all conditions may hold together."""


class QueryLimits:
    """The limits of one resource's queries.

    Args:
        searched: How many fields the widest search looks at; one such search always fits.
    """

    def __init__(self, searched: int = 0) -> None:
        self._conditions = max(MAX_CONDITIONS, searched)
        self._patterns = max(MAX_PATTERNS, searched)

    def check(self, conditions: Iterable[Condition], values: Iterable[Any]) -> None:
        """Raise ``InvalidQuery`` if a query asks too much."""
        if sum(1 for _ in values) > MAX_QUERY_VALUES:
            raise InvalidQuery(f"The query may hold at most {MAX_QUERY_VALUES} values")
        single = [one for condition in conditions for one in leaf_conditions(condition)]
        if len(single) > self._conditions:
            raise InvalidQuery(
                f"The query may hold at most {self._conditions} conditions, those of or, not, "
                "searches and presets included"
            )
        patterns = sum(
            isinstance(one, Comparison) and one.operator.values == TEXT for one in single
        )
        if patterns > self._patterns:
            raise InvalidQuery(f"The query may look for text at most {self._patterns} times")
