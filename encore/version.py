"""The version of the library: the one place that states it."""

from typing import Final

VERSION: Final = "0.2.0"
