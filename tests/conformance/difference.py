"""A documented difference between Finale and Encore, and the modes in which Encore is tested."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Mode(StrEnum):
    """Encore's option ``compatible``: None, or ``"finale"``."""

    STRICT = "strict"
    COMPATIBLE = "compatible"


@dataclass(frozen=True, slots=True)
class Difference:
    """One way in which Encore differs from Finale on purpose.

    A case maps to what differs in it: ``status 200/400`` (Finale's, then Encore's), a header's
    name, ``body``; ``2: body`` for its second request.

    Attributes:
        name: Its name in docs/how-to/finale.md.
        reason: Why Encore differs; D1 to D14 are the defects of Finale listed in that page.
        strict: The cases that show it.
        compatible: The cases that show it with ``compatible="finale"``; None if they are the same.
    """

    name: str
    reason: str
    strict: Mapping[str, tuple[str, ...]]
    compatible: Mapping[str, tuple[str, ...]] | None = None

    def cases(self, mode: Mode) -> Mapping[str, tuple[str, ...]]:
        """Return the cases that show the difference in a mode."""
        if mode is Mode.STRICT or self.compatible is None:
            return self.strict
        return self.compatible
