"""One expected difference."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Expected:
    """One way in which ours differs on purpose.

    Attributes:
        name: Stands in docs/finale.md.
        reason: Why; D1 to D14 are the defects of Finale that docs/finale.md lists.
        cases: What differs in which case.
    """

    name: str
    reason: str
    cases: Mapping[str, tuple[str, ...]]
