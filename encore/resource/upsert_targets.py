"""The unique keys by which an upsert finds a stored row: the option ``upsert``.

A key is the primary key, a unique constraint, or a unique index over whole columns. Partial
indexes, indexes over expressions and deferrable constraints do not count: a row that they allow may
be the one that is meant. Clients name a key by the fields that they may write (``on=email``); the
option may name keys with fields that hooks set, such as a tenant.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Table, UniqueConstraint

from encore.database.capabilities import is_partial_index
from encore.errors import ConfigurationError, ValidationFailed
from encore.models.fields import Field, Fields
from encore.options import ResourceOptions
from encore.query.parameter_errors import invalid_parameter
from encore.query.write_parameters import ON
from encore.resource.bodies import ResourceBodies
from encore.resource.field_names import find_field
from encore.serializers.serializer import Serializer

_OPTION = "upsert"


@dataclass(frozen=True, slots=True)
class UpsertTarget:
    """One unique key.

    Attributes:
        fields: Its fields, in field order.
        named: Those that clients write.
        is_primary: Whether it is the primary key.
    """

    fields: tuple[Field, ...]
    named: tuple[Field, ...]
    is_primary: bool

    @property
    def names(self) -> str:
        """The fields as clients name them in ``on``."""
        return ",".join(field.name for field in self.named)

    def is_complete(self, body: Mapping[str, Any]) -> bool:
        """Return whether a body has a value for each field that clients write."""
        return all(body.get(field.name) is not None for field in self.named)

    def check(self, body: Mapping[str, Any]) -> None:
        """Raise ``ValidationFailed`` for a body that does not have a value for each field."""
        missing = [field.name for field in self.named if body.get(field.name) is None]
        if missing:
            message = "must be given and not be null: it identifies the row"
            errors = [{"field": name, "message": f"{name} {message}"} for name in missing]
            raise ValidationFailed(f"{', '.join(missing)} {message}", errors)


class UpsertTargets:
    """The unique keys that a resource's upserts may use.

    Args:
        options: The resource's options.
        serializer: The serializer of its rows.
        bodies: What clients may write.

    Raises:
        ConfigurationError: From the constructor: the option names no such key, or there is none.
    """

    def __init__(
        self, options: ResourceOptions, serializer: Serializer, bodies: ResourceBodies
    ) -> None:
        self._resource = options.model.__name__
        self._serializer, self._bodies = serializer, bodies
        self._fields = serializer.fields
        keys = dict.fromkeys(unique_keys(self._fields))
        if options.upsert is True:
            targets = [self._target(key) for key in keys if all(map(self._is_plain, key))]
            if not targets:
                raise self._error("there is no unique key whose fields clients may write")
        else:
            chosen = [] if options.upsert is False else options.upsert
            targets = [self._chosen(names, keys) for names in chosen]
        self._by_names = {frozenset(target.named): target for target in targets}
        if len(self._by_names) < len(targets):
            raise self._error("two keys have the same fields that clients may write")

    def check(self, on: Sequence[str] | None) -> None:
        """Raise ``InvalidQuery`` if these fields are not those of a unique key."""
        if on is not None:
            self._named(on)

    def choose(self, on: Sequence[str] | None, body: Mapping[str, Any]) -> UpsertTarget:
        """Return the key by which the row of a body is looked up.

        Args:
            on: The names of its fields in the request; None to choose it by the body: the primary
                key if the body has it, else the only other key.
            body: The body.

        Raises:
            InvalidQuery: There is no such key, or several.
            ValidationFailed: The body has no value for one of its fields.
        """
        target = self._by_body(body) if on is None else self._named(on)
        target.check(body)
        return target

    def _named(self, on: Sequence[str]) -> UpsertTarget:
        fields = frozenset(self._fields.by_name.get(name) for name in on)
        target = None if None in fields else self._by_names.get(frozenset(filter(None, fields)))
        if target is None or len(on) > len(fields):
            raise invalid_parameter(ON, f"must name a unique key: {self._choices}")
        return target

    def _by_body(self, body: Mapping[str, Any]) -> UpsertTarget:
        targets = list(self._by_names.values())
        for target in targets:
            if target.is_primary and target.is_complete(body):
                return target
        others = [target for target in targets if not target.is_primary] or targets
        if len(others) > 1:
            raise invalid_parameter(ON, f"must say which unique key is meant: {self._choices}")
        return others[0]

    @property
    def choices(self) -> list[str]:
        """The values of ``on``, each with its fields in one order."""
        return [target.names for target in self._by_names.values() if target.named]

    @property
    def _choices(self) -> str:
        return " or ".join(self.choices)

    def _chosen(self, names: Any, keys: Collection[frozenset[Field]]) -> UpsertTarget:
        names = (names,) if isinstance(names, str) else tuple(names)
        key = frozenset(
            find_field(self._fields, name, resource=self._resource, option=_OPTION)
            for name in names
        )
        listed = ", ".join(names)
        if key not in keys or len(key) < len(names):
            raise self._error(
                f"{listed} is neither the primary key nor a unique constraint over whole columns"
                " that is not deferrable"
            )
        for field in key:
            if field in self._bodies.creatable and not self._is_plain(field):
                raise self._error(f"{listed}: {field.name} is hidden, but clients may write it")
        return self._target(key)

    def _target(self, key: frozenset[Field]) -> UpsertTarget:
        fields = tuple(field for field in self._fields if field in key)
        named = tuple(field for field in fields if self._is_plain(field))
        return UpsertTarget(fields, named, is_primary=key == frozenset(self._fields.key))

    def _is_plain(self, field: Field) -> bool:
        """Return whether clients may write and read a field."""
        return field in self._bodies.creatable and field.name in self._serializer.shown

    def _error(self, message: str) -> ConfigurationError:
        return ConfigurationError(self._resource, _OPTION, message)


def unique_keys(fields: Fields) -> Iterator[frozenset[Field]]:
    """Yield the fields of each unique key over mapped columns, the primary key first."""
    mapped = fields.mapped
    yield frozenset(fields.key)
    for table in mapped.tables:
        for columns in _unique_columns(table):
            if columns and all(mapped.has_column(column) for column in columns):
                yield frozenset(fields.get_by_column(column) for column in columns)


def _unique_columns(table: Table) -> Iterator[Sequence[Column[Any]]]:
    for constraint in sorted(
        (c for c in table.constraints if isinstance(c, UniqueConstraint) and not c.deferrable),
        key=lambda constraint: [column.name for column in constraint.columns],
    ):
        yield list(constraint.columns)
    for index in sorted(table.indexes, key=lambda index: str(index.name)):
        columns = [e for e in index.expressions if isinstance(e, Column)]
        if index.unique and not is_partial_index(index) and len(columns) == len(index.expressions):
            yield columns
