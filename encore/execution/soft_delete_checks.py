"""Start-up checks of soft-deleted resources: does the mapping say what a soft delete would not do?

They need all resources of the database, so they run when the application starts.
"""

from collections.abc import Iterator
from typing import Any, Final

from sqlalchemy import Column, ForeignKeyConstraint

from encore.database.history import recorded_table_of
from encore.errors import ConfigurationError
from encore.execution.resource import Resource
from encore.execution.soft_delete import cascading_relationships

_CASCADE: Final = "CASCADE"


def check_soft_delete(resource: Resource) -> None:
    """Check what the mapping deletes, or runs, when a row is deleted.

    Raises:
        ConfigurationError: A soft delete would not do it.
    """
    if resource.soft_delete is None:
        return
    field = resource.soft_delete
    recorded = recorded_table_of(resource.fields.table)
    if recorded is not None and str(field.column.name) in recorded[0].exclude:
        message = f"the history of the rows must record {field.name!r}, or past deletions are lost"
        raise ConfigurationError(resource.name, "soft_delete", message)
    for problem in (*_events(resource), *_cascades(resource), *_rules(resource)):
        raise ConfigurationError(resource.name, "soft_delete", problem)


def _events(resource: Resource) -> Iterator[str]:
    for name in resource.session_writes.behaviour.listeners("delete"):
        yield f"the model listens to {name!r}, which a soft delete does not cause; use hooks"


def _cascades(resource: Resource) -> Iterator[str]:
    """Yield the relationships whose rows would be deleted, but are not soft-deleted."""
    soft_deletes = resource.serializer.soft_deletes
    for relationship in cascading_relationships(resource.fields.mapped.mapper):
        target = relationship.mapper
        if soft_deletes.column_of(target.tables) is None:
            yield (
                f"the mapping deletes the rows of {relationship.key!r} with a row: the resource of"
                f" {target.class_.__name__} needs soft_delete too, or the relationship no delete"
                " cascade"
            )


def _rules(resource: Resource) -> Iterator[str]:
    """Yield the foreign keys whose rows the database would delete, but nothing soft-deletes."""
    mapper = resource.fields.mapped.mapper
    own = {table for one in mapper.base_mapper.self_and_descendants for table in one.tables}
    links = {
        relationship.secondary
        for other in mapper.registry.mappers
        for relationship in other.relationships
        if relationship.secondary is not None
    }
    carried_out = [
        {frozenset(pair) for pair in relationship.local_remote_pairs or ()}
        for relationship in cascading_relationships(mapper)
    ]
    for table in resource.fields.table.metadata.sorted_tables:
        if table in links:
            continue
        for key in table.foreign_key_constraints:
            is_rule = (key.ondelete or "").upper() == _CASCADE and key.referred_table in own
            if not is_rule or (table in own and _is_inheritance(key)):
                continue
            if _pairs(key) not in carried_out:
                names = ", ".join(f"{table.name}.{column.name}" for column in key.columns)
                yield (
                    f"{names} has ON DELETE CASCADE, which a soft delete does not cause: declare a"
                    " relationship with cascade='all, delete' whose rows are soft-deleted too, or"
                    " remove the rule"
                )


def _pairs(key: ForeignKeyConstraint) -> set[frozenset[Column[Any]]]:
    return {frozenset((element.parent, element.column)) for element in key.elements}


def _is_inheritance(key: ForeignKeyConstraint) -> bool:
    """Return whether a foreign key is the one of a joined table to the table of its base class."""
    return all(column.primary_key for column in key.columns)
