"""Creating, finding, connecting and disconnecting the related rows of one relation."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Dialect
from sqlalchemy.orm import Session

from encore.database.errors import NotWritten, UniqueViolation
from encore.database.protocol import Connection
from encore.database.statement import Row
from encore.errors import Conflict
from encore.execution.context import Context
from encore.execution.nested.additions import additions
from encore.execution.references import References
from encore.execution.related_write import RelatedWrite
from encore.execution.session_writes import SessionWrites, run_in_session
from encore.execution.soft_delete import SoftDeleteSessions, current_milliseconds
from encore.models.fields import DriverValue
from encore.serializers.records import hide
from encore.serializers.relation_loader import RelationLoader
from encore.serializers.serializer import RelatedSerializer
from encore.sql.association_table import AssociationTable
from encore.sql.statements import Statements
from encore.validation import body as bodies
from encore.validation.body import ValidationErrors
from encore.validation.nested import ConnectRelated, CreateRelated, Key, UnwrittenMembers
from encore.validation.unchanged import decode_record, is_driver_value, report_changed


class RelatedRows:
    """Reads and writes the rows of one relation, one at a time.

    Args:
        child: The relation, and the serializer of its rows.
        dialect: The database's dialect.

    Attributes:
        foreign: The fields of the related rows that refer to the parent.
    """

    def __init__(self, child: RelatedSerializer, dialect: Dialect) -> None:
        self.child = child
        self.serializer = child.serializer
        self.statements = Statements(child.serializer.fields, child.serializer.fields.key, dialect)
        self.association_table = AssociationTable(child.relation, dialect)
        self.references = References(child.serializer, dialect)
        self._session_writes = SessionWrites(child.serializer.fields, dialect)
        self._relation_loader = RelationLoader(child.serializer, dialect)
        relation = child.relation
        self.foreign = (
            [child.serializer.fields.get_by_column(remote) for _, remote in relation.pairs]
            if relation.owned and relation.writable
            else []
        )

    async def row(
        self, connection: Connection, item: CreateRelated | ConnectRelated, context: Context
    ) -> Row:
        """Create the related row, or find it; return it as it is stored.

        Raises:
            Conflict: There is no row with the key.
            ValidationFailed: A member is invalid, or cannot be written.
        """
        if isinstance(item, CreateRelated):
            return await self._insert(connection, item, context, {})
        row = await connection.fetch_one(self.statements.read(), item.key)
        if row is None:
            raise no_such_row(item.name)
        await self.check_unwritten(connection, row, item.unwritten, f"{item.name}.")
        return row

    async def connect(
        self,
        connection: Connection,
        item: CreateRelated | ConnectRelated,
        own: Key,
        context: Context,
    ) -> None:
        """Relate a new or existing row to the parent whose key is ``own``."""
        if self.child.relation.association_table is None:
            await self._set_foreign_key(connection, item, own, context)
        else:
            await self._insert_link(connection, item, own, context)

    async def change(self, connection: Connection, item: ConnectRelated, context: Context) -> None:
        """Change a row that is related already."""
        if not item.changes:
            return
        fields = self.serializer.fields
        if self.references.are_set(item.changes):
            row = await connection.fetch_one(self.statements.read(), item.key)
            prefix = f"{item.name}."
            await self.references.check(connection, item.changes, prefix, stored=row)
        written, values = fields.ordered({**fields.onupdate_values(), **item.changes})
        context.related_write = RelatedWrite(self.serializer, item.changes, f"{item.name}.")
        updating = self.statements.update(written)
        if await connection.fetch_one(updating, (*values, *item.key)) is None:
            raise NotWritten("a related row was not changed")
        context.related_write = None

    async def disconnect(
        self, connection: Connection, key: Key, own: Key, context: Context
    ) -> None:
        """Disconnect a row from the parent; delete it if the relationship cascades so."""
        relation = self.child.relation
        if relation.association_table is not None:
            row = await connection.fetch_one(self.statements.read(), key)
            if row is not None:
                remotes = [remote for remote, _ in relation.association_pairs]
                await self.association_table.delete(
                    connection, own, self.serializer.values(row, remotes)
                )
        if relation.mapped.cascade.delete_orphan:
            context.related_write = RelatedWrite(self.serializer, {}, f"{relation.name}.")
            await self._delete(connection, key)
            context.related_write = None
        elif relation.association_table is None:
            await self.set_foreign_key_null(connection, key, context)

    async def _delete(self, connection: Connection, key: Key) -> None:
        """Delete a row through a session, with its own cascades."""
        marks = SoftDeleteSessions(self.serializer.soft_deletes)
        is_marked = marks.is_soft_deleted(self.serializer.fields.mapped.mapper)
        timestamp = current_milliseconds()

        def work(session: Session) -> None:
            instance = self._session_writes.load(session, key)
            if instance is None:
                return
            if is_marked:
                marks.delete(session, instance, timestamp)
            else:
                session.delete(instance)

        await run_in_session(connection, work)

    async def set_foreign_key_null(
        self, connection: Connection, key: Key, context: Context
    ) -> None:
        """Set the foreign key of a row to null."""
        fields = self.serializer.fields
        none: dict[str, Any] = {field.attribute: None for field in self.foreign}
        written, values = fields.ordered({**fields.onupdate_values(), **none})
        context.related_write = RelatedWrite(self.serializer, none, f"{self.child.relation.name}.")
        if await connection.fetch_one(self.statements.update(written), (*values, *key)) is None:
            raise NotWritten("a related row still refers to its former parent")
        context.related_write = None

    async def _set_foreign_key(
        self,
        connection: Connection,
        item: CreateRelated | ConnectRelated,
        own: Key,
        context: Context,
    ) -> None:
        """Create a row that refers to the parent, or set the foreign key of an existing one."""
        fields = self.serializer.fields
        refers = {f.attribute: DriverValue(v) for f, v in zip(self.foreign, own, strict=True)}
        if isinstance(item, CreateRelated):
            await self._insert(connection, item, context, refers)
            return
        rest = self.without_foreign_key(item.unwritten, own)
        if rest:
            row = await connection.fetch_one(self.statements.read(), item.key)
            if row is not None:
                await self.check_unwritten(connection, row, rest, f"{item.name}.")
        written, values = fields.ordered({**fields.onupdate_values(), **refers})
        context.related_write = RelatedWrite(self.serializer, refers, f"{item.name}.")
        updating = self.statements.update(written)
        if await connection.fetch_one(updating, (*values, *item.key)) is None:
            raise no_such_row(item.name)
        context.related_write = None

    async def _insert_link(
        self,
        connection: Connection,
        item: CreateRelated | ConnectRelated,
        own: Key,
        context: Context,
    ) -> None:
        """Insert a row of the link table between the parent and a new or existing row."""
        row = await self.row(connection, item, context)
        other = self.serializer.values(
            row, [remote for remote, _ in self.child.relation.association_pairs]
        )
        try:
            await self.association_table.insert(connection, own, other)
        except UniqueViolation as error:
            message = f"{item.name} is linked already"
            raise Conflict(bodies.INVALID, [{"field": item.name, "message": message}]) from error

    async def _insert(
        self,
        connection: Connection,
        item: CreateRelated,
        context: Context,
        refers: Mapping[str, Any],
    ) -> Row:
        """Insert a related row; ``add_to_children`` overrides the client's values."""
        fields, prefix = self.serializer.fields, f"{item.name}."
        attributes = {
            **fields.default_values(),
            **item.attributes,
            **additions(context.add_to_children, fields),
            **refers,
        }
        errors = ValidationErrors()
        serializer = self.serializer
        nameable = [f for f in fields if f.name in serializer.shown or f in serializer.writable]
        bodies.check_complete(attributes, nameable, errors, prefix=prefix)
        errors.check()
        if self.references.are_set(item.attributes):
            await self.references.check(connection, item.attributes, prefix)
        written, values = fields.ordered(attributes)
        context.related_write = RelatedWrite(self.serializer, attributes, prefix)
        row = await connection.fetch_one(self.statements.insert(written), values)
        if row is not None and not self.statements.returns_rows:
            row = await connection.fetch_one(self.statements.stored(), tuple(row))
        if row is None:
            raise NotWritten("INSERT returned no row")
        context.related_write = None
        await self.check_unwritten(connection, row, item.unwritten, prefix)
        return row

    def without_foreign_key(self, rest: UnwrittenMembers, own: Key) -> UnwrittenMembers:
        """Return the members without the parent's key, which the row has once it is connected."""
        if not self.foreign:
            return rest
        keys = {field.name: (field, value) for field, value in zip(self.foreign, own, strict=True)}
        return {
            n: v
            for n, v in rest.items()
            if n not in keys or not is_driver_value(keys[n][0], v, keys[n][1])
        }

    async def check_unwritten(
        self, connection: Connection, row: Row, rest: UnwrittenMembers, prefix: str
    ) -> None:
        """Raise ``ValidationFailed`` for unwritten members that differ from what the row shows."""
        if not rest:
            return
        (record,) = self.serializer.read_rows((row,))
        embedded = [name for name in rest if name in self.serializer.children]
        await self._relation_loader.embed(connection, (row,), [record], embedded)
        hide([record], self.serializer.hidden)
        errors = ValidationErrors()
        report_changed(self.serializer, rest, rest, decode_record(record), errors, prefix=prefix)
        errors.check()


def no_such_row(name: str) -> Conflict:
    """Return the error for a key in a body that no row has."""
    return Conflict(bodies.INVALID, [{"field": name, "message": f"{name} refers to no such row"}])
