"""Checks of what a mapping allows, at start-up: does a path mean one row, can rows be written?

What is wrong with an option in itself is for ``checks``; here it is held against the mapper.
"""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import JSON, Column

from encore.errors import ConfigurationError
from encore.models.defaults import has_sql_default, is_context_sensitive, sql_default
from encore.models.fields import Field
from encore.models.keys import identifies_one_row
from encore.models.mapped_class import MappedClass, Model
from encore.models.types.registry import storage_type
from encore.resource.option_checks import check_path

if TYPE_CHECKING:
    from encore.execution.resource import Resource

_WORD: Final = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_OF_MANY: Final = ("list", "create")
_OF_ONE_ROW: Final = ("read", "update", "delete")
_WRITING: Final = ("create", "update", "delete")


def placeholder(field: Field) -> str:
    """Return a field's place in a path template: ``{id}``.

    A path parameter is an identifier; a column called ``part-id`` goes by its attribute's name.
    """
    return f"{{{field.name if _WORD.fullmatch(field.name) else field.attribute}}}"


def default_path(resource: "Resource") -> str:
    """Return the collection path of a resource that is given none: its table's name.

    Raises:
        ConfigurationError: There is no such name, or it does not fit into a path.
    """
    name = getattr(resource.fields.mapped.mapper.local_table, "name", "")
    path = f"/{name}"
    if not name or any(check_path(path)):
        text = f"must be given: the table's name {str(name)!r} makes no path"
        raise ConfigurationError(resource.name, "endpoints", text)
    return path


def check_class(model: Model) -> None:
    """Raise ``ConfigurationError`` for a class that cannot be exposed, whatever the options."""
    try:
        refusal = MappedClass(model).unsupported_reason
    except Exception as error:
        raise ConfigurationError(model.__name__, "model", f"cannot be mapped: {error}") from error
    if refusal is not None:
        raise ConfigurationError(model.__name__, "model", refusal)


def check_mapped(resource: "Resource") -> None:
    """Raise ``ConfigurationError`` for the first action that the mapping does not allow."""
    for option, text in _complaints(resource):
        raise ConfigurationError(resource.name, option, text)


def _complaints(resource: "Resource") -> Iterator[tuple[str, str]]:
    mapped, actions = resource.fields.mapped, resource.options.actions
    for text in resource.session_writes.behaviour.unsupported_events():
        yield "model", text
    yield from _unclear_paths(resource)
    for action in _WRITING:
        if action in actions and not mapped.tables:
            yield "actions", f"{action}: the model is mapped to a SELECT, which cannot be written"
    if "create" in actions:
        yield from _uncreatable(resource)
    if resource.options.put_replaces:
        yield from _unknown_defaults(resource)


def _unclear_paths(resource: "Resource") -> Iterator[tuple[str, str]]:
    """Say which paths mean one row where all are meant, or several where one is."""
    actions = resource.options.actions
    if resource.collection_path_names_one_row:
        for action in (one for one in _OF_MANY if one in actions):
            path = f"{resource.collection_path!r}"
            text = f"{action}: {path} names one row; give the path of the many too"
            yield "endpoints", f"{text}, or actions must leave {action} out"
    for action in _OF_ONE_ROW:
        if action in actions and not resource.is_nested and not _names_one_row(resource):
            yield "endpoints", _no_key(resource, action)
    for field in resource.key:
        if isinstance(storage_type(field.column.type, resource.statements.dialect), JSON):
            yield "endpoints", f"{field.name} is JSON, which has no one form in a path"


def _names_one_row(resource: "Resource") -> bool:
    return identifies_one_row(resource.fields.mapped, [field.attribute for field in resource.key])


def _no_key(resource: "Resource", action: str) -> str:
    names = ", ".join(field.name for field in resource.fields.key)
    return (
        f"{action}: {resource.item_path!r} does not name one row; it must hold the primary key"
        f" ({names}) or a unique key over NOT NULL columns, or actions must leave {action} out"
    )


def _uncreatable(resource: "Resource") -> Iterator[tuple[str, str]]:
    """Say why no row of this class can be made."""
    for name in resource.session_writes.missing_arguments():
        yield "actions", f"create: the constructor's parameter {name} is not a mapped attribute"
    mapper = resource.fields.mapped.mapper
    if mapper.polymorphic_on is not None and mapper.polymorphic_identity is None:
        yield "actions", "create: the class has no polymorphic identity"
    elif mapper.single and resource.fields.mapped.discriminator is None:
        yield "actions", "create: the discriminator is a SQL expression, which cannot be set"
    for table in resource.fields.mapped.tables:
        for column in table.columns:
            if _is_required(column) and not resource.fields.mapped.has_column(column):
                yield "actions", f"create: the column {column.name} is required and not mapped"


def _unknown_defaults(resource: "Resource") -> Iterator[tuple[str, str]]:
    """Say which defaults a PUT could not set."""
    for field in resource.fields:
        by_constructor = field.set_by_orm and not (field.managed or field.has_default)
        if by_constructor and not field.nullable and field.column.server_default is None:
            yield "put_replaces", f"the default of {field.name} is known to the constructor alone"
        if is_context_sensitive(field.column.default) and not field.read_only:
            yield "put_replaces", f"the default of {field.name} is known to an INSERT alone"
        has_default = has_sql_default(field.column) and not (field.autoincrement or field.read_only)
        if has_default and sql_default(field.column, resource.statements.dialect) is None:
            yield "put_replaces", f"the default of {field.name} is known to the database alone"


def _is_required(column: Column[Any]) -> bool:
    has_default = column.default is not None or column.server_default is not None
    return not (column.nullable or has_default or column is column.table.autoincrement_column)
