"""Fields: the columns and SQL expressions of a model as members of JSON objects.

A field's name in JSON is the name of its database column; its name in Python is that of the mapped
attribute. How values are converted is defined in ``models.types``.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from types import MappingProxyType
from typing import Any, Final

from msgspec import UNSET
from sqlalchemy import Column, ColumnElement, Dialect, Table

from encore.models.defaults import evaluate_default
from encore.models.mapped_class import Attribute, MappedClass, Model
from encore.models.types import Codec, TypeAdapters, accepting_text, codec_for

__all__ = ["DriverValue", "Field", "Fields", "Model", "default_values", "evaluate_default"]

_MAX_INT32: Final = 2**31 - 1
_MAX_INT64: Final = 2**63 - 1

FIRST_VERSION: Final = 1
"""The version of a new row, as the ORM's."""

_NO_TYPES: Final[TypeAdapters] = MappingProxyType({})


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """One column, or another mapped attribute with a SQL expression.

    Attributes:
        name: The name in JSON, in queries and in the database.
        attribute: The name in Python.
        column: The table's column; a detached column of the same type if ``computed``.
        expression: The expression in SELECT: ``Model.attribute``.
        codec: Converts and validates its values.
        managed: Whether only the service writes it; a client's value is ignored.
        computed: Whether SQL computes it (a hybrid, a ``column_property``, a synonym): read-only.
        set_by_orm: Whether the ORM (``version_id_col``, the key of a joined table) or the class's
            constructor sets it.
        constant: The value in every row of this class (its polymorphic identity); else ``UNSET``.
        in_primary_key: Whether it is part of the mapper's primary key.
        is_version: Whether it is the ``version_id_col``, and SQL counts it: 1 in a new row, and one
            more with each UPDATE.
    """

    name: str
    attribute: str
    column: Column[Any]
    expression: ColumnElement[Any]
    codec: Codec
    managed: bool
    computed: bool = False
    set_by_orm: bool = False
    constant: Any = UNSET
    in_primary_key: bool = False
    is_version: bool = False

    @property
    def nullable(self) -> bool:
        """Whether null may be stored."""
        return bool(self.column.nullable) and not self.in_primary_key

    @property
    def required(self) -> bool:
        """Whether a new row needs a value from the request or from a hook."""
        column = self.column
        has_default = self.has_default or column.server_default is not None
        is_set = self.autoincrement or self.computed or self.set_by_orm
        return not (self.nullable or is_set or has_default)

    @property
    def autoincrement(self) -> bool:
        """Whether it is the integer key that the database assigns to new rows."""
        table = _table_of(self.column)
        return table is not None and self.column is table.autoincrement_column

    @property
    def generated_always(self) -> bool:
        """Whether the database rejects any value: ``Computed``, or ``Identity(always=True)``.

        SQLite has no such identity, but models behave the same on every database.
        """
        identity = self.column.identity
        return self.column.computed is not None or bool(identity and identity.always)

    @property
    def read_only(self) -> bool:
        """Whether no resource accepts it from clients: the service or the database writes it."""
        return self.managed or self.computed or self.generated_always

    @property
    def max_assignable(self) -> int:
        """The highest key that a client may assign to a new row, if the database assigns keys.

        It is half of the column's maximum: the database continues after it, and must not run out
        of keys at once.
        """
        of_format = _MAX_INT32 if self.codec.accepts.get("format") == "int32" else _MAX_INT64
        highest: int = self.codec.accepts.get("maximum", of_format)
        return highest // 2

    @property
    def label(self) -> str:
        """The qualified name, as in Sequelize's messages: ``parts.name``."""
        table = _table_of(self.column)
        return self.name if table is None else f"{table.name}.{self.name}"

    @property
    def has_default(self) -> bool:
        """Whether the model has a default for new rows."""
        is_set = self.is_version or self.constant is not UNSET
        return is_set or self.column.default is not None

    def default_value(self) -> Any:
        """Return the model's default for a new row; ``UNSET`` if there is none in Python."""
        if self.is_version:
            return FIRST_VERSION
        return evaluate_default(self.column.default) if self.constant is UNSET else self.constant

    def onupdate_value(self) -> Any:
        """Return the model's value for a changed row (``onupdate``); ``UNSET`` if none."""
        return UNSET if self.is_version else evaluate_default(self.column.onupdate)


def default_values(fields: Iterable[Field]) -> Iterator[tuple[Field, Any]]:
    """Yield the model's defaults for a new row; all timestamps share one value."""
    timestamp: datetime | None = None
    for field in fields:
        value = field.default_value()
        if isinstance(value, datetime):
            value = timestamp = timestamp or value
        if value is not UNSET:
            yield field, value


@dataclass(frozen=True, slots=True)
class DriverValue:
    """A value from the driver, to be bound without a conversion."""

    value: Any


class Fields:
    """All fields of a model, in the order of JSON members.

    Attributes:
        mapped: The mapped class.
        by_name: Every field by its name in JSON.
        key: The fields of the primary key.
        unsupported: Why an attribute is not a field, by its name in JSON.
        entity: The model, or an alias of it, that rows are selected from.
    """

    def __init__(
        self,
        mapped: MappedClass,
        by_name: Mapping[str, Field],
        key: tuple[Field, ...],
        unsupported: Mapping[str, str],
        entity: Any,
    ) -> None:
        self.mapped = mapped
        self.by_name = by_name
        self.key = key
        self.unsupported = unsupported
        self.entity = entity
        self._by_attribute = {field.attribute: field for field in by_name.values()}

    def __iter__(self) -> Iterator[Field]:
        return iter(self.by_name.values())

    @property
    def table(self) -> Table:
        """The table of the primary key. Raises ``TypeError`` for a mapped SELECT."""
        table = _table_of(self.key[0].column)
        if table is None:
            raise TypeError(f"{self.mapped.model.__name__} is not stored in a table")
        return table

    @property
    def computed(self) -> bool:
        """Whether SQL computes any of them: RETURNING then lacks values of the row."""
        return any(field.computed for field in self)

    def get_by_attribute(self, name: str) -> Field:
        """Return the field of an attribute. Raises ``AttributeError`` if there is none."""
        field = self._by_attribute.get(name)
        if field is None:
            raise AttributeError(f"{name!r} is not an attribute of the model")
        return field

    def find_by_attribute(self, name: str) -> Field | None:
        """Return the field with this name in Python, or else in JSON; None if there is none."""
        return self._by_attribute.get(name) or self.by_name.get(name)

    def get_by_column(self, column: Column[Any]) -> Field:
        """Return the field of a mapped column of any of the model's tables."""
        key = self.mapped.mapper.get_property_by_column(column).key
        return self._by_attribute[key]

    def key_of(self, row: Sequence[Any]) -> tuple[Any, ...]:
        """Return the primary key of a row in field order, as driver values."""
        return tuple(row[index] for index in self._key_indexes)

    @cached_property
    def _key_indexes(self) -> tuple[int, ...]:
        fields = list(self)
        return tuple(fields.index(field) for field in self.key)

    def find_by_name(self, name: str) -> Field | None:
        """Return the field with this name in JSON, or else in Python; None if there is none."""
        return self.by_name.get(name) or self._by_attribute.get(name)

    def driver_values(self, attributes: Mapping[str, Any]) -> dict[Field, Any]:
        """Return the driver values of Python values, by field.

        Raises:
            AttributeError: A hook named an attribute that the model does not have.
        """
        values = {}
        for name, value in attributes.items():
            field = self.get_by_attribute(name)
            is_raw = type(value) is DriverValue
            values[field] = value.value if is_raw else field.codec.driver_value(value)
        return values

    def ordered(self, attributes: Mapping[str, Any]) -> tuple[tuple[Field, ...], tuple[Any, ...]]:
        """Return the written fields, in field order, and their driver values.

        One order for any order of members keeps the number of compiled statements small.
        """
        values = self.driver_values(attributes)
        written = tuple(field for field in self if field in values)
        return written, tuple(values[field] for field in written)

    def default_values(self) -> dict[str, Any]:
        """Return the model's defaults for a new row, by attribute."""
        return {field.attribute: value for field, value in default_values(self)}

    def onupdate_values(self) -> dict[str, Any]:
        """Return the model's ``onupdate`` values for a changed row, by attribute."""
        values = ((field.attribute, field.onupdate_value()) for field in self)
        return {attribute: value for attribute, value in values if value is not UNSET}

    @classmethod
    def of(
        cls,
        model: Model,
        dialect: Dialect,
        types: TypeAdapters = _NO_TYPES,
        entity: Any = None,
        *,
        accepts_text: bool = False,
    ) -> "Fields":
        """Build the fields of a model; attributes without a JSON form are in ``unsupported``.

        A column whose type has no JSON form is a field as well, whose codec says why.

        Args:
            model: The model.
            dialect: The dialect of the database.
            types: Registered type adapters.
            entity: An alias of the model to select from instead.
            accepts_text: Whether bodies may have strings that are converted to the column's type.

        Raises:
            TypeError: A column of the key has no JSON form; the message names it.
        """
        mapped = MappedClass(model)
        unsupported = dict(mapped.unsupported)
        by_name = {}
        for attribute in mapped.attributes.values():
            try:
                by_name[attribute.name] = _field(attribute, mapped, dialect, types)
            except TypeError as error:
                unsupported[attribute.name] = str(error)
        if accepts_text:
            by_name = {n: replace(f, codec=accepting_text(f.codec)) for n, f in by_name.items()}
        if entity is not None:
            by_name = {
                name: replace(field, expression=getattr(entity, field.attribute))
                for name, field in by_name.items()
            }
        fields = cls(mapped, by_name, (), unsupported, model if entity is None else entity)
        try:
            fields.key = tuple(fields.get_by_column(column) for column in mapped.key)
        except KeyError as error:
            reason = "; ".join(f"{name}: {text}" for name, text in unsupported.items())
            raise TypeError(f"the key of {model.__name__} has no JSON form: {reason}") from error
        return fields


def _table_of(column: Column[Any]) -> Table | None:
    """Return the table of a column; None for a column of a SELECT, or without a table."""
    source: object = column.table
    return source if isinstance(source, Table) else None


def _field(
    attribute: Attribute, mapped: MappedClass, dialect: Dialect, types: TypeAdapters
) -> Field:
    """Build the field of an attribute. Raises ``TypeError`` if computed without a JSON form."""
    column, expression = attribute.column, attribute.expression
    codec = codec_for(expression.type if column is None else column.type, dialect, types)
    if column is None and codec.unsupported:
        raise TypeError(codec.unsupported)
    is_discriminator = mapped.discriminator is not None and column is mapped.discriminator[0]
    is_version = column is not None and column is mapped.mapper.version_id_col
    is_inherited = column is not None and column in mapped.inherited_keys
    constant = mapped.discriminator[1] if mapped.discriminator and is_discriminator else UNSET
    return Field(
        name=attribute.name,
        attribute=attribute.key,
        column=Column(attribute.name, expression.type) if column is None else column,
        expression=expression,
        codec=codec,
        managed=is_discriminator
        or is_version
        or is_inherited
        or (column is not None and bool(column.info.get("managed"))),
        computed=column is None,
        set_by_orm=is_version or is_inherited or attribute.key in mapped.constructor_defaults,
        constant=UNSET if constant is None else constant,
        in_primary_key=column is not None and column in mapped.key,
        is_version=is_version and column is mapped.version,
    )
