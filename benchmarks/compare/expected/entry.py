"""One expected difference."""

from collections.abc import Mapping
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Expected:
    """One way in which ours differs on purpose.

    Attributes:
        name: Stands in docs/how-to/finale.md.
        reason: Why; D1 to D14 are the defects of Finale that docs/how-to/finale.md lists.
        cases: What differs in which case.
        compatible: The same with ``compatible="finale"``; None where that changes nothing.
    """

    name: str
    reason: str
    cases: Mapping[str, tuple[str, ...]]
    compatible: Mapping[str, tuple[str, ...]] | None = None

    def in_mode(self) -> "Expected":
        """Return what differs with ``compatible="finale"``."""
        return self if self.compatible is None else replace(self, cases=self.compatible)
