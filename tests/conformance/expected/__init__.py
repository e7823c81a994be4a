"""How Encore differs from Finale on purpose; docs/how-to/finale.md explains each difference."""

from typing import Final

from tests.conformance.difference import Difference, Mode
from tests.conformance.expected import actions, hooks, queries, relations

DIFFERENCES: Final[tuple[Difference, ...]] = (
    *actions.DIFFERENCES,
    *queries.DIFFERENCES,
    *relations.DIFFERENCES,
    *hooks.DIFFERENCES,
)


def expected_differences(mode: Mode) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Return the difference's name and what differs, by case; cases without are missing."""
    return {
        case: (difference.name, found)
        for difference in DIFFERENCES
        for case, found in difference.cases(mode).items()
    }
