"""Writing the related rows of a body through an ORM session: instances, by relationship.

The session sets foreign keys, writes link tables and deletes orphans as the mapping says, and
validators and events of the related classes run. ``writes`` serves models without any.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session, WriteOnlyCollection
from sqlalchemy.orm.attributes import set_committed_value
from sqlalchemy.orm.collections import collection_adapter

from encore.database.errors import NotWritten
from encore.database.protocol import Connection
from encore.database.statement import Row
from encore.errors import FieldError, NotFound, ValidationFailed
from encore.execution.context import Context
from encore.execution.nested.additions import additions
from encore.execution.nested.related_rows import RelatedRows, no_such_row
from encore.execution.session_writes import VALIDATION_ERRORS, SessionWrites, run_in_session
from encore.execution.soft_delete import SoftDeleteSessions, current_milliseconds
from encore.models.fields import default_values
from encore.validation import body as validation
from encore.validation.body import ValidationErrors
from encore.validation.nested import ConnectRelated, CreateRelated, NestedBody


@dataclass(frozen=True, slots=True)
class LinkChange:
    """A change of the links of one row.

    Attributes:
        name: The relation's.
        keys: The primary keys of the linked rows, as driver values.
        replaces: Whether they replace all linked rows.
        removes: Whether they are unlinked from the row; otherwise they are linked to it.
    """

    name: str
    keys: Sequence[Sequence[Any]]
    replaces: bool = False
    removes: bool = False


class SessionNestedWrites:
    """Writes the related rows of one serializer's rows in sessions.

    Args:
        related: Reads and writes related rows, by the names of their relations.
        writes: Creates and loads their instances, by the same names.
    """

    def __init__(
        self, related: Mapping[str, RelatedRows], writes: Mapping[str, SessionWrites]
    ) -> None:
        self._related = related
        self._writes = writes

    def needed(self, nested: Sequence[NestedBody]) -> bool:
        """Return whether any of these related rows must be written in a session."""
        return any(self.is_needed_for(body.relation.name) for body in nested)

    def is_needed_for(self, name: str) -> bool:
        """Return whether the rows of this relation must be written in a session."""
        behaviour = self._writes[name].behaviour
        return any(behaviour.reasons(action) for action in ("create", "update"))

    async def link(
        self, connection: Connection, parent: SessionWrites, row: Row, change: LinkChange
    ) -> None:
        """Change the links of a stored row; validators and events of both sides run.

        Args:
            connection: The connection of the transaction.
            parent: Loads the row's instance.
            row: The row.
            change: The links, and how they change.
        """
        key, related = parent.row_key(row), self._writes[change.name]

        def work(session: Session) -> None:
            with session.no_autoflush:
                instance = parent.load(session, key, row)
                if instance is None:
                    raise NotFound
                others = [related.load(session, other) for other in change.keys]
                try:
                    if change.removes:
                        collection = getattr(instance, change.name)
                        for other in others:
                            collection.remove(other)
                    else:
                        collection = getattr(instance, change.name)
                        _collect(session, collection, others, replaces=change.replaces)
                except VALIDATION_ERRORS as error:
                    raise _rejected(change.name, error) from error

        await run_in_session(connection, work)

    async def check_links(self, connection: Connection, context: Context) -> None:
        """Validate that the rows to be connected, or referred to, exist and match the body."""
        for body, item in _items(context.nested):
            if isinstance(item, ConnectRelated):
                await self._related[body.relation.name].row(connection, item, context)
            elif (references := self._related[body.relation.name].references).are_set(
                item.attributes
            ):
                await references.check(connection, item.attributes, f"{item.name}.")

    def apply(self, session: Session, instance: Any, context: Context) -> dict[str, Any]:
        """Relate instances to the parent's; return the new ones, by their path in the body."""
        made: dict[str, Any] = {}
        for body in context.nested:
            instances = [self._instance(session, body, item, context) for item in body.items]
            new = zip(body.items, instances, strict=True)
            made.update((item.name, i) for item, i in new if isinstance(item, CreateRelated))
            try:
                self._relate(session, instance, body, instances)
            except VALIDATION_ERRORS as error:
                raise _rejected(body.relation.name, error) from error
        return made

    async def check_made(
        self, connection: Connection, context: Context, keys: Mapping[str, Sequence[Any]]
    ) -> None:
        """Validate that new rows, by their keys, match the body."""
        for body, item in _items(context.nested):
            if isinstance(item, CreateRelated) and item.unwritten:
                related = self._related[body.relation.name]
                row = await connection.fetch_one(
                    related.statements.stored(), tuple(keys[item.name])
                )
                if row is None:
                    raise NotWritten("a related row is gone")
                await related.check_unwritten(connection, row, item.unwritten, f"{item.name}.")

    def keys(
        self, nested: Sequence[NestedBody], made: Mapping[str, Any]
    ) -> dict[str, Sequence[Any]]:
        """Return the keys of flushed instances, as driver values."""
        return {
            item.name: self._writes[body.relation.name].identity(made[item.name])
            for body, item in _items(nested)
            if item.name in made
        }

    def _relate(
        self, session: Session, instance: Any, body: NestedBody, related: Sequence[Any]
    ) -> None:
        """Relate instances: add them to a collection, replace it, or set the attribute."""
        name, relation = body.relation.name, body.relation
        marks = SoftDeleteSessions(body.child.serializer.soft_deletes)
        marks_orphans = relation.mapped.cascade.delete_orphan and marks.is_soft_deleted(
            body.child.serializer.fields.mapped.mapper
        )
        if not relation.many:
            if marks_orphans:
                former = getattr(instance, name)
                if former is not None and former not in related:
                    marks.delete(session, former, current_milliseconds())
                    set_committed_value(instance, name, None)  # The ORM would delete it.
            setattr(instance, name, related[0] if related else None)
            return
        collection = getattr(instance, name)
        if marks_orphans and body.replaces:
            for other in _members(session, collection):
                if other not in related:
                    marks.delete(session, other, current_milliseconds())
        replaces = body.replaces and not marks_orphans
        _collect(session, collection, related, replaces=replaces)

    def _instance(
        self,
        session: Session,
        body: NestedBody,
        item: CreateRelated | ConnectRelated,
        context: Context,
    ) -> Any:
        writes = self._writes[body.relation.name]
        if isinstance(item, ConnectRelated):
            found = writes.load(session, item.key)
            if found is None:
                raise no_such_row(item.name)
            writes.assign(found, item.changes, f"{item.name}.")
            return found
        fields, prefix = body.child.serializer.fields, f"{item.name}."
        managed = [field for field in fields if field.managed and field.has_default]
        attributes = {
            **{field.attribute: value for field, value in default_values(managed)},
            **item.attributes,
            **additions(context.add_to_children, fields),
        }
        by_parent = self._related[body.relation.name].foreign
        errors = ValidationErrors()
        required = [field for field in fields if field not in by_parent]
        validation.check_complete(attributes, required, errors, prefix=prefix)
        errors.check()
        return writes.make(attributes, prefix)


def _items(
    nested: Sequence[NestedBody],
) -> Iterator[tuple[NestedBody, CreateRelated | ConnectRelated]]:
    return ((body, item) for body in nested for item in body.items)


def _rejected(name: str, error: Exception) -> ValidationFailed:
    """Return the error for what a validator of a relationship rejects."""
    errors: list[FieldError] = [{"field": name, "message": f"{name} {error}"}]
    return ValidationFailed(f"{validation.INVALID}: {name} {error}", errors)


def _collect(session: Session, collection: Any, related: Sequence[Any], *, replaces: bool) -> None:
    """Add instances to a collection of any class, or replace its members.

    Raises:
        ValueError: The collection is keyed, and two of them have the same key.
    """
    adapter = _adapter(collection)
    if adapter is None:  # A dynamic or write-only relationship.
        add, remove = getattr(collection, "add", None) or collection.append, collection.remove
        present = _members(session, collection) if replaces else []
    else:
        add, remove = adapter.append_with_event, adapter.remove_with_event
        present = list(adapter)
    for other in present if replaces else ():
        if other not in related:
            remove(other)
    for other in related:
        if other not in present:
            add(other)
    kept = [other for other in present if not replaces or other in related]
    if adapter is not None and not {*map(id, (*kept, *related))} <= {*map(id, adapter)}:
        raise ValueError("must not have two rows of one key")


def _adapter(collection: Any) -> Any:
    return collection_adapter(collection) if hasattr(collection, "_sa_adapter") else None


def _members(session: Session, collection: Any) -> list[Any]:
    """Return the members of a collection of any class that are not deleted."""
    adapter = _adapter(collection)
    if adapter is not None:
        return list(adapter)
    if isinstance(collection, WriteOnlyCollection):
        return [*session.scalars(collection.select())]
    return list(collection)
