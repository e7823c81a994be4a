"""Writing what ``nested`` has read through an ORM session: related instances, by relationship.

The session sets foreign keys, writes link tables and deletes orphans as the mapping says, and
validators and events of the related classes run. ``nested_writes`` is for models without any.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session, WriteOnlyCollection, object_session
from sqlalchemy.orm.collections import collection_adapter

from encore.database.errors import NotWritten
from encore.database.protocol import Connection
from encore.database.statement import Row
from encore.errors import FieldError, NotFound, ValidationFailed
from encore.execution.context import Context
from encore.execution.nested.additions import additions
from encore.execution.nested.related_rows import RelatedRows, no_such_row
from encore.execution.session_writes import VALIDATION_ERRORS, SessionWrites, run_in_session
from encore.models.fields import default_values
from encore.validation import body as bodies
from encore.validation.body import ValidationErrors
from encore.validation.nested import ConnectRelated, CreateRelated, NestedBody


@dataclass(frozen=True, slots=True)
class LinkChange:
    """A change of the links of one row.

    Attributes:
        name: The relation's.
        keys: The primary keys of the linked rows, as driver values.
        replaces: They become all that are linked.
        removes: They are parted from the row; else they are linked to it.
    """

    name: str
    keys: Sequence[Sequence[Any]]
    replaces: bool = False
    removes: bool = False


class SessionNestedWrites:
    """Writes the nested bodies of one view's rows in sessions.

    Args:
        related: The related rows, by the names of their relations.
        writes: What makes and loads their instances, likewise.
    """

    def __init__(
        self, related: Mapping[str, RelatedRows], writes: Mapping[str, SessionWrites]
    ) -> None:
        self._related = related
        self._writes = writes

    def needed(self, nested: Sequence[NestedBody]) -> bool:
        """Tell whether any of these related rows has to be written in a session."""
        return any(self.is_needed_for(one.relation.name) for one in nested)

    def is_needed_for(self, name: str) -> bool:
        """Tell whether the rows of this relation have to be written in a session."""
        behaviour = self._writes[name].behaviour
        return any(behaviour.reasons(action) for action in ("create", "update"))

    async def link(
        self, connection: Connection, parent: SessionWrites, row: Row, to: LinkChange
    ) -> None:
        """Change the links of a stored row; validators and events of both sides run.

        Args:
            connection: Inside the transaction.
            parent: What loads the row's instance.
            row: The row.
            to: Which links, and what becomes of them.
        """
        key, related = parent.row_key(row), self._writes[to.name]

        def work(session: Session) -> None:
            with session.no_autoflush:
                instance = parent.load(session, key, row)
                if instance is None:
                    raise NotFound
                others = [related.load(session, one) for one in to.keys]
                try:
                    if to.removes:
                        collection = getattr(instance, to.name)
                        for other in others:
                            collection.remove(other)
                    else:
                        _collect(getattr(instance, to.name), others, replaces=to.replaces)
                except VALIDATION_ERRORS as error:
                    raise _refused(to.name, error) from error

        await run_in_session(connection, work)

    async def check_links(self, connection: Connection, context: Context) -> None:
        """Check that the rows to be linked exist and show what the body says of them."""
        for one, item in _items(context.nested):
            if isinstance(item, ConnectRelated):
                await self._related[one.relation.name].row(connection, item, context)

    def apply(self, session: Session, instance: Any, context: Context) -> dict[str, Any]:
        """Relate instances to the parent's; return those that are new, by their place."""
        made: dict[str, Any] = {}
        for one in context.nested:
            instances = [self._instance(session, one, item, context) for item in one.items]
            new = zip(one.items, instances, strict=True)
            made.update((item.name, i) for item, i in new if isinstance(item, CreateRelated))
            try:
                _relate(instance, one, instances)
            except VALIDATION_ERRORS as error:
                raise _refused(one.relation.name, error) from error
        return made

    async def check_made(
        self, connection: Connection, context: Context, keys: Mapping[str, Sequence[Any]]
    ) -> None:
        """Check that new rows, whose keys these are, show what the body says of them."""
        for one, item in _items(context.nested):
            if isinstance(item, CreateRelated) and item.unwritten:
                related = self._related[one.relation.name]
                row = await connection.fetch_one(
                    related.statements.stored(), tuple(keys[item.name])
                )
                if row is None:
                    raise NotWritten("a related row is gone")
                await related.check_rest(connection, row, item.unwritten, f"{item.name}.")

    def keys(
        self, nested: Sequence[NestedBody], made: Mapping[str, Any]
    ) -> dict[str, Sequence[Any]]:
        """Return the keys of flushed instances, as driver values."""
        return {
            item.name: self._writes[one.relation.name].identity(made[item.name])
            for one, item in _items(nested)
            if item.name in made
        }

    def _instance(
        self,
        session: Session,
        one: NestedBody,
        item: CreateRelated | ConnectRelated,
        context: Context,
    ) -> Any:
        writes = self._writes[one.relation.name]
        if isinstance(item, ConnectRelated):
            found = writes.load(session, item.key)
            if found is None:
                raise no_such_row(item.name)
            writes.assign(found, item.changes, f"{item.name}.")
            return found
        fields, prefix = one.child.serializer.fields, f"{item.name}."
        managed = [field for field in fields if field.managed and field.has_default]
        attributes = {
            **{field.attribute: value for field, value in default_values(managed)},
            **item.attributes,
            **additions(context.add_to_children, fields),
        }
        by_parent = self._related[one.relation.name].foreign
        errors = ValidationErrors()
        demanded = [field for field in fields if field not in by_parent]
        bodies.check_complete(attributes, demanded, errors, prefix=prefix)
        errors.check()
        return writes.make(attributes, prefix)


def _items(
    nested: Sequence[NestedBody],
) -> Iterator[tuple[NestedBody, CreateRelated | ConnectRelated]]:
    return ((one, item) for one in nested for item in one.items)


def _refused(name: str, error: Exception) -> ValidationFailed:
    """Make the error for what a validator of a relationship refuses."""
    errors: list[FieldError] = [{"field": name, "message": f"{name} {error}"}]
    return ValidationFailed(f"{bodies.INVALID}: {name} {error}", errors)


def _relate(instance: Any, one: NestedBody, related: Sequence[Any]) -> None:
    """Relate instances: put them into a collection, or make them all that is in it."""
    name = one.relation.name
    if not one.relation.many:
        setattr(instance, name, related[0] if related else None)
        return
    _collect(getattr(instance, name), related, replaces=one.replaces)


def _collect(collection: Any, related: Sequence[Any], *, replaces: bool) -> None:
    """Put instances into a collection of whichever class, or make them all that is in it.

    Raises:
        ValueError: The collection knows its members by a key that two of them have.
    """
    adapter = collection_adapter(collection) if hasattr(collection, "_sa_adapter") else None
    if adapter is None:  # A dynamic or write-only relationship.
        add, remove = getattr(collection, "add", None) or collection.append, collection.remove
        present = _stored(collection) if replaces else []
    else:
        add, remove = adapter.append_with_event, adapter.remove_with_event
        present = list(adapter)
    for other in present if replaces else ():
        if other not in related:
            remove(other)
    for other in related:
        if other not in present:
            add(other)
    kept = [one for one in present if not replaces or one in related]
    if adapter is not None and not {*map(id, (*kept, *related))} <= {*map(id, adapter)}:
        raise ValueError("must not have two rows of one key")


def _stored(collection: Any) -> list[Any]:
    """Return what is in a dynamic or write-only collection."""
    if not isinstance(collection, WriteOnlyCollection):
        return list(collection)
    session = object_session(collection.instance)
    return [] if session is None else [*session.scalars(collection.select())]
