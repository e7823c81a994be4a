"""Writing what ``nested`` has read: some related rows before their parent, some after it.

``related`` writes one row, ``arrays`` finds out what a whole array changes.
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
    """Writes the nested bodies of one view.

    Args:
        serializer: The parent's.
        dialect: The database's.

    Attributes:
        related: The related rows, by the names of their relations.
    """

    def __init__(self, serializer: Serializer, dialect: Dialect) -> None:
        self._serializer = serializer
        self.related = {
            name: RelatedRows(child, dialect) for name, child in serializer.children.items()
        }

    def sets(self, nested: Sequence[NestedBody]) -> frozenset[str]:
        """Return the parent's attributes that nested bodies will set."""
        fields = self._serializer.fields
        return frozenset(
            fields.get_by_column(column).attribute
            for one in nested
            for column in one.relation.foreign_key
        )

    async def write_before(self, connection: Connection, context: Context) -> None:
        """Write the rows that the parent refers to, and set its foreign keys."""
        fields = self._serializer.fields
        for one in context.nested:
            foreign = one.relation.foreign_key
            if not foreign:
                continue
            values: Key = (None,) * len(foreign)
            for item in one.items:
                row = await self.related[one.relation.name].row(connection, item, context)
                remotes = [remote for _, remote in one.relation.pairs]
                values = one.child.serializer.values(row, remotes)
            for column, value in zip(foreign, values, strict=True):
                context.attributes[fields.get_by_column(column).attribute] = DriverValue(value)

    async def write_after(self, connection: Connection, context: Context, parent: Row) -> None:
        """Write the rows that refer to the parent, which is stored by now."""
        for one in context.nested:
            relation = one.relation
            if relation.foreign_key:
                continue
            related = self.related[relation.name]
            own = self._serializer.values(parent, [local for local, _ in relation.pairs])
            if not relation.many and context.action != "create":
                kept = {item.key for item in one.items if isinstance(item, ConnectRelated)}
                for key in await related.association_table.referring(connection, own):
                    if tuple(key) not in kept:
                        await related.disconnect(connection, tuple(key), own, context)
            for key in one.removed:
                await related.disconnect(connection, key, own, context)
            for item in one.items:
                if isinstance(item, ConnectRelated) and item.connected:
                    await related.change(connection, item, context)
                else:
                    await related.connect(connection, item, own, context)
