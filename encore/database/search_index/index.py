"""Which table and columns a search index is for, and what its parts are called."""

import re
from dataclasses import dataclass
from typing import Final

SUFFIX: Final = "_search_index"
_MOST_BYTES: Final = 63 - len(SUFFIX)
"""How long a table's name may be: PostgreSQL would cut a longer name of the index."""

_RESERVED: Final = frozenset({"rank", "rowid"})
_PARTS: Final = re.compile(rf"\w+{SUFFIX}(?:_(?:data|idx|content|docsize|config))?")


@dataclass(frozen=True, slots=True)
class SearchIndex:
    """A search index: at most one a table.

    Attributes:
        table: The table's name.
        columns: The names of the columns that it covers.
        schema: The table's schema, on PostgreSQL; None for the default one.

    Raises:
        ValueError: From the constructor: a name that one of the databases could not index.
    """

    table: str
    columns: tuple[str, ...]
    schema: str | None = None

    def __post_init__(self) -> None:
        if len(self.table.encode()) > _MOST_BYTES:
            raise ValueError(f"the table's name may have at most {_MOST_BYTES} bytes")
        if not self.columns or len(set(self.columns)) != len(self.columns):
            raise ValueError("a search index needs columns, each named once")
        for column in self.columns:
            if not re.fullmatch(r"\w+", column) or column.lower() in _RESERVED:
                raise ValueError(f"a search index cannot cover a column called {column!r}")

    @property
    def name(self) -> str:
        """What it is called: SQLite's FTS5 table, PostgreSQL's index."""
        return index_name(self.table)

    @property
    def quoted_columns(self) -> list[str]:
        """The columns as SQL names them."""
        return [quoted(column) for column in self.columns]


def index_name(table: str) -> str:
    """Return what the search index of a table is called."""
    return table + SUFFIX


def quoted(name: str) -> str:
    """Return an identifier of SQL, which is the same on both databases."""
    return '"' + name.replace('"', '""') + '"'


def is_part_of_search_index(name: str) -> bool:
    """Return whether a table or an index is (a part of) a search index, by its name."""
    return _PARTS.fullmatch(name) is not None
