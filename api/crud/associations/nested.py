"""Nested bodies: what a create or an update says of related rows, and doing it.

Finale's forms: an object without the related key makes a row, ``{"id": 7}`` links row 7, ``null``
or ``{"id": null}`` unlinks. Arrays are written on create; on update they are refused, since
Finale's way, to echo what it did not save, is worse than an error.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Column, Dialect, and_, insert, update

from api.crud import bodies
from api.crud.associations.relations import Relation
from api.crud.bodies import Attributes, Errors
from api.crud.context import Context
from api.crud.fields import Raw
from api.crud.statements import Statements
from api.crud.values import Refusal
from api.crud.view import Child, View
from api.errors import Conflict
from db.database import Connection
from db.statement import Row, Statement, slot

MAX_CHILDREN: Final = 1_000
Key = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class New:
    """A related row to make."""

    attributes: Attributes


@dataclass(frozen=True, slots=True)
class Link:
    """A related row to link, by its key: driver values."""

    key: Key


@dataclass(frozen=True, slots=True)
class Nested:
    """What a body says of one relation; no items unlink."""

    child: Child
    items: tuple[New | Link, ...]

    @property
    def relation(self) -> Relation:
        """The relation."""
        return self.child.relation


class NestedWriter:
    """Reads and writes the nested bodies of one view."""

    def __init__(self, view: View, dialect: Dialect) -> None:
        self._view = view
        self._dialect = dialect
        self._statements = {
            name: Statements(child.view.fields, child.view.fields.key, dialect)
            for name, child in view.children.items()
        }

    def read(self, body: Mapping[str, Any], errors: Errors, *, new: bool) -> list[Nested]:
        """Read what a body says of related rows; arrays only where the row is new."""
        nested = []
        for name, child in self._view.children.items():
            if name not in body:
                continue
            given = body[name]
            if child.relation.many:
                if not new:
                    errors.add(name, "Validation error", "cannot be changed through its parent")
                    continue
                if not isinstance(given, list) or len(given) > MAX_CHILDREN:
                    text = f"must be an array of at most {MAX_CHILDREN} objects"
                    errors.add(name, "Validation error", text)
                    continue
                items = [
                    self._item(child, f"{name}.{n}", one, errors) for n, one in enumerate(given)
                ]
            else:
                items = [] if given is None else [self._item(child, name, given, errors)]
            nested.append(Nested(child, tuple(item for item in items if item is not None)))
        return nested

    @staticmethod
    def sets(nested: Sequence[Nested]) -> frozenset[str]:
        """Give the parent's attributes that nested bodies will set."""
        return frozenset(
            column.key for one in nested for column in _foreign_attributes(one.relation)
        )

    @staticmethod
    def _item(child: Child, name: str, given: Any, errors: Errors) -> New | Link | None:
        if not isinstance(given, dict):
            errors.add(name, "Validation error", "must be an object")
            return None
        fields = child.view.fields
        key = [(field, given[field.name]) for field in fields.key if field.name in given]
        if len(key) == len(fields.key):
            if all(value is None for _, value in key):
                return None  # {"id": null}: unlink.
            try:
                return Link(tuple(f.codec.driver_value(f.codec.from_json(v)) for f, v in key))
            except Refusal as refusal:
                errors.add(f"{name}.{key[0][0].name}", refusal.kind, str(refusal))
                return None
        writable = [field for field in fields if not field.managed]
        by_parent = frozenset(
            field.attribute
            for field in fields
            if child.relation.owned and any(field.column is c for _, c in child.relation.pairs)
        )
        return New(
            bodies.read_new(given, writable, errors, prefix=f"{name}.", given_elsewhere=by_parent)
        )

    async def write_before(self, connection: Connection, context: Context) -> None:
        """Write the rows that the parent refers to, and set its foreign keys."""
        for one in context.nested:
            relation = one.relation
            if not relation.foreign_key:
                continue
            fields = self._view.fields.by_name
            for column, value in zip(
                relation.foreign_key, await self._referred(connection, one, context), strict=True
            ):
                context.attributes[fields[str(column.name)].attribute] = Raw(value)

    async def _referred(self, connection: Connection, one: Nested, context: Context) -> Key:
        """Give the values that the parent's foreign key gets."""
        if not one.items:
            return (None,) * len(one.relation.foreign_key)
        (item,) = one.items
        if isinstance(item, Link):
            return item.key
        row = await self._insert(connection, one.child, item, context, {})
        return _values_of(one.child.view, row, [remote for _, remote in one.relation.pairs])

    async def write_after(self, connection: Connection, context: Context, parent: Row) -> None:
        """Write the rows that refer to the parent, which is stored by now."""
        for one in context.nested:
            relation = one.relation
            if relation.foreign_key:
                continue
            own = _values_of(self._view, parent, [local for local, _ in relation.pairs])
            if relation.owned and not relation.many:
                await self._release(connection, one.child, own)
            for item in one.items:
                if relation.link is not None:
                    await self._join(connection, one, item, own, context)
                else:
                    await self._adopt(connection, one, item, own, context)

    async def _adopt(
        self,
        connection: Connection,
        one: Nested,
        item: New | Link,
        own: Key,
        context: Context,
    ) -> None:
        """Make a row that refers to the parent, or have an existing one refer to it."""
        fields = one.child.view.fields.by_name
        foreign = [fields[str(remote.name)] for _, remote in one.relation.pairs]
        if isinstance(item, New):
            refers = {f.attribute: Raw(value) for f, value in zip(foreign, own, strict=True)}
            await self._insert(connection, one.child, item, context, refers)
            return
        statement = self._statements[one.relation.name].update(tuple(foreign))
        if await connection.fetch_one(statement, (*own, *item.key)) is None:
            raise _no_such_row(one.relation)

    async def _join(
        self,
        connection: Connection,
        one: Nested,
        item: New | Link,
        own: Key,
        context: Context,
    ) -> None:
        """Put a row of the link table between the parent and a new or existing row."""
        relation = one.relation
        if isinstance(item, New):
            row = await self._insert(connection, one.child, item, context, {})
            other = _values_of(one.child.view, row, [own for own, _ in relation.link_pairs])
        else:
            other = item.key
        assert relation.link is not None  # noqa: S101 - the caller looked
        columns = [linked for _, linked in (*relation.pairs, *relation.link_pairs)]
        slots = {column: slot(index, column.type) for index, column in enumerate(columns)}
        statement = Statement(insert(relation.link).values(slots), self._dialect)
        await connection.fetch_all(statement, (*own, *other))

    async def _release(self, connection: Connection, child: Child, own: Key) -> None:
        """Have no row refer to the parent any more: a one-to-one is about to change."""
        foreign = [remote for _, remote in child.relation.pairs]
        table = foreign[0].table
        refers = and_(*(c == slot(n, c.type) for n, c in enumerate(foreign)))
        values: dict[Column[Any], None] = dict.fromkeys(foreign)
        statement = Statement(update(table).where(refers).values(values), self._dialect)
        await connection.fetch_all(statement, own)

    async def _insert(
        self,
        connection: Connection,
        child: Child,
        item: New,
        context: Context,
        refers: Mapping[str, Any],
    ) -> Row:
        """Insert a related row; ``add_to_children`` goes over what the client says."""
        view = child.view
        attributes = {**_initial(view), **item.attributes, **context.add_to_children, **refers}
        known = {field.attribute for field in view.fields}
        written, values = view.fields.ordered(
            {name: value for name, value in attributes.items() if name in known}
        )
        statement = self._statements[child.relation.name].insert(written)
        row = await connection.fetch_one(statement, values)
        assert row is not None  # noqa: S101 - an INSERT with RETURNING gives its row
        return row


def _initial(view: View) -> Attributes:
    return {f.attribute: f.initial() for f in view.fields if f.column.default is not None}


def _foreign_attributes(relation: Relation) -> list[Any]:
    mapper = relation.mapped.parent
    return [mapper.get_property_by_column(column) for column in relation.foreign_key]


def _values_of(view: View, row: Row, columns: Sequence[Column[Any]]) -> Key:
    return tuple(row[view.place(column)] for column in columns)


def _no_such_row(relation: Relation) -> Conflict:
    text = f"{relation.name} refers to no such row"
    return Conflict("Validation error", [{"field": relation.name, "message": text}])
