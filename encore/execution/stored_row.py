"""The stored row of an update, for bodies that hold more than what is written.

A body that a GET answered holds read-only members, related rows beside their foreign keys, and
arrays. What of it is unchanged is left alone; the row is read, and locked, to find that out. A
body of plain writable members never comes here.
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
        serializer: How it is shown.
        row: As the database gave it.
        shown: As callers see it, with the related rows that the body gives.
    """

    serializer: Serializer
    row: Row
    shown: Mapping[str, Any]

    @classmethod
    async def of(
        cls, resource: ResourceDefinition, connection: Connection, row: Row, given: Iterable[str]
    ) -> "StoredRow":
        """Return the row as it is shown, with those relations that a body gives."""
        serializer = resource.serializer
        (record,) = serializer.read_rows((row,))
        embedded = [name for name in given if name in serializer.children]
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
        """Return the attributes that differ from what is stored."""
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

    def _keeps_foreign_key(self, one: NestedBody, given: Mapping[str, Any]) -> bool:
        """Return whether the body gives the stored foreign key, or none: the object counts."""
        names = [str(column.name) for column in one.relation.foreign_key]
        return all(
            same_member(self.serializer, name, given[name], self.shown.get(name, UNSET))
            for name in names
            if name in given
        )


def _is_shown(field: Field, value: Any, shown: Any) -> bool:
    """Return whether a Python value is what a member shows: drivers may give it another form."""
    if shown is None or value is None or type(value) is DriverValue:
        return False
    try:
        return bool(field.codec.from_json(shown) == value)
    except InvalidValue:
        return False


def report_contradictions(
    nested: Iterable[NestedBody],
    given: Mapping[str, Any],
    attributes: Attributes,
    fields: Fields,
    errors: ValidationErrors,
) -> None:
    """Report related rows of a new row that are not those that its own foreign keys name."""
    for one in nested:
        if any(fields.get_by_column(column).name in given for column in one.relation.foreign_key):
            report_contradiction(one, attributes, fields, errors)


def report_contradiction(
    one: NestedBody, attributes: Attributes, fields: Fields, errors: ValidationErrors
) -> None:
    """Report a related row that is not the one that the body's own foreign key names."""
    foreign = [fields.get_by_column(column) for column in one.relation.foreign_key]
    named = {f.attribute: attributes[f.attribute] for f in foreign if f.attribute in attributes}
    values = {f.attribute: value for f, value in fields.driver_values(named).items()}
    if all(value is None for value in values.values()):
        return
    pairs = zip(one.relation.pairs, foreign, strict=True)
    key = {str(remote.name): values.get(field.attribute) for (_, remote), field in pairs}
    names = [field.name for field in one.child.serializer.fields.key]
    for item in one.items:
        if isinstance(item, ConnectRelated) and dict(zip(names, item.key, strict=True)) == key:
            return
    text = f"contradicts {', '.join(field.name for field in foreign)}"
    errors.add(one.relation.name, INVALID, text)
