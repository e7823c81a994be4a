"""Start-up checks of what a mapping allows: does a path identify one row, can rows be written?

``option_checks`` validates each option alone; here the options are compared with the mapper.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from inspect import Parameter
from typing import Any, Final

from sqlalchemy import JSON, Column, Dialect

from encore.errors import ConfigurationError
from encore.models.defaults import has_sql_default, is_context_sensitive, sql_default
from encore.models.examples import check_example
from encore.models.fields import Field, Fields
from encore.models.keys import identifies_one_row
from encore.models.mapped_class import MappedClass, Model
from encore.models.session_requirements import SessionRequirements
from encore.models.types.registry import storage_type
from encore.options import ResourceOptions
from encore.resource.paths import ResourcePaths
from encore.serializers.serializer import Serializer
from encore.validation.nested import SYNC

_COLLECTION_ACTIONS: Final = ("list", "create")
_ROW_ACTIONS: Final = ("read", "update", "delete")
_WRITING_ACTIONS: Final = ("create", "update", "delete")

Problems = Iterator[tuple[str, str]]
"""The options that the mapping does not allow, and why."""


def check_class(model: Model) -> None:
    """Raise ``ConfigurationError`` for a class that cannot be exposed, whatever the options."""
    try:
        refusal = MappedClass(model).unsupported_reason
    except Exception as error:
        raise ConfigurationError(model.__name__, "model", f"cannot be mapped: {error}") from error
    if refusal is not None:
        raise ConfigurationError(model.__name__, "model", refusal)


def check_mapping(
    options: ResourceOptions, fields: Fields, paths: ResourcePaths, dialect: Dialect
) -> None:
    """Raise ``ConfigurationError`` for the first action that the mapping does not allow."""
    for option, message in _MappingChecks(options, fields, paths, dialect).problems():
        raise ConfigurationError(options.model.__name__, option, message)


def check_synchronised_arrays(options: ResourceOptions, serializer: Serializer) -> None:
    """Raise ``ConfigurationError`` if ``nested_arrays="sync"`` cannot serve a relation."""
    if options.nested_arrays != SYNC:
        return
    for name, child in serializer.children.items():
        relation, key = child.relation, child.serializer.fields.key
        if not (relation.many and relation.writable):
            continue  # Compared only.
        message = None
        if not relation.is_equijoin:
            message = f"sync: the rows of {name!r} are found by more than equal keys"
        elif any(field.name not in child.serializer.shown for field in key):
            message = f"sync: the key of the rows of {name!r} is not shown"
        if message is not None:
            raise ConfigurationError(options.model.__name__, "nested_arrays", message)


@dataclass(frozen=True, slots=True)
class _MappingChecks:
    options: ResourceOptions
    fields: Fields
    paths: ResourcePaths
    dialect: Dialect

    def problems(self) -> Problems:
        mapped, actions = self.fields.mapped, self.options.actions
        for message in SessionRequirements(mapped).unsupported_events():
            yield "model", message
        yield from (("model", problem) for problem in map(check_example, self.fields) if problem)
        yield from self._ambiguous_paths()
        for action in _WRITING_ACTIONS:
            if action in actions and not mapped.tables:
                message = "the model is mapped to a SELECT, which cannot be written"
                yield "actions", f"{action}: {message}"
        if "create" in actions:
            yield from self._obstacles_to_create()
        if self.options.put_replaces:
            yield from self._unknown_defaults()

    def _ambiguous_paths(self) -> Problems:
        """Yield collection paths that name one row, and item paths that may name several."""
        actions, paths = self.options.actions, self.paths
        if paths.collection_path_names_one_row:
            for action in _COLLECTION_ACTIONS:
                if action in actions:
                    path = f"{paths.collection_path!r}"
                    message = f"{action}: {path} names one row; give the collection path too"
                    yield "endpoints", f"{message}, or actions must leave {action} out"
        for action in _ROW_ACTIONS:
            if action in actions and not paths.is_nested and not self._identifies_one_row():
                yield "endpoints", self._no_key(action)
        for _, field in paths.key_parameters:
            if isinstance(storage_type(field.column.type, self.dialect), JSON):
                yield "endpoints", f"{field.name} is JSON, which has no one form in a path"

    def _identifies_one_row(self) -> bool:
        key = [field.attribute for _, field in self.paths.key_parameters]
        return identifies_one_row(self.fields.mapped, key)

    def _no_key(self, action: str) -> str:
        names = ", ".join(field.name for field in self.fields.key)
        return (
            f"{action}: {self.paths.item_path!r} does not name one row; it must hold the primary"
            f" key ({names}) or a unique key over NOT NULL columns, or actions must leave"
            f" {action} out"
        )

    def _obstacles_to_create(self) -> Problems:
        """Yield the reasons why no row of this class can be created."""
        mapped = self.fields.mapped
        for name in _missing_arguments(mapped):
            yield "actions", f"create: the constructor's parameter {name} is not a mapped attribute"
        mapper = mapped.mapper
        if mapper.polymorphic_on is not None and mapper.polymorphic_identity is None:
            yield "actions", "create: the class has no polymorphic identity"
        elif mapper.single and mapped.discriminator is None:
            yield "actions", "create: the discriminator is a SQL expression, which cannot be set"
        for table in mapped.tables:
            for column in table.columns:
                if _is_required(column) and not mapped.has_column(column):
                    message = f"create: the column {column.name} is required and not mapped"
                    yield "actions", message

    def _unknown_defaults(self) -> Problems:
        """Yield the defaults that a replacing PUT could not set."""
        for field in self.fields:
            by_constructor = field.set_by_orm and not (field.managed or field.has_default)
            if by_constructor and not field.nullable and field.column.server_default is None:
                message = f"the default of {field.name} is known to the constructor alone"
                yield "put_replaces", message
            if is_context_sensitive(field.column.default) and not field.read_only:
                yield "put_replaces", f"the default of {field.name} is known to an INSERT alone"
            has_default = has_sql_default(field.column) and not (
                field.autoincrement or field.read_only
            )
            if has_default and sql_default(field.column, self.dialect) is None:
                message = f"the default of {field.name} is known to the database alone"
                yield "put_replaces", message


def check_put_creates(
    options: ResourceOptions, key: Iterable[Field], creatable: Collection[Field]
) -> None:
    """Raise ``ConfigurationError`` if a PUT cannot create the row that its path names."""
    if not options.put_creates:
        return
    for field in key:
        if field not in creatable:
            message = f"clients may not write {field.name}, which the item path names"
            raise ConfigurationError(options.model.__name__, "put_creates", message)


def _missing_arguments(mapped: MappedClass) -> list[str]:
    """Return the constructor's required parameters that are not attributes of the class."""
    known = mapped.mapper.attrs.keys()
    return [
        name
        for name, parameter in mapped.constructor.items()
        if parameter.default is Parameter.empty and name not in known
    ]


def _is_required(column: Column[Any]) -> bool:
    has_default = column.default is not None or column.server_default is not None
    return not (column.nullable or has_default or column is column.table.autoincrement_column)
