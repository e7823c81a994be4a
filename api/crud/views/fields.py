"""Fields: the columns of a model as the API shows them.

A field's name in JSON is its column's name in the database; its name in Python is the mapped
attribute's. Both come from the model, which declares them once.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from msgspec import UNSET
from sqlalchemy import Column, Dialect, Table, inspect
from sqlalchemy.orm import DeclarativeBase, Mapper
from sqlalchemy.sql.schema import (
    CallableColumnDefault,
    DefaultGenerator,
    ScalarElementColumnDefault,
)

from api.crud.views.values import Codec, codec_for

Model = type[DeclarativeBase]


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """One column.

    Attributes:
        name: In JSON, in queries and in the database.
        attribute: In Python.
        column: The table's column.
        codec: How its values come in and go out.
        managed: Only the service writes it; a client's value is ignored.
    """

    name: str
    attribute: str
    column: Column[Any]
    codec: Codec
    managed: bool

    @property
    def nullable(self) -> bool:
        """Whether null may be stored."""
        return bool(self.column.nullable)

    @property
    def required(self) -> bool:
        """Whether a new row must be given a value."""
        column = self.column
        has_default = column.default is not None or column.server_default is not None
        return not (column.nullable or self.generated or has_default)

    @property
    def generated(self) -> bool:
        """Whether the database numbers new rows by it."""
        return self.column is self.column.table.autoincrement_column

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
        return f"{self.column.table.name}.{self.name}"

    def initial(self) -> Any:
        """Give the model's own default for a new row; ``UNSET`` leaves it to the database."""
        return evaluate(self.column.default)

    def refreshed(self) -> Any:
        """Give the model's own value for a changed row (``onupdate``); ``UNSET`` if none."""
        return evaluate(self.column.onupdate)


def evaluate(default: DefaultGenerator | None) -> Any:
    """Give the value of a default; ``UNSET`` where there is none, or only SQL knows it."""
    if isinstance(default, CallableColumnDefault):
        return default.arg(None)  # type: ignore[arg-type] # SQLAlchemy takes a context, or None.
    if isinstance(default, ScalarElementColumnDefault):
        return default.arg
    return UNSET


def initial_values(fields: Iterable[Field]) -> Iterator[tuple[Field, Any]]:
    """Give the model's own values for a new row; the moments among them are one and the same."""
    moment: datetime | None = None
    for field in fields:
        value = field.initial()
        if isinstance(value, datetime):
            value = moment = moment or value
        if value is not UNSET:
            yield field, value


@dataclass(frozen=True, slots=True)
class Raw:
    """A value that the driver gave, to be bound as it is."""

    value: Any


class Fields:
    """All fields of a model, in the order that JSON shows them.

    Attributes:
        by_name: Every field under its name in JSON.
        key: The primary key's fields.
    """

    def __init__(self, by_name: Mapping[str, Field], key: tuple[Field, ...]) -> None:
        self.by_name = by_name
        self.key = key
        self._by_attribute = {field.attribute: field for field in by_name.values()}

    def __iter__(self) -> Iterator[Field]:
        return iter(self.by_name.values())

    def of_attribute(self, name: str) -> Field:
        """Give the field of an attribute. Raises ``AttributeError`` where there is none."""
        field = self._by_attribute.get(name)
        if field is None:
            raise AttributeError(f"{name!r} is no attribute of the model")
        return field

    def bound(self, attributes: Mapping[str, Any]) -> dict[Field, Any]:
        """Give what the driver binds for Python values, under their fields.

        Raises:
            AttributeError: A hook named an attribute that the model does not have.
        """
        bound = {}
        for name, value in attributes.items():
            field = self.of_attribute(name)
            raw = type(value) is Raw
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
        return {field.attribute: value for field, value in initial_values(self)}

    def refreshed(self) -> dict[str, Any]:
        """Give the model's own values for a changed row, by attribute."""
        values = ((field.attribute, field.refreshed()) for field in self)
        return {attribute: value for attribute, value in values if value is not UNSET}

    @classmethod
    def of(cls, model: Model, dialect: Dialect) -> "Fields":
        """Read the fields off a model.

        Raises:
            TypeError: A column's type has no JSON form; the text names the column.
        """
        mapper: Mapper[Any] = inspect(model)
        table = cast("Table", mapper.local_table)
        by_name = {}
        for column in table.columns:
            try:
                codec = codec_for(column.type, dialect)
            except TypeError as error:
                raise TypeError(f"{model.__name__}.{column.name}: {error}") from error
            name = str(column.name)  # Not SQLAlchemy's quoted_name: this one is for JSON.
            by_name[name] = Field(
                name=name,
                attribute=mapper.get_property_by_column(column).key,
                column=table.columns[name],
                codec=codec,
                managed=bool(column.info.get("managed")),
            )
        key = tuple(by_name[str(column.name)] for column in mapper.primary_key)
        return cls(by_name, key)
