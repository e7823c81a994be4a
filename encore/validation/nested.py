"""Nested bodies: the related rows in the body of a create or an update.

The forms are Finale's: an object without the key creates a row, ``{"id": 7}`` connects row 7,
``null`` or ``{"id": null}`` disconnects. Arrays are written on create; for updates there is the
option ``nested_arrays``. ``execution.nested`` writes the parsed bodies.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Final

from encore.models.fields import Field
from encore.models.relations import Relation
from encore.models.types import InvalidValue
from encore.options import NESTED_ARRAYS
from encore.serializers.serializer import RelatedSerializer, Serializer
from encore.validation import body as bodies
from encore.validation.body import Attributes, ValidationErrors
from encore.validation.members import AllowedMembers

MAX_CHILDREN: Final = 1_000
"""How many rows a nested array may have."""

UNCHANGED, REFUSE, IGNORE, SYNC = NESTED_ARRAYS

Key = tuple[Any, ...]
"""A primary key, as driver values."""

UnwrittenMembers = Mapping[str, Any]
"""Members of a body that are not written, with their values."""


@dataclass(frozen=True, slots=True)
class CreateRelated:
    """A related row to create.

    Attributes:
        name: The path in the body.
        attributes: The attributes to write.
        unwritten: Other members: they must equal the output of the new row.
    """

    name: str
    attributes: Attributes
    unwritten: UnwrittenMembers


@dataclass(frozen=True, slots=True)
class ConnectRelated:
    """An existing row to connect.

    Attributes:
        name: The path in the body.
        key: The primary key.
        unwritten: Other members: they must equal the output of the row.
        connected: Whether it is connected already.
        changes: The attributes to change in a connected row.
    """

    name: str
    key: Key
    unwritten: UnwrittenMembers
    connected: bool = False
    changes: Attributes = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NestedBody:
    """The related rows of one relation in a body; no items disconnect.

    Attributes:
        child: The relation and the serializer of its rows.
        items: The rows.
        compares: Whether it must first be compared with the stored rows: it may be unchanged.
        replaces: Whether the items replace all related rows.
        removed: The keys of the related rows that are not among the items.
        errors: The errors if it is not unchanged.
    """

    child: RelatedSerializer
    items: tuple[CreateRelated | ConnectRelated, ...]
    compares: bool = False
    replaces: bool = False
    removed: tuple[Key, ...] = ()
    errors: ValidationErrors | None = None

    @property
    def relation(self) -> Relation:
        """The relation."""
        return self.child.relation


@dataclass(frozen=True, slots=True)
class ParseOptions:
    """Options of parsing a nested body.

    Attributes:
        errors: Collects the errors.
        new: Whether it is the body of a create.
        hooked: Whether hooks may set required fields that it lacks.
        lenient: Whether to ignore members that are not written.
    """

    errors: ValidationErrors
    new: bool
    hooked: bool = False
    lenient: bool = False


class NestedBodyParser:
    """Parses the nested bodies of one serializer.

    Args:
        serializer: The serializer of the parent.
        creatable: The parent's fields that clients may set in a new row. A relation that would set
            another field is read-only.
        updatable: The parent's fields that clients may update, likewise.
        arrays: The option ``nested_arrays``.

    Attributes:
        creates: The relations that a create may write.
        updates: The relations that an update may write; other arrays are only compared.
    """

    def __init__(
        self,
        serializer: Serializer,
        *,
        creatable: Collection[Field],
        updatable: Collection[Field],
        arrays: str,
    ) -> None:
        self._arrays = arrays
        self._parsers = {
            name: RelatedRowParser(child) for name, child in serializer.children.items()
        }
        self.creates = _writable(serializer, creatable)
        self.updates = {
            name: child
            for name, child in _writable(serializer, updatable).items()
            if not child.relation.many or arrays != UNCHANGED
        }

    def parse(self, body: Mapping[str, Any], options: ParseOptions) -> list[NestedBody]:
        """Return the nested bodies of a body; errors are collected in the options."""
        parsed = (
            self._array(name, child, body[name], options)
            if child.relation.many
            else self._object(name, child, body, options)
            for name, child in (self.creates if options.new else self.updates).items()
            if name in body
        )
        return [nested for nested in parsed if nested is not None]

    def _array(
        self, name: str, child: RelatedSerializer, raw: Any, options: ParseOptions
    ) -> NestedBody | None:
        if not options.new and self._arrays != SYNC:
            if self._arrays == REFUSE:
                requirement = "cannot be changed through its parent"
                options.errors.add(name, bodies.INVALID, requirement)
            return None
        if not isinstance(raw, list) or len(raw) > MAX_CHILDREN:
            requirement = f"must be an array of at most {MAX_CHILDREN} objects"
            options.errors.add(name, bodies.INVALID, requirement)
            return None
        parse = self._parsers[name].parse
        items = [parse(f"{name}.{index}", item, options) for index, item in enumerate(raw)]
        return NestedBody(
            child, _present(items), compares=not options.new, replaces=not options.new
        )

    def _object(
        self, name: str, child: RelatedSerializer, body: Mapping[str, Any], options: ParseOptions
    ) -> NestedBody:
        raw, parser = body[name], self._parsers[name]
        # Without its key, the unchanged row is parsed as a new row, which may be invalid.
        ambiguous = not options.new and not parser.shows_key and isinstance(raw, dict)
        if ambiguous:
            options = replace(options, errors=ValidationErrors())
        item = None if raw is None else parser.parse(name, raw, options)
        by_key = any(str(column.name) in body for column in child.relation.foreign_key)
        compares = ambiguous or by_key or (item is not None and bool(item.unwritten))
        return NestedBody(
            child,
            _present([item]),
            compares=compares and not options.new,
            errors=options.errors if ambiguous else None,
        )


class RelatedRowParser:
    """Parses the objects in nested bodies of one relation.

    Attributes:
        shows_key: Whether responses have the whole key of the rows.
    """

    def __init__(self, child: RelatedSerializer) -> None:
        serializer, relation = child.serializer, child.relation
        self._key = serializer.fields.key
        self.shows_key = all(f.name in serializer.shown for f in self._key)
        # The foreign key is set to the parent's key, so the body must not set it.
        self._foreign_key = {str(c.name) for _, c in relation.pairs} if relation.owned else set()
        self._serializer = serializer
        self._many = relation.many
        self._attributes = frozenset(f.attribute for f in serializer.fields)

    @cached_property
    def _written(self) -> list[Field]:
        serializer, writable = self._serializer, self._serializer.writable
        return [f for f in serializer.fields if f in writable and f.name not in self._foreign_key]

    @cached_property
    def _members(self) -> AllowedMembers:
        return AllowedMembers.of(self._serializer, self._written, [f.name for f in self._key])

    def parse(
        self, name: str, raw: Any, options: ParseOptions
    ) -> CreateRelated | ConnectRelated | None:
        """Return the row of an object; None if it disconnects or is invalid."""
        if not isinstance(raw, dict):
            options.errors.add(name, bodies.INVALID, "must be an object")
            return None
        prefix = f"{name}."
        read_only = self._members.check(raw, options.errors, prefix=prefix, lenient=options.lenient)
        key = [(field, raw[field.name]) for field in self._key if field.name in raw]
        disconnects = all(value is None for _, value in key)
        if len(key) == len(self._key) and not (disconnects and self._many):
            unwritten = self._unwritten(raw, options)
            if not disconnects:
                return self._connect(name, key, unwritten, options.errors)
            for member in unwritten:
                requirement = "must not be given without a key"
                options.errors.add(prefix + member, bodies.INVALID, requirement)
            return None
        attributes = bodies.validate_create(
            raw,
            self._written,
            options.errors,
            prefix=prefix,
            set_elsewhere=self._attributes if options.hooked else frozenset(),
        )
        unwritten = {member: raw[member] for member in read_only}
        if not options.lenient:  # Columns of a composite key that the parent sets are not written.
            unwritten |= {f.name: v for f, v in key if v is not None and f not in self._written}
        return CreateRelated(name, attributes, unwritten)

    def _unwritten(self, raw: Mapping[str, Any], options: ParseOptions) -> UnwrittenMembers:
        if options.lenient:
            return {}
        key = {field.name for field in self._key}
        return {name: value for name, value in raw.items() if name not in key}

    @staticmethod
    def _connect(
        name: str,
        key: Sequence[tuple[Field, Any]],
        unwritten: UnwrittenMembers,
        errors: ValidationErrors,
    ) -> ConnectRelated | None:
        values = []
        for field_, value in key:
            try:
                values.append(field_.codec.driver_value(field_.codec.from_json(value)))
            except InvalidValue as error:
                errors.add(f"{name}.{field_.name}", error.type_, str(error))
        return ConnectRelated(name, tuple(values), unwritten)


def _present(
    items: Sequence[CreateRelated | ConnectRelated | None],
) -> tuple[CreateRelated | ConnectRelated, ...]:
    return tuple(item for item in items if item is not None)


def _writable(serializer: Serializer, fields: Collection[Field]) -> dict[str, RelatedSerializer]:
    columns = {field.column for field in fields}
    return {
        name: child
        for name, child in serializer.children.items()
        if child.relation.writable and columns.issuperset(child.relation.foreign_key)
    }
