"""The stored row of an update, for bodies with members that are not written.

A body that a GET returned contains read-only members, related rows beside their foreign keys, and
arrays. The row is read, and locked, to find out which of them are unchanged; those are not
written. A body of writable members alone needs no stored row.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from msgspec import UNSET

from encore.database.protocol import Connection
from encore.database.statement import Row
from encore.models.fields import DriverValue, Field, Fields
from encore.models.types import InvalidValue
from encore.resource.definition import ResourceDefinition
from encore.serializers.serializer import Serializer
from encore.validation.body import INVALID, Attributes, ValidationErrors
from encore.validation.nested import ConnectRelated, NestedBody
from encore.validation.unchanged import decode_record, report_changed, same_member


@dataclass(frozen=True, slots=True)
class StoredRow:
    """A row before its update.

    Attributes:
        serializer: The serializer of the row.
        row: The row as the database returned it.
        shown: The row as callers see it, with the related rows that the body contains.
    """

    serializer: Serializer
    row: Row
    shown: Mapping[str, Any]

    @classmethod
    async def load(
        cls, resource: ResourceDefinition, connection: Connection, row: Row, members: Iterable[str]
    ) -> "StoredRow":
        """Return the row as callers see it, with the relations that the body contains."""
        serializer = resource.serializer
        (record,) = serializer.read_rows((row,))
        embedded = [name for name in members if name in serializer.children]
        await resource.relation_loader.embed(connection, (row,), [record], embedded)
        return cls(serializer, row, decode_record(record))

    def check(
        self,
        body: Mapping[str, Any],
        read_only: Iterable[str],
        nested: Iterable[NestedBody],
        attributes: Attributes,
    ) -> list[NestedBody]:
        """Return the related rows of a body that are not as they are stored.

        Args:
            body: The JSON object.
            read_only: The names of members that must be unchanged.
            nested: What the body contains of related rows.
            attributes: The values that are written, by attribute names.

        Raises:
            ValidationFailed: A read-only member is changed, or two members contradict each other.
        """
        errors = ValidationErrors()
        report_changed(self.serializer, body, read_only, self.shown, errors)
        changed = []
        for relation_body in nested:
            name = relation_body.relation.name
            if same_member(self.serializer, name, body[name], self.shown.get(name, UNSET)):
                continue
            if relation_body.errors is not None:
                relation_body.errors.check()
            changed.append(relation_body)
            if not self._keeps_foreign_key(relation_body, body):
                report_contradiction(relation_body, attributes, self.serializer.fields, errors)
        errors.check()
        return changed

    def changed(self, attributes: Attributes) -> Attributes:
        """Return the attributes whose values differ from the stored ones."""
        fields = self.serializer.fields
        places = {field.attribute: place for place, field in enumerate(fields)}
        bound = fields.driver_values(attributes)
        return {
            field.attribute: attributes[field.attribute]
            for field, value in bound.items()
            if not (
                value == self.row[places[field.attribute]]
                or _is_shown(field, attributes[field.attribute], self.shown.get(field.name))
            )
        }

    def _keeps_foreign_key(self, nested: NestedBody, body: Mapping[str, Any]) -> bool:
        """Return whether the body has the stored foreign key or none, so that the object counts."""
        names = [str(column.name) for column in nested.relation.foreign_key]
        return all(
            same_member(self.serializer, name, body[name], self.shown.get(name, UNSET))
            for name in names
            if name in body
        )


def _is_shown(field: Field, value: Any, shown: Any) -> bool:
    """Return whether a Python value is what a member shows; drivers may use another type."""
    if shown is None or value is None or type(value) is DriverValue:
        return False
    try:
        return bool(field.codec.from_json(shown) == value)
    except InvalidValue:
        return False


def report_contradictions(
    nested: Iterable[NestedBody],
    body: Mapping[str, Any],
    attributes: Attributes,
    fields: Fields,
    errors: ValidationErrors,
) -> None:
    """Report related rows of a new row that its own foreign keys in the body do not name."""
    for related in nested:
        if any(
            fields.get_by_column(column).name in body for column in related.relation.foreign_key
        ):
            report_contradiction(related, attributes, fields, errors)


def report_contradiction(
    related: NestedBody, attributes: Attributes, fields: Fields, errors: ValidationErrors
) -> None:
    """Report a related row that the body's own foreign key does not name."""
    relation = related.relation
    foreign = [fields.get_by_column(column) for column in relation.foreign_key]
    named = {f.attribute: attributes[f.attribute] for f in foreign if f.attribute in attributes}
    values = {f.attribute: value for f, value in fields.driver_values(named).items()}
    if all(value is None for value in values.values()):
        return
    pairs = zip(relation.pairs, foreign, strict=True)
    key = {str(remote.name): values.get(field.attribute) for (_, remote), field in pairs}
    names = [field.name for field in related.child.serializer.fields.key]
    for item in related.items:
        if isinstance(item, ConnectRelated) and dict(zip(names, item.key, strict=True)) == key:
            return
    message = f"contradicts {', '.join(field.name for field in foreign)}"
    errors.add(relation.name, INVALID, message)
