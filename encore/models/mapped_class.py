"""The mapping of a class, from its mapper: columns, SQL expressions, inheritance, tables.

A mapped class may share a table with its siblings (single-table inheritance), have several tables
(joined inheritance, a mapped join), leave columns out, or select from a subquery. JSON forms are
left to ``fields`` and ``types``.

See SQLAlchemy's manual, "Mapping Class Inheritance Hierarchies" and "Additional Persistence".
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from inspect import Parameter, signature
from typing import Any, Final, cast

from sqlalchemy import Column, ColumnElement, FromClause, Integer, Join, Table, inspect
from sqlalchemy.ext.associationproxy import AssociationProxyExtensionType
from sqlalchemy.ext.hybrid import HybridExtensionType
from sqlalchemy.orm import ColumnProperty, DeclarativeBase, Mapper, SynonymProperty

Model = type[DeclarativeBase]

_NO_MEMBER: Final = re.compile(r'["\\\x00-\x1f]')
_NO_IDENTIFIER: Final = "is mapped under a name that is not a Python identifier"
_PROXY: Final = "is an association proxy, which has no JSON form"


@dataclass(frozen=True, slots=True)
class Attribute:
    """A mapped attribute with one SQL expression.

    Attributes:
        key: The name in Python.
        name: The name in JSON: the column's name, or the key if it is not a column.
        expression: The expression in SELECT, ``Model.key``.
        column: The table's column; None for a hybrid, a ``column_property`` or a synonym.
    """

    key: str
    name: str
    expression: ColumnElement[Any]
    column: Column[Any] | None = None


@dataclass(slots=True)
class _Found:
    attributes: dict[str, Attribute] = field(default_factory=dict)
    unsupported: dict[str, str] = field(default_factory=dict)


class MappedClass:
    """A model and its configured mapper.

    Attributes:
        model: The class.
        mapper: Its mapper.

    Raises:
        SQLAlchemyError: In the constructor: the mappings are inconsistent.
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        self.mapper: Mapper[Any] = inspect(model)
        self.mapper.registry.configure(cascade=True)

    @property
    def attributes(self) -> Mapping[str, Attribute]:
        """Every attribute with a SQL expression, by its name in JSON."""
        return self._found.attributes

    @property
    def unsupported(self) -> Mapping[str, str]:
        """Why other attributes cannot be output, by their names in JSON."""
        return self._found.unsupported

    @cached_property
    def constructor(self) -> Mapping[str, Parameter]:
        """The parameters of the constructor that the class defines; empty for the default."""
        constructor = self.mapper.class_manager.original_init
        parameters = dict(signature(constructor).parameters) if constructor else {}
        named = (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)
        return {n: p for n, p in parameters.items() if p.kind in named and n != "self"}

    @cached_property
    def constructor_defaults(self) -> frozenset[str]:
        """The attributes for which the constructor has a default."""
        parameters = self.constructor.items()
        return frozenset(name for name, p in parameters if p.default is not Parameter.empty)

    @cached_property
    def key(self) -> tuple[Column[Any], ...]:
        """The columns of the mapper's primary key."""
        return cast("tuple[Column[Any], ...]", self.mapper.primary_key)

    @cached_property
    def tables(self) -> tuple[Table, ...]:
        """The tables that a row of this class is stored in; empty for a mapped SELECT.

        Those of the base class come first; from three tables on, SQLAlchemy's order differs.
        """
        if not isinstance(self.mapper.local_table, Table | Join):
            return ()
        tables = (table for table in self.mapper.tables if isinstance(table, Table))
        order = list(_tables_of(self.mapper.persist_selectable))
        return tuple(sorted(tables, key=lambda t: order.index(t) if t in order else -1))

    @cached_property
    def lock(self) -> Any:
        """The argument ``with_for_update`` of ``Session.get``: lock the row of the base table.

        A concrete class may be selected from a subquery, which is locked as a whole.
        """
        mapper = self.mapper
        return mapper.concrete or {"of": mapper.base_mapper.local_table}

    def has_column(self, column: Column[Any]) -> bool:
        """Return whether an attribute of the class is mapped to this column."""
        return column in self.mapper._columntoproperty  # noqa: SLF001 - the public form raises

    @property
    def has_one_table(self) -> bool:
        """Whether one INSERT, UPDATE or DELETE writes a whole row, of any subclass."""
        stored = {id(table) for m in self.mapper.self_and_descendants for table in m.tables}
        return len(self.tables) == 1 and len(stored) == 1

    @property
    def unsupported_reason(self) -> str | None:
        """Why the class cannot be exposed; None if it can.

        The base of a concrete hierarchy selects from a union of tables, each of which assigns its
        own keys: one key may identify several rows.
        """
        base = self.mapper
        concrete = [m for m in base.self_and_descendants if m is not base and m.concrete]
        if concrete and (base.with_polymorphic or not self.tables):
            names = ", ".join(m.class_.__name__ for m in concrete)
            return f"is the base of concrete tables whose keys repeat; expose {names} instead"
        return None

    @property
    def discriminator(self) -> tuple[Column[Any], Any] | None:
        """The discriminator column and this class's identity in it; None if there is none."""
        column = self.mapper.polymorphic_on
        if not isinstance(column, Column):
            return None
        return column, self.mapper.polymorphic_identity

    @cached_property
    def version(self) -> Column[int] | None:
        """The ``version_id_col``, if SQL can count it as the ORM does; None otherwise.

        That is an integer column with SQLAlchemy's default generator, for all subclasses alike.
        """
        column = self.mapper.version_id_col
        if not (isinstance(column, Column) and isinstance(column.type, Integer)):
            return None
        is_field = any(attribute.column is column for attribute in self.attributes.values())
        counts = all(
            mapper.version_id_col is column and _has_default_generator(mapper)
            for mapper in self.mapper.self_and_descendants
        )
        return column if is_field and counts else None

    @property
    def has_version(self) -> bool:
        """Whether the class or a subclass of it has a ``version_id_col``."""
        return any(m.version_id_col is not None for m in self.mapper.self_and_descendants)

    @cached_property
    def inherited_keys(self) -> frozenset[Column[Any]]:
        """The key columns of joined tables, which the ORM sets to the key of the base table."""
        mappers: list[Any] = list(self.mapper.iterate_to_root())
        return frozenset(
            inherited
            for mapper in mappers
            for _, inherited in mapper._inherits_equated_pairs or ()  # noqa: SLF001 - nothing public has them
        )

    @property
    def criteria(self) -> tuple[ColumnElement[bool], ...]:
        """The conditions of this class's rows in a table shared with other classes.

        The ORM adds them to SELECT; UPDATE and DELETE of the table need them explicitly.
        """
        mapper, column = self.mapper, self.mapper.polymorphic_on
        if not mapper.single or mapper.inherits is None or column is None:
            return ()
        identities = [m.polymorphic_identity for m in mapper.self_and_descendants]
        return (column.in_([identity for identity in identities if identity is not None]),)

    @cached_property
    def _found(self) -> _Found:
        found = _Found()
        for column in self._columns():
            self._add_column(found, column)
        for prop in self.mapper.iterate_properties:
            if isinstance(prop, SynonymProperty):
                self._add_synonym(found, prop)
            elif isinstance(prop, ColumnProperty) and not self._is_stored(prop):
                self._add_expression(found, prop.key)
        for key, descriptor in self.mapper.all_orm_descriptors.items():
            type_ = descriptor.extension_type
            if type_ is HybridExtensionType.HYBRID_PROPERTY:
                self._add_expression(found, str(key))
            elif type_ is AssociationProxyExtensionType.ASSOCIATION_PROXY:
                found.unsupported[str(key)] = _PROXY
        return found

    def _columns(self) -> Iterator[Column[Any]]:
        """Yield the columns in table order, the base class's first."""
        sources: tuple[FromClause, ...] = self.tables or (self.mapper.local_table,)
        for source in sources:
            for column in source.columns:
                if isinstance(column, Column):
                    yield column

    def _add_column(self, found: _Found, column: Column[Any]) -> None:
        prop = self.mapper._columntoproperty.get(column)  # noqa: SLF001 - the public form raises
        if prop is None:  # exclude_properties, or a column of a sibling class.
            return
        name = str(column.name)  # Not SQLAlchemy's quoted_name: this one is for JSON.
        known = found.attributes.get(name)
        if any(attribute.key == prop.key for attribute in found.attributes.values()):
            return  # Several columns of one attribute, as keys of joined tables: use the first.
        if known is not None:
            found.unsupported[name] = (
                f"{known.key} and {prop.key} are columns with the same name in two tables"
            )
            return
        if not prop.key.isidentifier():
            found.unsupported[name] = _NO_IDENTIFIER
            return
        if _NO_MEMBER.search(name):
            found.unsupported[name] = "has a quote, a backslash or a control character in its name"
            return
        expression = getattr(self.model, prop.key)
        found.attributes[name] = Attribute(prop.key, name, expression, column)

    def _is_stored(self, prop: ColumnProperty[Any]) -> bool:
        """Return whether a column stores it; the label of a union's branches is not output."""
        if self.mapper.concrete and prop.columns[0] is self.mapper.polymorphic_on:
            return True
        return any(isinstance(column, Column) for column in prop.columns)

    def _add_synonym(self, found: _Found, prop: SynonymProperty[Any]) -> None:
        getter = getattr(prop.descriptor, "fget", None)
        if getter is not None and not getter.__module__.startswith("sqlalchemy."):
            found.unsupported[prop.key] = "is a synonym with a Python descriptor"
            return
        self._add_expression(found, prop.key)

    def _add_expression(self, found: _Found, key: str) -> None:
        if key.startswith("_") or key in found.attributes:
            return  # Private, or hidden by a column with that name.
        try:
            expression = getattr(self.model, key)
            clause = getattr(expression, "__clause_element__", lambda: expression)()
        except Exception as error:  # noqa: BLE001 - a hybrid runs the model's own code
            found.unsupported[key] = f"has no SQL expression ({type(error).__name__})"
            return
        if not hasattr(expression, "type"):
            found.unsupported[key] = "has a custom comparator"
        elif isinstance(clause, ColumnElement):
            found.attributes[key] = Attribute(key, key, expression)
        else:
            found.unsupported[key] = "has no SQL expression"


def _has_default_generator(mapper: Mapper[Any]) -> bool:
    """Return whether versions are counted from 1; the default is a function of SQLAlchemy's."""
    module = getattr(mapper.version_id_generator, "__module__", None) or ""
    return module.partition(".")[0] == "sqlalchemy"


def _tables_of(source: FromClause) -> Iterator[FromClause]:
    """Yield the tables of a join from left to right."""
    if isinstance(source, Join):
        yield from _tables_of(source.left)
        yield from _tables_of(source.right)
    else:
        yield source
