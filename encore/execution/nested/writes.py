"""Writing the related rows of a body: some before their parent, the others after it.

``related_rows`` writes one row, ``arrays`` computes the changes of a whole array.
"""

from collections.abc import Sequence

from sqlalchemy import Dialect

from encore.database.protocol import Connection
from encore.database.statement import Row
from encore.execution.context import Context
from encore.execution.nested.related_rows import RelatedRows
from encore.models.fields import DriverValue
from encore.serializers.serializer import Serializer
from encore.validation.nested import ConnectRelated, Key, NestedBody


class NestedWrites:
    """Writes the related rows of one serializer's rows.

    Args:
        serializer: The serializer of the parent.
        dialect: The database's dialect.

    Attributes:
        related: Reads and writes related rows, by the names of their relations.
    """

    def __init__(self, serializer: Serializer, dialect: Dialect) -> None:
        self._serializer = serializer
        self.related = {
            name: RelatedRows(child, dialect) for name, child in serializer.children.items()
        }

    def sets(self, nested: Sequence[NestedBody]) -> frozenset[str]:
        """Return the parent's attributes that these related rows will set."""
        fields = self._serializer.fields
        return frozenset(
            fields.get_by_column(column).attribute
            for body in nested
            for column in body.relation.foreign_key
        )

    async def write_before(self, connection: Connection, context: Context) -> None:
        """Write the rows that the parent refers to, and set its foreign keys."""
        fields = self._serializer.fields
        for body in context.nested:
            foreign = body.relation.foreign_key
            if not foreign:
                continue
            values: Key = (None,) * len(foreign)
            for item in body.items:
                row = await self.related[body.relation.name].row(connection, item, context)
                remotes = [remote for _, remote in body.relation.pairs]
                values = body.child.serializer.values(row, remotes)
            for column, value in zip(foreign, values, strict=True):
                context.attributes[fields.get_by_column(column).attribute] = DriverValue(value)

    async def write_after(self, connection: Connection, context: Context, parent: Row) -> None:
        """Write the rows that refer to the parent, which is stored by now."""
        for body in context.nested:
            relation = body.relation
            if relation.foreign_key:
                continue
            related = self.related[relation.name]
            own = self._serializer.values(parent, [local for local, _ in relation.pairs])
            connected: set[Key] = set()
            if not relation.many and context.action != "create":
                connected = await self._disconnect_others(connection, body, own, context)
            for key in body.removed:
                await related.disconnect(connection, key, own, context)
            for item in body.items:
                if isinstance(item, ConnectRelated) and (
                    item.connected or (item.key in connected and not item.unwritten)
                ):
                    await related.change(connection, item, context)
                else:
                    await related.connect(connection, item, own, context)

    async def _disconnect_others(
        self, connection: Connection, body: NestedBody, own: Key, context: Context
    ) -> set[Key]:
        """Disconnect the row that an object replaces; return the keys of those that stay."""
        related = self.related[body.relation.name]
        kept = {item.key for item in body.items if isinstance(item, ConnectRelated)}
        keys = [tuple(key) for key in await related.association_table.referring(connection, own)]
        for key in keys:
            if key not in kept:
                await related.disconnect(connection, key, own, context)
        return kept.intersection(keys)
