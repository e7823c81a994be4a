"""Nested bodies: what a create or an update says of related rows.

Finale's forms: an object without the related key makes a row, ``{"id": 7}`` links row 7, ``null``
or ``{"id": null}`` unlinks. Arrays are written on create; what an update does with them is the
option ``nested_arrays``. ``nested_writes`` does what is read here.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
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
UNCHANGED, REFUSE, IGNORE, SYNC = NESTED_ARRAYS

Key = tuple[Any, ...]
UnwrittenMembers = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CreateRelated:
    """A related row to make.

    Attributes:
        name: Its path in the body.
        attributes: What to write.
        rest: Members that are not written: they must be what the new row shows.
    """

    name: str
    attributes: Attributes
    rest: UnwrittenMembers


@dataclass(frozen=True, slots=True)
class ConnectRelated:
    """A related row to link.

    Attributes:
        name: Its path in the body.
        key: Its key, as driver values.
        rest: The other members: they must be what the row shows.
        kept: Whether it is linked already, and stays so.
        changes: What changes in it then.
    """

    name: str
    key: Key
    rest: UnwrittenMembers
    kept: bool = False
    changes: Attributes = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NestedBody:
    """What a body says of one relation; no items unlink.

    Attributes:
        child: The relation and the view of its rows.
        items: The rows.
        compares: Whether this may be what is stored already, which is to be found out first.
        replaces: Whether the items are to become all rows that are related.
        gone: The keys of those that are related now and will not be then.
        errors: What is wrong, unless the body gives what is stored.
    """

    child: RelatedSerializer
    items: tuple[CreateRelated | ConnectRelated, ...]
    compares: bool = False
    replaces: bool = False
    gone: tuple[Key, ...] = ()
    errors: ValidationErrors | None = None

    @property
    def relation(self) -> Relation:
        """The relation."""
        return self.child.relation


@dataclass(frozen=True, slots=True)
class ParseOptions:
    """How a body is read.

    Attributes:
        errors: Collects what is wrong with it.
        new: Whether it is a create's.
        hooked: Whether hooks may still set what it lacks.
        lenient: Whether members that are not written are passed over.
    """

    errors: ValidationErrors
    new: bool
    hooked: bool = False
    lenient: bool = False


class NestedBodyParser:
    """Reads the nested bodies of one view.

    Args:
        serializer: The parent's.
        creatable: The parent's fields that a client may set in a new row. A relation that would
            set another is read-only, as that field is.
        updatable: Likewise in a row that is there.
        arrays: What an update does with arrays, of ``NESTED_ARRAYS``.

    Attributes:
        creates: The relations that a create may write.
        updates: The relations that an update reads here; other arrays are compared only.
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
        self._items = {name: RelatedRowParser(child) for name, child in serializer.children.items()}
        self.creates = _settable(serializer, creatable)
        self.updates = {
            name: child
            for name, child in _settable(serializer, updatable).items()
            if not child.relation.many or arrays != UNCHANGED
        }

    def read(self, body: Mapping[str, Any], reading: ParseOptions) -> list[NestedBody]:
        """Read what a body says of related rows."""
        found = (
            self._array(name, child, body[name], reading)
            if child.relation.many
            else self._one(name, child, body, reading)
            for name, child in (self.creates if reading.new else self.updates).items()
            if name in body
        )
        return [one for one in found if one is not None]

    def _array(
        self, name: str, child: RelatedSerializer, given: Any, reading: ParseOptions
    ) -> NestedBody | None:
        if not reading.new and self._arrays != SYNC:
            if self._arrays == REFUSE:
                text = "cannot be changed through its parent"
                reading.errors.add(name, bodies.INVALID, text)
            return None
        if not isinstance(given, list) or len(given) > MAX_CHILDREN:
            text = f"must be an array of at most {MAX_CHILDREN} objects"
            reading.errors.add(name, bodies.INVALID, text)
            return None
        read = self._items[name].read
        items = [read(f"{name}.{place}", one, reading) for place, one in enumerate(given)]
        return NestedBody(
            child, _present(items), compares=not reading.new, replaces=not reading.new
        )

    def _one(
        self, name: str, child: RelatedSerializer, body: Mapping[str, Any], reading: ParseOptions
    ) -> NestedBody:
        given, reader = body[name], self._items[name]
        # Without its key the shown row looks like a new one, and maybe like a wrong one.
        ambiguous = not reading.new and not reader.shows_key and isinstance(given, dict)
        if ambiguous:
            reading = replace(reading, errors=ValidationErrors())
        item = None if given is None else reader.read(name, given, reading)
        by_key = any(str(column.name) in body for column in child.relation.foreign_key)
        compares = ambiguous or by_key or (item is not None and bool(item.rest))
        return NestedBody(
            child,
            _present([item]),
            compares=compares and not reading.new,
            errors=reading.errors if ambiguous else None,
        )


class RelatedRowParser:
    """Reads the objects that stand for rows of one relation.

    Attributes:
        shows_key: Whether callers see the rows' whole key.
    """

    def __init__(self, child: RelatedSerializer) -> None:
        serializer, relation = child.serializer, child.relation
        self._key = serializer.fields.key
        self.shows_key = all(f.name in serializer.shown for f in self._key)
        # The parent's key is written into the row, so the body must not say another.
        self._by_parent = {str(c.name) for _, c in relation.pairs} if relation.owned else set()
        self._written = [
            f
            for f in serializer.fields
            if f in serializer.writable and f.name not in self._by_parent
        ]
        self._members = AllowedMembers.of(serializer, self._written, [f.name for f in self._key])
        self._many = relation.many
        self._given_elsewhere = frozenset(f.attribute for f in serializer.fields)

    def read(
        self, name: str, given: Any, reading: ParseOptions
    ) -> CreateRelated | ConnectRelated | None:
        """Read one object; None unlinks, or is wrong."""
        if not isinstance(given, dict):
            reading.errors.add(name, bodies.INVALID, "must be an object")
            return None
        prefix = f"{name}."
        read_only = self._members.check(
            given, reading.errors, prefix=prefix, lenient=reading.lenient
        )
        key = [(field, given[field.name]) for field in self._key if field.name in given]
        unlinks = all(value is None for _, value in key)
        if len(key) == len(self._key) and not (unlinks and self._many):
            rest = self._rest(given, reading)
            if not unlinks:
                return self._link(name, key, rest, reading.errors)
            for member in rest:
                reading.errors.add(prefix + member, bodies.INVALID, "must not be given with no key")
            return None
        attributes = bodies.validate_create(
            given,
            self._written,
            reading.errors,
            prefix=prefix,
            given_elsewhere=self._given_elsewhere if reading.hooked else frozenset(),
        )
        rest = {member: given[member] for member in read_only}
        if not reading.lenient:  # Of a key of several columns, the parent's part is not written.
            rest |= {f.name: v for f, v in key if v is not None and f not in self._written}
        return CreateRelated(name, attributes, rest)

    def _rest(self, given: Mapping[str, Any], reading: ParseOptions) -> UnwrittenMembers:
        if reading.lenient:
            return {}
        key = {field.name for field in self._key}
        return {name: value for name, value in given.items() if name not in key}

    @staticmethod
    def _link(
        name: str,
        key: Sequence[tuple[Field, Any]],
        rest: UnwrittenMembers,
        errors: ValidationErrors,
    ) -> ConnectRelated | None:
        values = []
        for one, value in key:
            try:
                values.append(one.codec.driver_value(one.codec.from_json(value)))
            except InvalidValue as error:
                errors.add(f"{name}.{one.name}", error.type_, str(error))
        return ConnectRelated(name, tuple(values), rest)


def _present(
    items: Sequence[CreateRelated | ConnectRelated | None],
) -> tuple[CreateRelated | ConnectRelated, ...]:
    return tuple(item for item in items if item is not None)


def _settable(serializer: Serializer, fields: Collection[Field]) -> dict[str, RelatedSerializer]:
    columns = {field.column for field in fields}
    return {
        name: child
        for name, child in serializer.children.items()
        if child.relation.writable and columns.issuperset(child.relation.foreign_key)
    }
