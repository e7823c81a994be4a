"""The table and columns of a search index, and the names of its parts."""

import re
from dataclasses import dataclass
from typing import Final

SUFFIX: Final = "_search_index"
_MAX_BYTES: Final = 63 - len(SUFFIX)
"""The longest table name: PostgreSQL would truncate the index's name."""

_RESERVED: Final = frozenset({"rank", "rowid"})
_PARTS: Final = re.compile(rf"\w+{SUFFIX}(?:_(?:data|idx|content|docsize|config))?")


@dataclass(frozen=True, slots=True)
class SearchIndex:
    """A search index; a table has at most one.

    Attributes:
        table: The table's name.
        columns: The names of the columns that it covers.
        schema: The table's schema, on PostgreSQL; None for the default one.

    Raises:
        ValueError: One of the databases could not index a table or column of that name.
    """

    table: str
    columns: tuple[str, ...]
    schema: str | None = None

    def __post_init__(self) -> None:
        if len(self.table.encode()) > _MAX_BYTES:
            raise ValueError(f"the table's name may have at most {_MAX_BYTES} bytes")
        if not self.columns or len(set(self.columns)) != len(self.columns):
            raise ValueError("a search index must have columns, without duplicates")
        for column in self.columns:
            if not re.fullmatch(r"\w+", column) or column.lower() in _RESERVED:
                raise ValueError(f"a search index cannot cover a column named {column!r}")

    @property
    def name(self) -> str:
        """The name of SQLite's FTS5 table, or of PostgreSQL's index."""
        return index_name(self.table)

    @property
    def quoted_columns(self) -> list[str]:
        """The quoted names of the columns."""
        return [quoted(column) for column in self.columns]


def index_name(table: str) -> str:
    """Return the name of the search index of a table."""
    return table + SUFFIX


def quoted(name: str) -> str:
    """Return a quoted SQL identifier, which is the same on both databases."""
    return '"' + name.replace('"', '""') + '"'


def is_part_of_search_index(name: str) -> bool:
    """Return whether a table or index is (part of) a search index, by its name."""
    return _PARTS.fullmatch(name) is not None
