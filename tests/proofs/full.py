"""How much of each proof runs: a part of it in the suite, all of it by ``make proofs``."""

import os
from typing import Final

IS_FULL: Final = "PROOFS_FULL" in os.environ


def amount(suite: int, full: int) -> int:
    """Return how often something is tried."""
    return full if IS_FULL else suite
