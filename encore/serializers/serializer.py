"""Serializers: which fields and relations of a model one resource outputs.

A serializer is plain data: the fields that are shown, the related rows that are embedded, and the
serializers of those. Another resource may output the same model otherwise. ``builder`` makes
serializers, ``relation_loader`` fetches the related rows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column

from encore.database.soft_deletes import SoftDeletes
from encore.database.statement import Row
from encore.models.fields import Field, Fields, Model
from encore.models.relations import Relation
from encore.query.field_lookup import FieldLookup
from encore.serializers.records import Record, RowReader


@dataclass(frozen=True, slots=True, eq=False)
class Serializer:
    """The output of one model.

    Attributes:
        model: The model.
        fields: All of its fields; every statement returns rows in this order.
        shown: The fields that callers may see and name.
        hidden: The attributes of the others.
        settable: The fields that callers may write, unless they are timestamps of soft deletes.
        soft_deletes: The soft-deleted tables of the database.
        children: The embedded relations, with the serializers of their rows.
        record: The type of a row on its way to JSON.
        read_rows: Converts rows to records.
    """

    model: Model
    fields: Fields
    shown: Mapping[str, Field]
    hidden: tuple[str, ...]
    settable: frozenset[Field]
    soft_deletes: SoftDeletes
    children: Mapping[str, "RelatedSerializer"]
    record: type[Record]
    read_rows: RowReader

    @property
    def writable(self) -> frozenset[Field]:
        """The fields that callers may write, if the action and its options allow it.

        Resources that are declared later may make a table soft-deleted: it is computed each time.
        """
        return frozenset(f for f in self.settable if f.column not in self.soft_deletes)

    @property
    def names(self) -> FieldLookup:
        """The names that a caller may use in queries."""
        return FieldLookup(
            self.shown,
            {
                name: (child.relation, child.serializer.names)
                for name, child in self.children.items()
            },
        )

    def column_index(self, column: Column[Any]) -> int:
        """Return the index of a column in this serializer's rows."""
        return list(self.fields.by_name).index(self.fields.get_by_column(column).name)

    def values(self, row: Row, columns: Sequence[Column[Any]]) -> tuple[Any, ...]:
        """Return a row's values of these columns."""
        return tuple(row[self.column_index(column)] for column in columns)


@dataclass(frozen=True, slots=True, eq=False)
class RelatedSerializer:
    """An embedded relation and the serializer of its rows.

    Attributes:
        relation: The relation, with the conditions and the order of its ``Include``.
        serializer: The serializer of the related rows.
        limit: How many rows of one parent are embedded.
        count_name: The member that holds the number of related rows where there are more than
            the limit; empty for relations to one row.
    """

    relation: Relation
    serializer: Serializer
    limit: int
    count_name: str
