"""Views: the face that one model shows in one resource.

Which fields are shown, which related rows are embedded and how they look in turn. The same model
can have another face in another resource, or as the child of one.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, TypeVar

from sqlalchemy import Column, Dialect

from encore.database.statement import Row
from encore.errors.configuration import InvalidOption
from encore.models.fields import Field, Fields, Model
from encore.models.relations import Relation, UnsupportedRelation, relations_of
from encore.models.types import TypeAdapters
from encore.options.include import Include
from encore.query.field_lookup import FieldLookup
from encore.serializers.include import included, limit_of
from encore.serializers.records import Record, RowReader, record_type, row_reader
from encore.serializers.relation_statements import RelationStatements

T = TypeVar("T")
_NO_TYPES: Final[TypeAdapters] = MappingProxyType({})


@dataclass(frozen=True, slots=True, eq=False)
class Serializer:
    """One model, as shown.

    Attributes:
        model: The model.
        fields: All of its fields; every statement gives rows in this order.
        shown: Those that callers may see and name.
        hidden: The attributes of the others.
        writable: Those that callers may write, if the action and its options allow it.
        children: The relations embedded, and the view of their rows.
        record: The type of a row on its way to JSON.
        read_rows: Turns rows into records.
    """

    model: Model
    fields: Fields
    shown: Mapping[str, Field]
    hidden: tuple[str, ...]
    writable: frozenset[Field]
    children: Mapping[str, "RelatedSerializer"]
    record: type[Record]
    read_rows: RowReader

    @classmethod
    def of(
        cls,
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
        takes_text: bool = False,
    ) -> "Serializer":
        """Make the view of a model, or of an alias of it.

        Args:
            model: The model.
            dialect: The database's.
            attributes: The fields to show; empty means all.
            exclude: Fields not to show.
            include: The relations to embed.
            write_only: Fields not to show, that callers may write all the same.
            remove_foreign_keys: Show no foreign keys.
            types: Registered JSON conversions.
            entity: An alias of the model to select from in its place.
            is_shown: Every field shown must have a JSON form.
            takes_text: Convert text in bodies to the types of columns.

        Raises:
            UnknownName: A field or relation that the model does not have.
            TypeError: A shown column's type has no JSON form; the text names the column.
        """
        fields = Fields.of(model, dialect, types, entity, takes_text=takes_text)
        relations = relations_of(model)
        includes = [_include(one) for one in include]
        named = [(one, _named(relations, one.relation)) for one in includes]
        for _, relation in named:
            _check_member(relation, fields)
        counts = {relation.name: _count_name(relation, fields, relations) for _, relation in named}
        hidden = {_member(fields, name) for name in exclude}
        if attributes:
            kept = {_member(fields, name) for name in attributes}
            hidden |= {*fields.by_name, *fields.unsupported} - kept
        written = {_member(fields, name) for name in write_only}
        excluded, hidden = hidden - written, hidden | written
        if is_shown:
            _check_shown(model, fields, hidden)
        if remove_foreign_keys:
            hidden |= {f.name for f in fields if f.column.foreign_keys and f not in fields.key}
        shown = {name: f for name, f in fields.by_name.items() if name not in hidden}
        concealed = tuple(f.attribute for name, f in fields.by_name.items() if name in hidden)
        members = (*counts, *filter(None, counts.values()))
        record = record_type(model.__name__, fields, members, concealed)
        children: dict[str, RelatedSerializer] = {}
        serializer = cls(
            model=model,
            fields=fields,
            shown=shown,
            hidden=concealed,
            writable=frozenset(f for f in fields if not (f.read_only or f.name in excluded)),
            children=children,
            record=record,
            read_rows=row_reader(record, fields, concealed),
        )
        for one, relation in named:
            child = cls.of(
                relation.target,
                dialect,
                attributes=one.attributes,
                exclude=one.exclude_attributes,
                include=one.include,
                write_only=one.write_only_attributes,
                remove_foreign_keys=remove_foreign_keys,
                types=types,
                is_shown=is_shown,
                takes_text=takes_text,
            )
            narrowed = included(relation, one, child.fields, dialect)
            limit = limit_of(relation, one.limit)
            fetching = RelationStatements(narrowed, serializer, child, dialect, limit)
            children[relation.name] = RelatedSerializer(
                narrowed, child, limit, counts[relation.name], fetching
            )
        return serializer

    @property
    def names(self) -> FieldLookup:
        """What a caller may name in queries."""
        return FieldLookup(
            self.shown,
            {
                name: (child.relation, child.serializer.names)
                for name, child in self.children.items()
            },
        )

    def place(self, column: Column[Any]) -> int:
        """Give a column's place in this view's rows."""
        return list(self.fields.by_name).index(self.fields.of_column(column).name)

    def values(self, row: Row, columns: Sequence[Column[Any]]) -> tuple[Any, ...]:
        """Give a row's values of these columns."""
        return tuple(row[self.place(column)] for column in columns)


@dataclass(frozen=True, slots=True, eq=False)
class RelatedSerializer:
    """An embedded relation and the view of its rows.

    Attributes:
        relation: The relation, with what ``Include`` says of its rows.
        serializer: The view of the rows.
        limit: How many rows of one parent are embedded.
        count_name: The member that says how many there are, where they are more; empty where
            there can be one only.
        fetching: Finds the rows.
    """

    relation: Relation
    serializer: Serializer
    limit: int
    count_name: str
    fetching: RelationStatements


def _check_shown(model: Model, fields: Fields, hidden: Collection[str]) -> None:
    """Raise ``TypeError`` for what is shown, or part of the key, and has no JSON form."""
    for one in fields.key:
        if one.codec.unsupported:
            raise TypeError(f"the key of {model.__name__}: {one.name}: {one.codec.unsupported}")
    of_types = {f.name: f.codec.unsupported for f in fields if f.codec.unsupported}
    for name, reason in {**fields.unsupported, **of_types}.items():
        if name not in hidden:
            text = f"{reason}; or name it in exclude_attributes"
            raise TypeError(f"{model.__name__}.{name}: {text}")


def _include(given: Include | str) -> Include:
    return Include(given) if isinstance(given, str) else given


def _member(fields: Fields, name: str) -> str:
    """Return the JSON name of what an option names by either name. Raises ``InvalidOption``."""
    field = fields.find(name)
    if field is not None:
        return field.name
    if name in fields.unsupported:
        return name
    raise InvalidOption(f"{name!r} is none of {', '.join(fields.by_name)}")


def _check_member(relation: Relation, fields: Fields) -> None:
    """Raise ``UnsupportedRelation`` for a relation that has the name of a column in JSON."""
    field = fields.by_name.get(relation.name)
    if field is not None:
        raise UnsupportedRelation(
            f"{relation.name}: a column has that name in JSON, which is {field.attribute!r} in"
            " Python; rename one of the two"
        )


def _count_name(relation: Relation, fields: Fields, relations: Mapping[str, Relation]) -> str:
    """Return the name of the member that counts the rows. Raises ``UnsupportedRelation``."""
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


def _named(there: Mapping[str, T], name: str) -> T:
    found = there.get(name)
    if found is None:
        raise InvalidOption(f"{name!r} is none of {', '.join(there) or 'none'}")
    return found
