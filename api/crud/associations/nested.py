"""Nested bodies: what a create or an update says of related rows, and doing it.

Finale's forms: an object without the related key makes a row, ``{"id": 7}`` links row 7, ``null``
or ``{"id": null}`` unlinks. Arrays are written on create; on update they are refused, since
Finale's way, to echo what it did not save, is worse than an error.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Dialect

from api.crud.associations.additions import additions
from api.crud.associations.joins import Joins
from api.crud.associations.relations import Relation
from api.crud.execution import bodies
from api.crud.execution.bodies import Attributes, Errors
from api.crud.execution.context import Context
from api.crud.execution.statements import Statements
from api.crud.views.fields import Field, Raw
from api.crud.views.values import Refusal
from api.crud.views.view import Child, View
from api.errors import Conflict
from db.connection import Connection
from db.errors import NotWritten, UniqueViolation
from db.statement import Row

MAX_CHILDREN: Final = 1_000
Key = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class New:
    """A related row to make; ``name`` is its path in the body."""

    name: str
    attributes: Attributes


@dataclass(frozen=True, slots=True)
class Link:
    """A related row to link, by its key: driver values."""

    name: str
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


@dataclass(frozen=True, slots=True)
class Writing:
    """A related row that is being written: how it is shown, what is written, where it stands."""

    view: View
    attributes: Mapping[str, Any]
    prefix: str


class NestedWriter:
    """Reads and writes the nested bodies of one view.

    Args:
        view: The parent's.
        dialect: The database's.
        creatable: The parent's fields that a client may set in a new row. A relation that would
            set another is passed over, as that field is.
        updatable: Likewise in a row that is there.
    """

    def __init__(
        self,
        view: View,
        dialect: Dialect,
        *,
        creatable: Collection[Field],
        updatable: Collection[Field],
    ) -> None:
        self._view = view
        children = view.children
        self._statements = {
            name: Statements(child.view.fields, child.view.fields.key, dialect)
            for name, child in children.items()
        }
        self._joins = {name: Joins(child.relation, dialect) for name, child in children.items()}
        self._read_only = [n for n, child in children.items() if not child.relation.writable]
        self._creatable = _settable(children, creatable)
        self._updatable = _settable(children, updatable)

    def read(
        self, body: Mapping[str, Any], errors: Errors, *, new: bool, hooked: bool
    ) -> list[Nested]:
        """Read what a body says of related rows; arrays only where the row is new."""
        nested = []
        for name in self._read_only:
            if name in body:
                errors.add(name, bodies.INVALID, "is read-only: the model does not write it")
        for name, child in (self._creatable if new else self._updatable).items():
            if name not in body:
                continue
            given = body[name]
            if child.relation.many:
                if not new:
                    errors.add(name, bodies.INVALID, "cannot be changed through its parent")
                    continue
                if not isinstance(given, list) or len(given) > MAX_CHILDREN:
                    text = f"must be an array of at most {MAX_CHILDREN} objects"
                    errors.add(name, bodies.INVALID, text)
                    continue
                named = {f"{name}.{n}": one for n, one in enumerate(given)}
            else:
                named = {} if given is None else {name: given}
            items = (_item(child, at, one, errors, hooked=hooked) for at, one in named.items())
            nested.append(Nested(child, tuple(item for item in items if item is not None)))
        return nested

    def sets(self, nested: Sequence[Nested]) -> frozenset[str]:
        """Give the parent's attributes that nested bodies will set."""
        fields = self._view.fields.by_name
        return frozenset(
            fields[str(column.name)].attribute
            for one in nested
            for column in one.relation.foreign_key
        )

    async def write_before(self, connection: Connection, context: Context) -> None:
        """Write the rows that the parent refers to, and set its foreign keys."""
        fields = self._view.fields.by_name
        for one in context.nested:
            foreign = one.relation.foreign_key
            if not foreign:
                continue
            values: Key = (None,) * len(foreign)
            for item in one.items:
                row = await self._row(connection, one, item, context)
                remotes = [remote for _, remote in one.relation.pairs]
                values = one.child.view.values(row, remotes)
            for column, value in zip(foreign, values, strict=True):
                context.attributes[fields[str(column.name)].attribute] = Raw(value)

    async def write_after(self, connection: Connection, context: Context, parent: Row) -> None:
        """Write the rows that refer to the parent, which is stored by now."""
        for one in context.nested:
            relation = one.relation
            if relation.foreign_key:
                continue
            own = self._view.values(parent, [local for local, _ in relation.pairs])
            if relation.link is not None:
                for item in one.items:
                    await self._join(connection, one, item, own, context)
                continue
            if not relation.many and context.action != "create":
                await self._release(connection, one, own, context)
            for item in one.items:
                await self._adopt(connection, one, item, own, context)

    async def _row(
        self, connection: Connection, one: Nested, item: New | Link, context: Context
    ) -> Row:
        """Make the related row, or find it."""
        if isinstance(item, New):
            return await self._insert(connection, one.child, item, context, {})
        row = await connection.fetch_one(self._statements[one.relation.name].read(), item.key)
        if row is None:
            raise _no_such_row(item.name)
        return row

    async def _adopt(
        self, connection: Connection, one: Nested, item: New | Link, own: Key, context: Context
    ) -> None:
        """Make a row that refers to the parent, or have an existing one refer to it."""
        fields = one.child.view.fields
        foreign = [fields.by_name[str(remote.name)] for _, remote in one.relation.pairs]
        refers = {f.attribute: Raw(value) for f, value in zip(foreign, own, strict=True)}
        if isinstance(item, New):
            await self._insert(connection, one.child, item, context, refers)
            return
        written, values = fields.ordered({**fields.refreshed(), **refers})
        statement = self._statements[one.relation.name].update(written)
        context.writing = Writing(one.child.view, refers, f"{item.name}.")
        if await connection.fetch_one(statement, (*values, *item.key)) is None:
            raise _no_such_row(item.name)
        context.writing = None

    async def _join(
        self, connection: Connection, one: Nested, item: New | Link, own: Key, context: Context
    ) -> None:
        """Put a row of the link table between the parent and a new or existing row."""
        row = await self._row(connection, one, item, context)
        other = one.child.view.values(row, [remote for remote, _ in one.relation.link_pairs])
        try:
            await self._joins[one.relation.name].insert(connection, own, other)
        except UniqueViolation as error:
            text = f"{item.name} is linked already"
            raise Conflict(bodies.INVALID, [{"field": item.name, "message": text}]) from error

    async def _release(
        self, connection: Connection, one: Nested, own: Key, context: Context
    ) -> None:
        """Have no other row refer to the parent any more: a one-to-one is about to change."""
        statements = self._statements[one.relation.name]
        rows = await self._joins[one.relation.name].referring(connection, own)
        fields = one.child.view.fields
        foreign = [fields.by_name[str(remote.name)] for _, remote in one.relation.pairs]
        kept = {item.key for item in one.items if isinstance(item, Link)}
        for key in rows:
            if tuple(key) in kept:
                continue
            none = {field.attribute: None for field in foreign}
            written, values = fields.ordered({**fields.refreshed(), **none})
            context.writing = Writing(one.child.view, none, f"{one.relation.name}.")
            if await connection.fetch_one(statements.update(written), (*values, *key)) is None:
                raise NotWritten("a related row still refers to its former parent")
            context.writing = None

    async def _insert(
        self,
        connection: Connection,
        child: Child,
        item: New,
        context: Context,
        refers: Mapping[str, Any],
    ) -> Row:
        """Insert a related row; ``add_to_children`` goes over what the client says."""
        fields = child.view.fields
        attributes = {
            **fields.initial(),
            **item.attributes,
            **additions(context.add_to_children, fields),
            **refers,
        }
        errors = Errors()
        bodies.check_complete(attributes, fields, errors, prefix=f"{item.name}.")
        errors.check()
        written, values = fields.ordered(attributes)
        context.writing = Writing(child.view, attributes, f"{item.name}.")
        statement = self._statements[child.relation.name].insert(written)
        row = await connection.fetch_one(statement, values)
        if row is None:
            raise NotWritten("INSERT returned no row")
        context.writing = None
        return row


def _item(
    child: Child, name: str, given: Any, errors: Errors, *, hooked: bool
) -> New | Link | None:
    """Read one object; None unlinks. What hooks may still add is not asked of it."""
    if not isinstance(given, dict):
        errors.add(name, bodies.INVALID, "must be an object")
        return None
    fields, relation = child.view.fields, child.relation
    key = [(field, given[field.name]) for field in fields.key if field.name in given]
    unlinks = all(value is None for _, value in key)
    if len(key) == len(fields.key) and not (unlinks and relation.many):
        if unlinks:
            return None
        return _link(name, key, errors)
    by_parent = {str(remote.name) for _, remote in relation.pairs} if relation.owned else set()
    by_others = frozenset(f.attribute for f in fields if hooked or f.name in by_parent)
    writable = [field for field in fields if not field.managed]
    attributes = bodies.read_new(
        given, writable, errors, prefix=f"{name}.", given_elsewhere=by_others
    )
    return New(name, attributes)


def _link(name: str, key: Sequence[tuple[Field, Any]], errors: Errors) -> Link | None:
    values = []
    for field, value in key:
        try:
            values.append(field.codec.driver_value(field.codec.from_json(value)))
        except Refusal as refusal:
            errors.add(f"{name}.{field.name}", refusal.kind, str(refusal))
    return Link(name, tuple(values))


def _settable(children: Mapping[str, Child], fields: Collection[Field]) -> dict[str, Child]:
    columns = {field.column for field in fields}
    return {
        name: child
        for name, child in children.items()
        if child.relation.writable and columns.issuperset(child.relation.foreign_key)
    }


def _no_such_row(name: str) -> Conflict:
    return Conflict(bodies.INVALID, [{"field": name, "message": f"{name} refers to no such row"}])
