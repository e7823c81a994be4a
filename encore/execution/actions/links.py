"""Actions on the links of a many-to-many relationship: ``PUT``, ``POST`` and ``DELETE``.

Each is an update of the parent: it asks for update's scopes and runs update's hooks, which find
the body in ``context.given`` under the relation's name. What a hook sets in ``context.attributes``
is written into the parent's row. Which rows there are is for the GET of the nested resource.
"""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from starlette.types import Receive

from encore.database.protocol import Connection
from encore.database.statement import Row
from encore.errors import NotFound
from encore.execution.actions import JSON_ONLY, Update
from encore.execution.context import Context
from encore.execution.nested.session_writes import LinkChange
from encore.execution.resource import Resource
from encore.http.request_body import read_json
from encore.query.page_parameters import NO_LIMIT
from encore.validation.body import INVALID, ValidationErrors
from encore.validation.nested import (
    MAX_CHILDREN,
    ConnectRelated,
    Key,
    ParseOptions,
    RelatedRowParser,
)


class LinkAction(Update):
    """What the actions on links have in common.

    Args:
        parent: The resource whose rows have the links.
        nested: The linked rows, under a row of the parent.
        name: The relation's.
    """

    def __init__(self, parent: Resource, nested: Resource, name: str) -> None:
        super().__init__(parent)
        self.single = False
        self._default_fields = ()  # A set of links is no replacement of the row.
        self.nested = nested
        self.relation = name
        child = parent.serializer.children[name]
        self._items = RelatedRowParser(child)
        self._relation = child.relation
        self._related = parent.nested.related[name]

    def parse_request(self, context: Context) -> None:
        """Parse path and body."""
        scope = context.scope
        self.resource.reject_parameters(scope)
        if context.lookup is None:
            context.key_values = self.nested.parse_parent_key(scope)
        errors, items = ValidationErrors(), self._given(context)
        lenient = self.resource.ignores_members(scope)
        reading = ParseOptions(errors, new=False, lenient=lenient)
        read = [self._read_one(name, one, reading) for name, one in items]
        errors.check()
        context.options[_LINKS] = [one for one in read if one is not None]

    def _given(self, context: Context) -> list[tuple[str, Any]]:
        """Return what the body gives of each link, with its name in errors."""
        return [(self.relation, context.given[self.relation])]

    def _read_one(self, name: str, given: Any, reading: ParseOptions) -> ConnectRelated | None:
        key = self.resource.serializer.children[self.relation].serializer.fields.key
        if not isinstance(given, dict) and len(key) == 1:
            given = {key[0].name: given}
        if not isinstance(given, dict) or any(given.get(field.name) is None for field in key):
            text = f"must name a row by {', '.join(field.name for field in key)}"
            reading.errors.add(name, INVALID, text)
            return None
        item = self._items.parse(name, given, reading)
        return item if isinstance(item, ConnectRelated) else None

    async def data(self, context: Context) -> None:
        """Do nothing: there is no stored row that a body could repeat."""

    async def write(self, context: Context) -> None:
        """Change the links of the row, and the row itself where a hook says so."""
        conditions, values, keep = self._narrowed(context)
        connection = await context.connection()
        lock = self._statements(context).lock(conditions, keep=keep)
        row = await connection.fetch_one(lock, (*values, *context.key_values))
        if row is None:
            raise NotFound
        if context.attributes:
            await super().write(context)
        await self._write_links(connection, row, context)

    async def _write_links(self, connection: Connection, row: Row, context: Context) -> None:
        raise NotImplementedError

    async def _in_session(self, connection: Connection, row: Row, links: LinkChange) -> bool:
        """Change the links through a session, where the model of either side needs one."""
        nested = self.resource.session_nested
        if not (self.needs_session() or nested.is_needed_for(self.relation)):
            return False
        await nested.link(connection, self.resource.session_writes, row, links)
        return True

    def _own(self, row: Row) -> Key:
        """Return the parent's key as the link table holds it."""
        return self.resource.serializer.values(row, [local for local, _ in self._relation.pairs])

    async def _other(self, connection: Connection, link: ConnectRelated, context: Context) -> Key:
        """Return a linked row's key as the link table holds it. Raises ``Conflict``."""
        row = await self._related.row(connection, link, context)
        return self._related.serializer.values(
            row, [far for far, _ in self._relation.association_pairs]
        )

    async def _linked_rows(self, connection: Connection, row: Row, context: Context) -> None:
        """Make the linked rows the context's instance."""
        nested, query = self.nested, self.nested.parser.parse(b"")
        parent = self.resource.serializer.values(row, [field.column for field in self.resource.key])
        page = nested.statements.page(query.statement_key.conditions, query.statement_key.order)
        values = (*parent, *query.values, NO_LIMIT, 0)
        context.rows = rows = await connection.fetch_all(page, values)
        context.instance = nested.serializer.read_rows(rows)


class ReplaceLinks(LinkAction):
    """``PUT /products/2/tags``: makes these the linked rows, and answers with them."""

    produces = JSON_ONLY

    async def receive(self, context: Context, receive: Receive) -> None:
        """Receive and decode the body."""
        body = await read_json(context.scope, receive, self.resource.body_limit)
        context.given = {self.relation: body}

    def _given(self, context: Context) -> list[tuple[str, Any]]:
        given = context.given[self.relation]
        if not isinstance(given, list) or len(given) > MAX_CHILDREN:
            errors = ValidationErrors()
            text = f"must be an array of at most {MAX_CHILDREN} keys"
            errors.add(self.relation, INVALID, text)
            errors.check()
        return [(f"{self.relation}.{place}", one) for place, one in enumerate(given)]

    async def _write_links(self, connection: Connection, row: Row, context: Context) -> None:
        own, errors = self._own(row), ValidationErrors()
        wanted: dict[Key, None] = {}
        for link in context.options[_LINKS]:
            other = await self._other(connection, link, context)
            if other in wanted:
                errors.add(link.name, INVALID, "is given twice")
            wanted[other] = None
        errors.check()
        keys = [link.key for link in context.options[_LINKS]]
        if not await self._in_session(
            connection, row, LinkChange(self.relation, keys, replaces=True)
        ):
            await self._replace(connection, own, wanted)
        await self._linked_rows(connection, row, context)

    async def _replace(self, connection: Connection, own: Key, wanted: Mapping[Key, None]) -> None:
        association_table = self._related.association_table
        stored = {tuple(other) for other in await association_table.related(connection, own)}
        for other in stored.difference(wanted):
            await association_table.delete(connection, own, other)
        for other in wanted:
            if other not in stored:
                await association_table.insert(connection, own, other)


class AddLink(LinkAction):
    """``POST /products/2/tags``: links one row, and answers with it; 200 if it was linked."""

    produces = JSON_ONLY
    status = 201

    async def receive(self, context: Context, receive: Receive) -> None:
        """Receive and decode the body."""
        body = await read_json(context.scope, receive, self.resource.body_limit)
        context.given = {self.relation: body}

    async def _write_links(self, connection: Connection, row: Row, context: Context) -> None:
        (link,) = context.options[_LINKS]
        own, association_table = self._own(row), self._related.association_table
        other = await self._other(connection, link, context)
        if await association_table.exists(connection, own, other):
            context.status = 200
        elif not await self._in_session(connection, row, LinkChange(self.relation, [link.key])):
            await association_table.insert(connection, own, other)
        found = await connection.fetch_one(self._related.statements.read(), link.key)
        if found is None:
            raise NotFound
        context.rows = (found,)
        (context.instance,) = self.nested.serializer.read_rows((found,))

    async def send(self, context: Context) -> None:
        """Answer with the linked row and its ``Location``."""
        if context.rows:
            path = (self.nested.location(context.instance) or b"").decode()
            for name, value in context.scope["path_params"].items():
                path = path.replace(f"{{{name}}}", quote(value, safe=""))
            root = quote(context.scope.get("root_path", ""))
            context.headers.append((b"location", (root + path).encode()))
        await super().send(context)


class RemoveLink(LinkAction):
    """``DELETE /products/2/tags/5``: parts two rows; ``{}``. Both rows stay."""

    produces = JSON_ONLY
    reads_body = False

    def parse_request(self, context: Context) -> None:
        """Parse the path."""
        self.resource.reject_parameters(context.scope)
        keys = self.nested.parse_key(context.scope)
        parents = len(self.resource.path_fields)
        if context.lookup is None:
            context.key_values = keys[:parents]
        context.options[_LINKS] = [ConnectRelated(self.relation, keys[parents:], {})]

    async def _write_links(self, connection: Connection, row: Row, context: Context) -> None:
        (link,) = context.options[_LINKS]
        found = await connection.fetch_one(self._related.statements.read(), link.key)
        if found is None:
            raise NotFound
        other = self._related.serializer.values(
            found, [far for far, _ in self._relation.association_pairs]
        )
        own, association_table = self._own(row), self._related.association_table
        if not await association_table.exists(connection, own, other):
            raise NotFound
        links = LinkChange(self.relation, [link.key], removes=True)
        if not await self._in_session(connection, row, links):
            await association_table.delete(connection, own, other)
        context.instance, context.rows = {}, ()


_LINKS: Final = "crud.links"
