"""Fields: the columns of a model as the API shows them.

A field's name in JSON is its column's name in the database; its name in Python is the mapped
attribute's. Both come from the model, which declares them once.
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

_NO_TYPES: Final[TypeAdapters] = MappingProxyType({})


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """One column, or another attribute that SQL can express.

    Attributes:
        name: In JSON, in queries and in the database.
        attribute: In Python.
        column: The table's column; a detached one of the same type where it is ``computed``.
        expression: What a SELECT says: ``Model.attribute``.
        codec: How its values come in and go out.
        managed: Only the service writes it; a client's value is ignored.
        computed: SQL computes it (a hybrid, a ``column_property``, a synonym): read-only.
        filled: The ORM (``version_id_col``, a joined table's key) or the class's constructor fills
            it in.
        constant: What every row of this class holds (its polymorphic identity); else unset.
        identifies: It is part of the primary key, as the mapper has it.
    """

    name: str
    attribute: str
    column: Column[Any]
    expression: ColumnElement[Any]
    codec: Codec
    managed: bool
    computed: bool = False
    filled: bool = False
    constant: Any = UNSET
    identifies: bool = False

    @property
    def nullable(self) -> bool:
        """Whether null may be stored."""
        return bool(self.column.nullable) and not self.identifies

    @property
    def required(self) -> bool:
        """Whether a new row must be given a value."""
        column = self.column
        has_default = self.has_initial or column.server_default is not None
        by_itself = self.generated or self.computed or self.filled
        return not (self.nullable or by_itself or has_default)

    @property
    def generated(self) -> bool:
        """Whether the database numbers new rows by it."""
        table = _table_of(self.column)
        return table is not None and self.column is table.autoincrement_column

    @property
    def generated_always(self) -> bool:
        """Whether the database refuses any value: ``Computed``, or ``Identity(always=True)``.

        SQLite has no such identity, but a model means the same on every database.
        """
        identity = self.column.identity
        return self.column.computed is not None or bool(identity and identity.always)

    @property
    def read_only(self) -> bool:
        """Whether only the service or the database writes it, in every resource."""
        return self.managed or self.computed or self.generated_always

    @property
    def highest_choice(self) -> int:
        """The highest key a caller may choose for a new row, where the database numbers them.

        Half of what there are: the numbering goes on behind it, and must not run out at once.
        """
        highest: int = self.codec.accepts["maximum"]
        return highest // 2

    @property
    def label(self) -> str:
        """The field with its table, as Sequelize names it in messages: ``parts.name``."""
        table = _table_of(self.column)
        return self.name if table is None else f"{table.name}.{self.name}"

    @property
    def has_initial(self) -> bool:
        """Whether the model says what a new row holds where nobody else does."""
        return self.column.default is not None or self.constant is not UNSET

    def initial(self) -> Any:
        """Give the model's own default for a new row; ``UNSET`` leaves it to the database."""
        return evaluate_default(self.column.default) if self.constant is UNSET else self.constant

    def refreshed(self) -> Any:
        """Give the model's own value for a changed row (``onupdate``); ``UNSET`` if none."""
        return evaluate_default(self.column.onupdate)


def default_values(fields: Iterable[Field]) -> Iterator[tuple[Field, Any]]:
    """Give the model's own values for a new row; the moments among them are one and the same."""
    moment: datetime | None = None
    for field in fields:
        value = field.initial()
        if isinstance(value, datetime):
            value = moment = moment or value
        if value is not UNSET:
            yield field, value


@dataclass(frozen=True, slots=True)
class DriverValue:
    """A value that the driver gave, to be bound as it is."""

    value: Any


class Fields:
    """All fields of a model, in the order that JSON shows them.

    Attributes:
        mapped: What the mapper says of the model.
        by_name: Every field under its name in JSON.
        key: The primary key's fields.
        unsupported: What cannot be shown, and why, by its name in JSON.
        entity: What rows are selected from: the model, or an alias of it.
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
        """The table that the primary key is in."""
        table = _table_of(self.key[0].column)
        if table is None:
            raise TypeError(f"{self.mapped.model.__name__} is not stored in a table")
        return table

    @property
    def computed(self) -> bool:
        """Whether SQL computes any of them, so that no RETURNING gives a whole row."""
        return any(field.computed for field in self)

    def of_attribute(self, name: str) -> Field:
        """Give the field of an attribute. Raises ``AttributeError`` where there is none."""
        field = self._by_attribute.get(name)
        if field is None:
            raise AttributeError(f"{name!r} is no attribute of the model")
        return field

    def named(self, name: str) -> Field | None:
        """Return the field of this name in Python, or else of this name in JSON."""
        return self._by_attribute.get(name) or self.by_name.get(name)

    def of_column(self, column: Column[Any]) -> Field:
        """Return the field of a mapped column, of whichever of the model's tables it is."""
        key = self.mapped.mapper.get_property_by_column(column).key
        return self._by_attribute[key]

    def key_of(self, row: Sequence[Any]) -> tuple[Any, ...]:
        """Return the primary key of a row in field order, as driver values."""
        return tuple(row[place] for place in self._key_places)

    @cached_property
    def _key_places(self) -> tuple[int, ...]:
        fields = list(self)
        return tuple(fields.index(field) for field in self.key)

    def find(self, name: str) -> Field | None:
        """Return the field of this name in JSON, or else of this name in Python."""
        return self.by_name.get(name) or self._by_attribute.get(name)

    def bound(self, attributes: Mapping[str, Any]) -> dict[Field, Any]:
        """Give what the driver binds for Python values, under their fields.

        Raises:
            AttributeError: A hook named an attribute that the model does not have.
        """
        bound = {}
        for name, value in attributes.items():
            field = self.of_attribute(name)
            raw = type(value) is DriverValue
            bound[field] = value.value if raw else field.codec.driver_value(value)
        return bound

    def ordered(self, attributes: Mapping[str, Any]) -> tuple[tuple[Field, ...], tuple[Any, ...]]:
        """Put what is written into the fields' order, so that few shapes are compiled.

        Returns:
            The fields, and their values as the driver wants them.
        """
        bound = self.bound(attributes)
        written = tuple(field for field in self if field in bound)
        return written, tuple(bound[field] for field in written)

    def initial(self) -> dict[str, Any]:
        """Give the model's own values for a new row, by attribute."""
        return {field.attribute: value for field, value in default_values(self)}

    def refreshed(self) -> dict[str, Any]:
        """Give the model's own values for a changed row, by attribute."""
        values = ((field.attribute, field.refreshed()) for field in self)
        return {attribute: value for attribute, value in values if value is not UNSET}

    @classmethod
    def of(
        cls,
        model: Model,
        dialect: Dialect,
        types: TypeAdapters = _NO_TYPES,
        entity: Any = None,
        *,
        takes_text: bool = False,
    ) -> "Fields":
        """Read the fields off a model; what has no JSON form is left to ``unsupported``.

        A column whose type has no JSON form is a field all the same, with a codec that says so.

        Args:
            model: The model.
            dialect: The database's.
            types: Registered JSON conversions.
            entity: An alias of the model to select from in its place.
            takes_text: Convert text in bodies to the types of columns.

        Raises:
            TypeError: A column of the key has no JSON form; the text names it.
        """
        mapped = MappedClass(model)
        unsupported = dict(mapped.unsupported)
        by_name = {}
        for attribute in mapped.attributes.values():
            try:
                by_name[attribute.name] = _field(attribute, mapped, dialect, types)
            except TypeError as error:
                unsupported[attribute.name] = str(error)
        if takes_text:
            by_name = {n: replace(f, codec=accepting_text(f.codec)) for n, f in by_name.items()}
        if entity is not None:
            by_name = {
                name: replace(field, expression=getattr(entity, field.attribute))
                for name, field in by_name.items()
            }
        fields = cls(mapped, by_name, (), unsupported, model if entity is None else entity)
        try:
            fields.key = tuple(fields.of_column(column) for column in mapped.key)
        except KeyError as error:
            reason = "; ".join(f"{name}: {text}" for name, text in unsupported.items())
            raise TypeError(f"the key of {model.__name__} has no JSON form: {reason}") from error
        return fields


def _table_of(column: Column[Any]) -> Table | None:
    """Return the table that a column is stored in; None for one of a SELECT, or of none."""
    source: object = column.table
    return source if isinstance(source, Table) else None


def _field(
    attribute: Attribute, mapped: MappedClass, dialect: Dialect, types: TypeAdapters
) -> Field:
    """Make an attribute's field. Raises ``TypeError`` if it is computed, without a JSON form."""
    column, expression = attribute.column, attribute.expression
    codec = codec_for(expression.type if column is None else column.type, dialect, types)
    if column is None and codec.unsupported:
        raise TypeError(codec.unsupported)
    discriminates = mapped.discriminator is not None and column is mapped.discriminator[0]
    versions = column is not None and column is mapped.mapper.version_id_col
    inherits = column is not None and column in mapped.inherited_keys
    constant = mapped.discriminator[1] if mapped.discriminator and discriminates else UNSET
    return Field(
        name=attribute.name,
        attribute=attribute.key,
        column=Column(attribute.name, expression.type) if column is None else column,
        expression=expression,
        codec=codec,
        managed=discriminates
        or versions
        or inherits
        or (column is not None and bool(column.info.get("managed"))),
        computed=column is None,
        filled=versions or inherits or attribute.key in mapped.constructor_defaults,
        constant=UNSET if constant is None else constant,
        identifies=column is not None and column in mapped.key,
    )
