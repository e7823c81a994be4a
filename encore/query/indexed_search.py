"""A search by way of the table's search index (``SearchOptions(index=True)``)."""

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
    """The condition that one of the resource's own columns holds a term, in any case.

    Made once and kept, it shares one compiled statement by its identity.

    Attributes:
        index: The table and the columns that are searched; the index must cover them.
        key: The first column of the primary key.
        columns: What a SELECT says for the columns.
        capabilities: The database's.
    """

    index: SearchIndex
    key: ColumnElement[Any]
    columns: tuple[ColumnElement[Any], ...]
    capabilities: Capabilities

    def clause(
        self,
        next_param: Callable[[TypeEngine[Any]], BindParameter[Any]],
        entity: Any = None,  # noqa: ARG002 - it is of the resource's own rows alone
    ) -> ColumnElement[bool]:
        """Write the condition, taking one slot."""
        term = next_param(String())
        return holds_term(self.index, self.key, self.columns, term, self.capabilities)

    def value(self, term: str) -> str:
        """Return what the slot is bound to."""
        return term_value(self.index.columns, term, self.capabilities)
