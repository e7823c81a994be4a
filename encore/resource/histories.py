"""``history=True``: which resources can have a history, and whether the database records it.

Options and model are checked when the resource is declared; the triggers when the application
starts, after its lifespan has opened the database (as search indexes are). An application that is
mounted in another has no lifespan.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import Table

from encore.database.history import RecordedTable, recorded_table_of
from encore.database.history.checks import find_problem
from encore.database.protocol import Database
from encore.database.soft_deletes import soft_deletes_of
from encore.errors import ConfigurationError
from encore.http.require_principal import Lifespan
from encore.models.fields import Field, Fields
from encore.options import History, ResourceOptions, is_view

HISTORY: Final = "history"


@dataclass(frozen=True, slots=True)
class ResourceHistory:
    """The history of a resource.

    Attributes:
        recorded: What is recorded of the table.
        table: The history table.
        retention: How long superseded versions are kept; None without a limit.
        excluded: The fields that are not recorded.
    """

    recorded: RecordedTable
    table: Table
    retention: timedelta | None
    excluded: frozenset[Field]


def resource_history(options: ResourceOptions, fields: Fields) -> ResourceHistory | None:
    """Return the history of a resource; None without the option.

    Raises:
        ConfigurationError: The model or the other options do not allow it.
    """
    if not options.history:
        return None
    name = options.model.__name__
    if "read" not in options.actions:
        raise ConfigurationError(name, HISTORY, "needs the action read: its hooks say who sees it")
    if is_view(options.model):
        raise ConfigurationError(name, HISTORY, "a view has no rows of its own to record")
    if not fields.mapped.has_one_table:
        raise ConfigurationError(name, HISTORY, "the rows must be stored in one table")
    found = recorded_table_of(fields.table)
    if found is None:
        message = f"there is no history table; declare it beside the model: history_table({name})"
        raise ConfigurationError(name, HISTORY, message)
    recorded, table = found
    declared = {*recorded.columns, *recorded.exclude}
    for column in fields.table.columns:
        if column.name not in declared:
            message = f"history_table({name}) was called before the column {column.name} was added"
            raise ConfigurationError(name, HISTORY, message)
    retention = options.history.retention if isinstance(options.history, History) else None
    stored = [field for field in fields if not field.computed]
    excluded = frozenset(field for field in stored if field.column.name in recorded.exclude)
    return ResourceHistory(recorded, table, retention, excluded)


class Histories:
    """The histories of the resources of one ``Crud``.

    Args:
        database: The database.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._required: list[tuple[str, ResourceHistory]] = []

    @property
    def all(self) -> list[ResourceHistory]:
        """The histories, each table once, with the longest retention of its resources."""
        found: dict[str, ResourceHistory] = {}
        for _, history in self._required:
            known = found.setdefault(history.recorded.table, history)
            if known.retention is not None and (
                history.retention is None or history.retention > known.retention
            ):
                found[history.recorded.table] = history
        return list(found.values())

    def require(self, resource: str, history: ResourceHistory) -> None:
        """Record the authors of changes, and check the triggers when the application starts."""
        self._required.append((resource, history))
        self._database.record_authors()

    async def check(self) -> None:
        """Check that the triggers exist.

        Raises:
            ConfigurationError: A table is not recorded as declared; names the resource.
            DatabaseError: The database cannot be read.
        """
        dialect = self._database.dialect
        deleted_at = {str(c) for c in soft_deletes_of(dialect).columns.values()}
        for resource, history in self._required:
            table = history.recorded.table
            for name in history.recorded.exclude:
                if f"{table}.{name}" in deleted_at:
                    message = f"{name} says which rows are deleted: do not exclude it"
                    raise ConfigurationError(resource, HISTORY, message)
            async with self._database.reading() as connection:
                problem = await find_problem(connection, dialect, history.recorded, history.table)
            if problem is not None:
                raise ConfigurationError(resource, HISTORY, problem)

    def checked(self, lifespan: Lifespan) -> Lifespan:
        """Return the lifespan, with the check after its start."""

        @asynccontextmanager
        async def checked_lifespan(app: Any) -> AsyncIterator[Mapping[str, Any] | None]:
            async with lifespan(app) as state:
                await self.check()
                yield state

        return checked_lifespan
