"""``SearchOptions(index=True)``: which searches can use a search index, and whether it exists.

Options and model are checked when the resource is declared. The index itself is checked when the
application starts, after its lifespan has opened the database; an application that is mounted in
another has no lifespan.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from encore.database.capabilities import Capabilities
from encore.database.protocol import Database
from encore.database.search_index import SearchIndex
from encore.database.search_index.checks import find_problem
from encore.errors import ConfigurationError, InvalidOption
from encore.http.require_principal import Lifespan
from encore.models.fields import Fields
from encore.options import SearchOptions
from encore.query import Search
from encore.query.field_lookup import FieldPath
from encore.query.indexed_search import IndexedSearch


def indexed_search(
    options: SearchOptions,
    targets: Mapping[str, FieldPath],
    fields: Fields,
    capabilities: Capabilities,
) -> IndexedSearch:
    """Return the condition of a search that uses the index of the resource's table.

    Args:
        options: The search, with the operator ``ilike`` and no ``override``.
        targets: The fields that it searches, by the names that the options use.
        fields: The fields of the resource.
        capabilities: The database's.

    Raises:
        InvalidOption: The index could not serve it.
    """
    if not targets:
        raise InvalidOption("index: the model has no text column")
    for name, target in targets.items():
        if target.path:
            raise InvalidOption(
                f"index: {name!r} is of another table; a search index serves a table's own columns"
            )
        if target.field.computed or target.field.column not in fields.table.columns.values():
            raise InvalidOption(f"index: {name!r} is not a column of {fields.table.name}")
        if target.field.codec.text_operand is not None:
            raise InvalidOption(f"index: the type of {name!r} stores strings in another form")
    columns = tuple(target.field.column.name for target in targets.values())
    try:
        index = SearchIndex(fields.table.name, columns, fields.table.schema)
    except ValueError as error:
        raise InvalidOption(f"index: {options.param!r}: {error}") from error
    expressions = tuple(target.field.expression for target in targets.values())
    return IndexedSearch(index, fields.key[0].expression, expressions, capabilities)


class SearchIndexes:
    """The search indexes that the resources of one ``Crud`` need.

    Args:
        database: The database.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._required: list[tuple[str, SearchIndex]] = []

    def require(self, resource: str, searches: tuple[Search, ...]) -> None:
        """Check the indexes of a resource's searches when the application starts."""
        self._required += [
            (resource, search.index.index) for search in searches if search.index is not None
        ]

    async def check(self) -> None:
        """Check that the indexes exist.

        Raises:
            ConfigurationError: An index is missing or does not fit; names the resource.
            DatabaseError: The database cannot be read.
        """
        for resource, index in self._required:
            async with self._database.reading() as connection:
                problem = await find_problem(connection, self._database.dialect, index)
            if problem is not None:
                raise ConfigurationError(resource, "search", f"index: {problem}")

    def checked(self, lifespan: Lifespan) -> Lifespan:
        """Return the lifespan, with the check after its start."""

        @asynccontextmanager
        async def checked_lifespan(app: Any) -> AsyncIterator[Mapping[str, Any] | None]:
            async with lifespan(app) as state:
                await self.check()
                yield state

        return checked_lifespan
