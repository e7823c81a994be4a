"""Foreign keys in bodies that name a soft-deleted row: refused as those that name no row.

The database does not refuse them, since the row is stored. Each is looked up in the transaction of
the write, and locked against a deletion meanwhile.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Dialect, ForeignKeyConstraint, select

from encore.database.protocol import Connection
from encore.database.soft_deletes import DeletedRows, dialect_showing
from encore.database.statement import Row, Statement, param
from encore.errors import Conflict
from encore.execution.error_mapping import NO_SUCH_ROW, field_errors
from encore.models.fields import Field
from encore.serializers.serializer import Serializer
from encore.validation.body import INVALID


@dataclass(frozen=True, slots=True)
class _Reference:
    """A foreign key to a soft-deleted table.

    Attributes:
        fields: Its fields.
        named_row: The SELECT of when the row that it names was deleted, which locks the row.
    """

    fields: tuple[Field, ...]
    named_row: Statement


class References:
    """The foreign keys of one serializer's rows that refer to soft-deleted tables.

    Args:
        serializer: The serializer of the rows.
        dialect: The dialect to compile for.
    """

    def __init__(self, serializer: Serializer, dialect: Dialect) -> None:
        self._serializer = serializer
        self._dialect = dialect
        self._known = 0
        self._found: tuple[_Reference, ...] = ()

    def __bool__(self) -> bool:
        """Return whether there are any; resources that are declared later may add some."""
        registered = len(self._serializer.soft_deletes.columns)
        if registered != self._known:
            self._found = tuple(self._find())
            self._known = registered
        return bool(self._found)

    def are_set(self, attributes: Mapping[str, Any]) -> bool:
        """Return whether attributes set one of them."""
        return bool(self) and any(
            field.attribute in attributes for reference in self._found for field in reference.fields
        )

    async def check(
        self,
        connection: Connection,
        attributes: Mapping[str, Any],
        prefix: str = "",
        stored: Row | None = None,
    ) -> None:
        """Check the rows that attributes refer to.

        Args:
            connection: The connection of the transaction.
            attributes: What is written, by attribute names.
            prefix: The row's path in the body, with a dot behind it.
            stored: The stored row; what it refers to already may be deleted.

        Raises:
            Conflict: A row is deleted.
        """
        for reference in self._found:
            names = [field.attribute for field in reference.fields]
            if not any(name in attributes for name in names):
                continue
            old = dict(zip(names, self._stored(reference, stored), strict=True))
            new = {name: attributes[name] for name in names if name in attributes}
            driver = self._serializer.fields.driver_values(new)
            values = tuple(driver.get(f, old[f.attribute]) for f in reference.fields)
            if None in values or (stored is not None and values == tuple(old.values())):
                continue
            row = await connection.fetch_one(reference.named_row, values)
            if row is not None and row[0] is not None:  # One that is missing the database refuses.
                columns = [field.name for field in reference.fields]
                errors = field_errors(columns, NO_SUCH_ROW, self._serializer, prefix)
                raise Conflict(INVALID, errors)

    def _stored(self, reference: _Reference, stored: Row | None) -> Sequence[Any]:
        if stored is None:
            return [None] * len(reference.fields)
        return self._serializer.values(stored, [field.column for field in reference.fields])

    def _find(self) -> list[_Reference]:
        fields, registry = self._serializer.fields, self._serializer.soft_deletes
        return [
            self._reference(constraint)
            for table in fields.mapped.tables
            for constraint in sorted(
                table.foreign_key_constraints, key=lambda k: str(k.column_keys)
            )
            if constraint.referred_table in registry.columns
            and all(fields.mapped.has_column(column) for column in constraint.columns)
            and not fields.mapped.inherited_keys.issuperset(constraint.columns)
        ]

    def _reference(self, constraint: ForeignKeyConstraint) -> _Reference:
        remotes = [element.column for element in constraint.elements]
        same = (column == param(n, column.type) for n, column in enumerate(remotes))
        fields, columns = self._serializer.fields, self._serializer.soft_deletes.columns
        deleted_at = columns[constraint.referred_table]
        clause = select(deleted_at).where(*same).with_for_update(read=True)
        return _Reference(
            tuple(fields.get_by_column(column) for column in constraint.columns),
            Statement(clause, dialect_showing(self._dialect, DeletedRows.STORED)),
        )
