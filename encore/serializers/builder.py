"""Building serializers: from a model, names of fields, and ``Include`` to a ``Serializer``."""

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import Dialect

from encore.database.soft_deletes import soft_deletes_of
from encore.errors import InvalidOption
from encore.models.fields import Fields, Model
from encore.models.relations import Relation, UnsupportedRelation, relations_of
from encore.models.types import TypeAdapters
from encore.options import Include
from encore.serializers.include import apply_include, include_limit
from encore.serializers.records import record_type, row_reader
from encore.serializers.serializer import RelatedSerializer, Serializer

_NO_TYPES: Final[TypeAdapters] = MappingProxyType({})


def build_serializer(
    model: Model,
    dialect: Dialect,
    *,
    attributes: Sequence[str] = (),
    exclude: Sequence[str] = (),
    include: Sequence[Include | str] = (),
    write_only: Sequence[str] = (),
    remove_foreign_keys: bool = False,
    entity: Any = None,
    types: TypeAdapters = _NO_TYPES,
    is_shown: bool = True,
    accepts_text: bool = False,
) -> Serializer:
    """Return the serializer of a model, or of an alias of it, and of its embedded relations.

    Args:
        model: The model.
        dialect: The database's dialect.
        attributes: The fields to show; empty means all.
        exclude: Fields to hide.
        include: The relations to embed.
        write_only: Fields to hide that callers may write nevertheless.
        remove_foreign_keys: Whether to hide foreign keys.
        types: Registered JSON conversions.
        entity: An alias to select from instead of the model.
        is_shown: Whether every shown field must have a JSON form.
        accepts_text: Whether strings in bodies are converted to the types of columns.

    Raises:
        InvalidOption: The model does not have a field or relation of this name.
        UnsupportedRelation: A relation cannot be embedded as its ``Include`` says.
        TypeError: A shown column's type has no JSON form; the message names the column.
    """
    fields = Fields.of(model, dialect, types, entity, accepts_text=accepts_text)
    relations = relations_of(model)
    included_relations = [_find_relation(relations, item) for item in map(_as_include, include)]
    for _, relation in included_relations:
        _check_member(relation, fields)
    counts = {
        relation.name: _count_name(relation, fields, relations)
        for _, relation in included_relations
    }
    excluded, hidden = _hidden_names(fields, attributes, exclude, write_only)
    if is_shown:
        _check_shown(model, fields, hidden)
    if remove_foreign_keys:
        hidden |= {f.name for f in fields if f.column.foreign_keys and f not in fields.key}
    hidden_attributes = tuple(f.attribute for f in fields if f.name in hidden)
    members = (*counts, *filter(None, counts.values()))
    record = record_type(model.__name__, fields, members, hidden_attributes)
    children: dict[str, RelatedSerializer] = {}
    for item, relation in included_relations:
        child = build_serializer(
            relation.target,
            dialect,
            attributes=item.attributes,
            exclude=item.exclude_attributes,
            include=item.include,
            write_only=item.write_only_attributes,
            remove_foreign_keys=remove_foreign_keys,
            types=types,
            is_shown=is_shown,
            accepts_text=accepts_text,
        )
        children[relation.name] = RelatedSerializer(
            apply_include(relation, item, child.fields, dialect),
            child,
            include_limit(relation, item.limit),
            counts[relation.name],
        )
    return Serializer(
        model=model,
        fields=fields,
        shown={name: f for name, f in fields.by_name.items() if name not in hidden},
        hidden=hidden_attributes,
        soft_deletes=soft_deletes_of(dialect),
        settable=frozenset(f for f in fields if not (f.read_only or f.name in excluded)),
        children=children,
        record=record,
        read_rows=row_reader(record, fields, hidden_attributes),
    )


def _hidden_names(
    fields: Fields, attributes: Sequence[str], exclude: Sequence[str], write_only: Sequence[str]
) -> tuple[set[str], set[str]]:
    """Return the names of the fields that cannot be written, and of those that are not shown."""
    hidden = {_member_name(fields, name) for name in exclude}
    if attributes:
        kept = {_member_name(fields, name) for name in attributes}
        hidden |= {*fields.by_name, *fields.unsupported} - kept
    written = {_member_name(fields, name) for name in write_only}
    return hidden - written, hidden | written


def _check_shown(model: Model, fields: Fields, hidden: Collection[str]) -> None:
    """Raise ``TypeError`` for a shown field, or part of the key, that has no JSON form."""
    for field in fields.key:
        if field.codec.unsupported:
            raise TypeError(f"the key of {model.__name__}: {field.name}: {field.codec.unsupported}")
    of_types = {f.name: f.codec.unsupported for f in fields if f.codec.unsupported}
    for name, reason in {**fields.unsupported, **of_types}.items():
        if name not in hidden:
            message = f"{reason}; or name it in exclude_attributes"
            raise TypeError(f"{model.__name__}.{name}: {message}")


def _as_include(item: Include | str) -> Include:
    return Include(item) if isinstance(item, str) else item


def _member_name(fields: Fields, name: str) -> str:
    """Return the JSON name of a field that an option names by its Python or its JSON name.

    Raises:
        InvalidOption: There is no such field.
    """
    field = fields.find_by_name(name)
    if field is not None:
        return field.name
    if name in fields.unsupported:
        return name
    raise InvalidOption(f"{name!r} is none of {', '.join(fields.by_name)}")


def _check_member(relation: Relation, fields: Fields) -> None:
    """Raise ``UnsupportedRelation`` for a relation that has the JSON name of a column."""
    field = fields.by_name.get(relation.name)
    if field is not None:
        raise UnsupportedRelation(
            f"{relation.name}: a column has that name in JSON, which is {field.attribute!r} in"
            " Python; rename one of the two"
        )


def _count_name(relation: Relation, fields: Fields, relations: Mapping[str, Relation]) -> str:
    """Return the name of the member that counts the related rows; empty for one row.

    Raises:
        UnsupportedRelation: The model has a member of that name.
    """
    if not relation.many:
        return ""
    name = f"{relation.name}Count"
    attributes = {field.attribute for field in fields}
    if name in fields.by_name or name in attributes or name in relations:
        raise UnsupportedRelation(
            f"{relation.name}: the number of its rows would be shown as {name!r}, which the model"
            " has already; exclude the relation or rename the other"
        )
    return name


def _find_relation(relations: Mapping[str, Relation], include: Include) -> tuple[Include, Relation]:
    """Return an ``Include`` with its relation. Raises ``InvalidOption``."""
    relation = relations.get(include.relation)
    if relation is None:
        known = ", ".join(relations) or "none"
        raise InvalidOption(f"{include.relation!r} is none of {known}")
    return include, relation
