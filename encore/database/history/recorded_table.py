"""A table whose changes are recorded, and the names of the parts of its history."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

SUFFIX: Final = "_history"
_FUNCTION: Final = "_record"
_MAX_BYTES: Final = 63 - len(SUFFIX) - len(_FUNCTION)
"""The longest table name: PostgreSQL would truncate the names of the parts."""

SEQUENCE: Final = "history_sequence"
OPERATION: Final = "history_operation"
RECORDED_AT: Final = "history_recorded_at"
EXISTS: Final = "history_exists"
ISSUER: Final = "history_issuer"
SUBJECT: Final = "history_subject"
CLIENT: Final = "history_client"
REQUEST_ID: Final = "history_request_id"

AUTHOR_COLUMNS: Final = (ISSUER, SUBJECT, CLIENT, REQUEST_ID)
COLUMNS: Final = (SEQUENCE, OPERATION, RECORDED_AT, EXISTS, *AUTHOR_COLUMNS)
"""The columns of an entry that are not the row's."""

CREATE: Final = "create"
UPDATE: Final = "update"
DELETE: Final = "delete"
BASELINE: Final = "baseline"
"""The state of a row when its history began."""

BEGAN: Final = "began"
"""Without a row: the history of the table began at this time."""

EXPIRED: Final = "expired"
"""Without a row: the entries before this time have been deleted."""

BEGINNINGS: Final = f"{OPERATION} IN ('{BASELINE}', '{BEGAN}', '{EXPIRED}')"
"""The condition of the index of such entries, literally: SQLite uses a partial index only if the
query repeats its condition."""

AUTHORS: Final = "encore_author"
"""The table of the author of SQLite's current transaction; PostgreSQL has a setting instead."""

AUTHOR_SETTING: Final = "encore.author"

TRIGGER: Final = "00_history_record"
"""The name of PostgreSQL's trigger. Triggers run in the order of their names: this one runs before
those that change the row again."""

TRUNCATE_TRIGGER: Final = "00_history_truncate"
"""The name of the one that records the rows of a table that is emptied by TRUNCATE."""


@dataclass(frozen=True, slots=True)
class RecordedTable:
    """A table whose changes are recorded.

    Attributes:
        table: The table's name.
        key: The names of its primary key's columns.
        columns: The names of the columns that entries contain, the key's included.
        exclude: The names of those that they do not contain.

    Raises:
        ValueError: One of the databases could not record a table of that name, or columns are
            missing.
    """

    table: str
    key: tuple[str, ...]
    columns: tuple[str, ...]
    exclude: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len(self.table.encode()) > _MAX_BYTES:
            raise ValueError(f"the table's name may have at most {_MAX_BYTES} bytes")
        if not self.key or not {*self.key} <= {*self.columns}:
            raise ValueError("the key must be among the columns")
        for name in (*self.columns, *self.exclude):
            if name.lower() in COLUMNS:
                raise ValueError(f"a column must not be named {name!r}")
        if twice := {*self.columns} & {*self.exclude}:
            raise ValueError(f"{min(twice)!r} is recorded and excluded")

    @property
    def name(self) -> str:
        """The name of its history table."""
        return self.table + SUFFIX

    @property
    def function(self) -> str:
        """The name of the function that PostgreSQL's trigger calls."""
        return self.name + _FUNCTION

    @property
    def migration(self) -> str:
        """The line of a migration that creates the triggers."""
        arguments = [f"{self.table!r}", f"key={[*self.key]}", f"columns={[*self.columns]}"]
        if self.exclude:
            arguments.append(f"exclude={[*self.exclude]}")
        return f"create_history(op, {', '.join(arguments)})"


def quoted(name: str) -> str:
    """Return a quoted SQL identifier, which is the same on both databases."""
    return '"' + name.replace('"', '""') + '"'


def listed(names: Sequence[str], prefix: str = "") -> str:
    """Return quoted names, separated by commas, each with a prefix such as ``NEW.``."""
    return ", ".join(prefix + quoted(name) for name in names)
