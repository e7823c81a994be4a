"""A target: the resource of the API that rows are imported into."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Kind = Literal["string", "integer", "duration", "timestamp", "date"]
"""How a field is parsed: a duration is seconds, a timestamp an instant with its day."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """A resource with an upload.

    Args:
        name: The resource's name in the API: ``timesheets``.
        kinds: The kinds of its fields that a row may have, by name.
        required: The fields that every row has.
    """

    name: str
    kinds: Mapping[str, Kind]
    required: tuple[str, ...]

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of its fields that a row may have."""
        return tuple(self.kinds)
