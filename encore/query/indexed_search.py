"""Search by the search index of a table (``SearchOptions(index=True)``)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, String
from sqlalchemy.types import TypeEngine

from encore.database.capabilities import Capabilities
from encore.database.search_index import SearchIndex
from encore.database.search_index.conditions import holds_term, term_value


@dataclass(frozen=True, slots=True, eq=False)
class IndexedSearch:
    """The condition that any of the resource's columns contains a term, ignoring case.

    Two of them are equal only if they are the same object.

    Attributes:
        index: The table and the searched columns; the index must cover them.
        key: The first column of the primary key.
        columns: The expressions of the columns in SELECT.
        capabilities: The capabilities of the database.
    """

    index: SearchIndex
    key: ColumnElement[Any]
    columns: tuple[ColumnElement[Any], ...]
    capabilities: Capabilities

    def clause(
        self,
        next_param: Callable[[TypeEngine[Any]], BindParameter[Any]],
        entity: Any = None,  # noqa: ARG002 - only for the resource's model
    ) -> ColumnElement[bool]:
        """Return the SQL, with one bind parameter."""
        term = next_param(String())
        return holds_term(self.index, self.key, self.columns, term, self.capabilities)

    def value(self, term: str) -> str:
        """Return the value of the bind parameter."""
        return term_value(self.index.columns, term, self.capabilities)
