"""The option ``soft_delete``: its field, its start-up checks, and the agreement of resources.

A table is soft-deleted for every resource of the database, not only for the one that says so: a
second resource that writes the same rows must name the same field, or it would really delete them.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from sqlalchemy import Dialect

from encore.database.soft_deletes import (
    DeclaredRows,
    SoftDeletes,
    register_soft_delete,
    soft_deletes_of,
)
from encore.errors import ConfigurationError
from encore.http.access import Access
from encore.models.fields import Field, Fields
from encore.models.mapped_class import MappedClass
from encore.options import RESTORE, ResourceOptions, SearchOptions
from encore.query.parser import DELETED
from encore.resource.field_names import find_field
from encore.resource.option_checks import OWN

_OPTION: Final = "soft_delete"
_WRITING: Final = ("create", "update", "delete")
_TIMESTAMP: Final = "date-time"

Problems = Iterator[str]


def declare_soft_delete(options: ResourceOptions, fields: Fields, dialect: Dialect) -> Field | None:
    """Return the field of the option ``soft_delete``, and register its table; None without it.

    Raises:
        ConfigurationError: The field does not fit, or another resource of these rows disagrees.
    """
    model, name = options.model.__name__, options.soft_delete
    field = None
    if name is not None:
        field = find_field(fields, name, resource=model, option=_OPTION)
        for problem in _problems(options, field, fields):
            raise ConfigurationError(model, _OPTION, problem)
    registry = soft_deletes_of(dialect)
    declared = DeclaredRows(
        model,
        frozenset(fields.mapped.tables),
        None if field is None else str(field.column.name),
        any(action in options.actions for action in _WRITING),
    )
    for problem in _disagreements(declared, registry):
        raise ConfigurationError(model, _OPTION, problem)
    registry.declared.append(declared)
    if field is not None:
        register_soft_delete(dialect, field.column, _class_of(fields.mapped, field))
    return field


def check_restore_access(
    options: ResourceOptions, restore: Access, reading: Sequence[Access]
) -> None:
    """Check who may see and restore deleted rows; it must be said where a token is needed.

    Args:
        options: The options of a soft-deleted resource.
        restore: The access to deleted rows.
        reading: The access of its list and its read.

    Raises:
        ConfigurationError: The option ``access`` does not say it.
    """
    message = None
    if RESTORE not in options.access and not restore.public:
        message = f"{RESTORE}: soft_delete needs the scopes of callers who may see and restore"
        message += " deleted rows"
    elif not restore.public and any(access.public for access in reading):
        message = f"{RESTORE}: needs a token, but list or read is public and verifies none"
    if message is not None:
        raise ConfigurationError(options.model.__name__, "access", message)


def _problems(options: ResourceOptions, field: Field, fields: Fields) -> Problems:
    """Yield what is wrong with the field."""
    name, column, mapped = options.soft_delete, field.column, fields.mapped
    own = mapped.mapper if mapped.mapper.concrete else mapped.mapper.base_mapper
    defaults = (column.default, column.server_default, column.onupdate, column.server_onupdate)
    if field.read_only or field.codec.schema.get("format") != _TIMESTAMP:
        yield f"{name!r} is not a column of timestamps"
    elif not field.nullable:
        yield f"{name!r} must be nullable: null means that the row is not deleted"
    elif column.table is not own.local_table:
        yield f"{name!r} must be a column of the table that all rows of the hierarchy have"
    elif any(default is not None for default in defaults):
        yield f"{name!r} must have no default: a new row is not deleted"
    hidden = options.write_only_attributes
    own_hidden = hidden.get(OWN, ()) if isinstance(hidden, Mapping) else hidden
    if {field.name, field.attribute} & {*own_hidden}:
        yield f"{name!r} contradicts write_only_attributes: clients never write it"
    if DELETED in fields.by_name:
        yield f"the parameter {DELETED!r} would hide the field of that name: rename the column"
    search = options.search
    searches = (search,) if isinstance(search, SearchOptions) else search
    if DELETED in (options.sort.param, *(each.param for each in searches)):
        yield f"the parameter {DELETED!r} chooses deleted rows: search and sort need another name"


def _class_of(mapped: MappedClass, field: Field) -> type:
    """Return the base class of the hierarchy, if it has the column."""
    base = MappedClass(mapped.mapper.base_mapper.class_)
    is_base = not mapped.mapper.concrete and base.has_column(field.column)
    return base.model if is_base else mapped.model


def _disagreements(declared: DeclaredRows, registry: SoftDeletes) -> Problems:
    """Yield the earlier resources of the same rows that would treat them otherwise."""
    for other in registry.declared:
        if declared.column == other.column or declared.tables.isdisjoint(other.tables):
            continue
        soft, hard = (declared, other) if declared.column else (other, declared)
        if hard.column is None and not hard.writes:
            continue
        yield (
            f"{other.resource} and {declared.resource} are resources of the same rows: both must"
            f" name {soft.column!r}, unless one only reads"
        )
