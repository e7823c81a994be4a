"""A target: the resource of the API that rows are imported into."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from client.importing.settings import UPLOAD_SCOPE

Kind = Literal[
    "string",
    "integer",
    "number",
    "decimal",
    "boolean",
    "duration",
    "timestamp",
    "date",
    "json",
]
"""How a field is parsed: a duration is seconds, a timestamp an instant with its day, a decimal an
exact number that is sent as text."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """A resource with an upload.

    Args:
        name: The resource's name in the API: ``timesheets``.
        kinds: The kinds of its fields that a row may have, by name.
        required: The fields that every row has.
        read_only: Its fields that a row must not have.
        key: The fields that identify a row. Empty for timesheets, whose rows have ``source`` and
            ``external_id``, which are derived where the source has none.
        scope: The scopes that the upload demands of a token, separated by spaces.
        path: The path of the upload; empty for that of the setting ``IMPORT_URL``.
    """

    name: str
    kinds: Mapping[str, Kind]
    required: tuple[str, ...] = ()
    read_only: tuple[str, ...] = ()
    key: tuple[str, ...] = ()
    scope: str = UPLOAD_SCOPE
    path: str = ""

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of its fields that a row may have."""
        return tuple(self.kinds)

    @property
    def is_timesheets(self) -> bool:
        """Whether the rules of timesheets hold: days, hours from start and end, derived ids."""
        return not self.key
