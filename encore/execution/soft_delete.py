"""Soft deletes through ORM sessions: a row, and the rows to which its deletion cascades.

Where the mapping deletes related rows with a row (``cascade="all, delete-orphan"``), a soft delete
marks them with the same timestamp, and restoring the row restores those that have it. The related
tables must be soft-deleted too (``check_cascades``). Rows of association tables and foreign keys
stay as they are: nothing shows them, and they are right again once the row is restored.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Column, DateTime, inspect, select
from sqlalchemy.orm import (
    Mapper,
    RelationshipProperty,
    Session,
    with_loader_criteria,
    with_parent,
)
from sqlalchemy.orm.interfaces import ORMOption

from encore.database.soft_deletes import SoftDeletes
from encore.models.fields import Field
from encore.types import format_timestamp


def deletion_timestamp(field: Field) -> Any:
    """Return the current time, as the Python value of a field."""
    return field.codec.from_json(format_timestamp(current_milliseconds()))


def current_milliseconds() -> datetime:
    """Return the current time in milliseconds, which every type of timestamp holds exactly."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


def cascading_relationships(mapper: Mapper[Any]) -> Iterator[RelationshipProperty[Any]]:
    """Yield the relationships of a class and its subclasses whose rows are deleted with a row."""
    for own in mapper.self_and_descendants:
        for relationship in own.relationships:
            if relationship.cascade.delete and not relationship.viewonly:
                yield relationship


def hide_deleted(soft_deletes: SoftDeletes) -> list[ORMOption]:
    """Return the options of a query that leave deleted rows out, also of what it loads later."""
    options: list[ORMOption] = []
    for table, model in soft_deletes.models.items():
        key = inspect(model).get_property_by_column(soft_deletes.columns[table]).key
        options.append(with_loader_criteria(model, getattr(model, key).is_(None)))
    return options


class SoftDeleteSessions:
    """Marks rows, and those to which their deletion cascades, as deleted or as restored.

    Args:
        soft_deletes: The soft-deleted tables of the database.
    """

    def __init__(self, soft_deletes: SoftDeletes) -> None:
        self._soft_deletes = soft_deletes

    def is_soft_deleted(self, mapper: Mapper[Any]) -> bool:
        """Return whether the rows of a class are marked instead of deleted."""
        return self._soft_deletes.column_of(mapper.tables) is not None

    def delete(self, session: Session, instance: Any, timestamp: datetime) -> bool:
        """Mark a row and its dependents; return False if it is deleted already."""
        pending = [instance]
        is_marked = False
        while pending:  # Not recursive: a chain of rows may be long.
            row = pending.pop()
            name, column = self._attribute(row)
            if getattr(row, name) is not None:
                continue
            setattr(row, name, _value(column, timestamp))
            is_marked = True
            pending += self._dependents(session, row)
        return is_marked

    def restore(self, session: Session, instance: Any) -> bool:
        """Restore a row and the rows deleted with it; return False if it is not deleted."""
        deleted_at = self._deleted_at(instance)
        if deleted_at is None:
            return False
        pending = [instance]
        while pending:
            row = pending.pop()
            setattr(row, self._attribute(row)[0], None)
            children = self._dependents(session, row)
            pending += [child for child in children if self._deleted_at(child) == deleted_at]
        return True

    def has_live_dependents(self, session: Session, instance: Any) -> bool:
        """Return whether deleting a row would delete rows that are not marked as deleted."""
        pending, seen = [instance], {id(instance)}
        while pending:
            for child in self._dependents(session, pending.pop()):
                if self._deleted_at(child) is None:
                    return True
                if id(child) not in seen:
                    seen.add(id(child))
                    pending.append(child)
        return False

    def is_deleted_before(self, instance: Any, time: datetime) -> bool:
        """Return whether a row was marked as deleted before a time."""
        deleted_at = self._deleted_at(instance)
        return deleted_at is not None and deleted_at < time

    def _deleted_at(self, instance: Any) -> datetime | None:
        value: datetime | None = getattr(instance, self._attribute(instance)[0])
        return None if value is None else _aware(value)

    def _attribute(self, instance: Any) -> tuple[str, Column[Any]]:
        mapper = inspect(instance).mapper
        column = self._soft_deletes.column_of(mapper.tables)
        if column is None:
            raise TypeError(f"{mapper.class_.__name__} is not soft-deleted")
        return str(mapper.get_property_by_column(column).key), column

    @staticmethod
    def _dependents(session: Session, instance: Any) -> Iterator[Any]:
        for relationship in inspect(instance).mapper.relationships:
            if relationship.cascade.delete and not relationship.viewonly:
                attribute = getattr(type(instance), relationship.key)
                rows = select(relationship.entity.entity).where(with_parent(instance, attribute))
                yield from session.scalars(rows).unique()


def _value(column: Column[Any], timestamp: datetime) -> datetime:
    """Return a timestamp as a column takes it: naive without a time zone."""
    type_ = column.type
    is_naive = isinstance(type_, DateTime) and not type_.timezone
    return timestamp.replace(tzinfo=None) if is_naive else timestamp


def _aware(timestamp: datetime) -> datetime:
    return timestamp if timestamp.tzinfo is not None else timestamp.replace(tzinfo=UTC)
