"""Actions on the links of a many-to-many relationship: ``PUT``, ``POST`` and ``DELETE``.

Each is an update of the parent: it demands update's scopes and runs update's hooks, which find the
body in ``context.request_body`` under the relation's name. What a hook sets in
``context.attributes`` is written to the parent's row. The linked rows are read by the GET of the
nested resource.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from starlette.types import Receive

from encore.database.protocol import Connection
from encore.database.statement import Row
from encore.errors import NotFound
from encore.execution.actions.action import JSON_ONLY
from encore.execution.actions.update import Update
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


@dataclass(slots=True)
class LinkContext(Context):
    """The context of an action on links.

    Attributes:
        links: The rows that are linked or unlinked.
    """

    links: Sequence[ConnectRelated] = ()


class LinkAction(Update[LinkContext]):
    """What the actions on links have in common.

    Args:
        parent: The resource whose rows have the links.
        nested: The linked rows, under a row of the parent.
        name: The relation's.
    """

    context_type = LinkContext
    is_tagged = False
    judges_preconditions = False

    def __init__(self, parent: Resource, nested: Resource, name: str) -> None:
        super().__init__(parent)
        self.single = False
        self.checks_if_match = False  # Its hooks are not those of the resource's update.
        self._default_fields = ()  # A set of links does not replace the row.
        self.nested = nested
        self.relation = name
        child = parent.serializer.children[name]
        self._row_parser = RelatedRowParser(child)
        self._relation = child.relation
        self._related = parent.nested.related[name]

    def parse_request(self, context: LinkContext) -> None:
        """Parse path and body."""
        scope = context.scope
        self.resource.reject_parameters(scope, self.parameters)
        self.parse_write_parameters(context)
        if context.key_lookup is None:
            context.key_values = self.nested.parse_parent_key(scope)
        errors = ValidationErrors()
        lenient = self.resource.ignores_members(scope)
        options = ParseOptions(errors, new=False, lenient=lenient)
        links = [
            self._parse_link(name, value, options) for name, value in self._named_links(context)
        ]
        errors.check()
        context.links = [link for link in links if link is not None]

    def _named_links(self, context: LinkContext) -> list[tuple[str, Any]]:
        """Return the links in the body, with their names in errors."""
        return [(self.relation, context.request_body[self.relation])]

    def _parse_link(self, name: str, value: Any, options: ParseOptions) -> ConnectRelated | None:
        key = self._related.serializer.fields.key
        if not isinstance(value, dict) and len(key) == 1:
            value = {key[0].name: value}
        if not isinstance(value, dict) or any(value.get(field.name) is None for field in key):
            message = f"must name a row by {', '.join(field.name for field in key)}"
            options.errors.add(name, INVALID, message)
            return None
        item = self._row_parser.parse(name, value, options)
        return item if isinstance(item, ConnectRelated) else None

    async def data(self, context: LinkContext) -> None:
        """Do nothing: the body contains no members that must be unchanged."""

    async def write(self, context: LinkContext) -> None:
        """Change the links of the row, and the row itself if a hook has set attributes."""
        conditions, values, reusable = self.row_conditions(context)
        connection = await context.connection()
        lock = self._statements(context).lock(conditions, keep=reusable)
        row = await connection.fetch_one(lock, (*values, *context.key_values))
        if row is None:
            raise NotFound
        if context.attributes:
            await super().write(context)
        await self._write_links(connection, row, context)

    async def _write_links(self, connection: Connection, row: Row, context: LinkContext) -> None:
        raise NotImplementedError

    async def _write_in_session(self, connection: Connection, row: Row, change: LinkChange) -> bool:
        """Change the links through a session, if the model of either side needs one."""
        nested = self.resource.session_nested
        if not (self.needs_session() or nested.is_needed_for(self.relation)):
            return False
        await nested.link(connection, self.resource.session_writes, row, change)
        return True

    def _parent_key(self, row: Row) -> Key:
        """Return the parent's key as the link table stores it."""
        return self.resource.serializer.values(row, [local for local, _ in self._relation.pairs])

    def _linked_key(self, row: Row) -> Key:
        """Return a linked row's key as the link table stores it."""
        remotes = [remote for remote, _ in self._relation.association_pairs]
        return self._related.serializer.values(row, remotes)

    async def _find_linked_key(
        self, connection: Connection, link: ConnectRelated, context: LinkContext
    ) -> Key:
        """Return the key of a row to be linked. Raises ``Conflict`` if there is no such row."""
        return self._linked_key(await self._related.row(connection, link, context))

    async def _read_linked_rows(
        self, connection: Connection, row: Row, context: LinkContext
    ) -> None:
        """Set the linked rows as the instance."""
        nested, query = self.nested, self.nested.parser.parse(b"")
        parent = self.resource.serializer.values(row, [field.column for field in self.resource.key])
        page = nested.statements.page(query.statement_key.conditions, query.statement_key.order)
        values = (*parent, *query.values, NO_LIMIT, 0)
        context.rows = rows = await connection.fetch_all(page, values)
        context.instance = nested.serializer.read_rows(rows)


class ReplaceLinks(LinkAction):
    """``PUT /products/2/tags``: replaces the linked rows, and returns them."""

    produces = JSON_ONLY

    async def receive(self, context: LinkContext, receive: Receive) -> None:
        """Receive and decode the body."""
        body = await read_json(context.scope, receive, self.resource.body_limit)
        context.request_body = {self.relation: body}

    def _named_links(self, context: LinkContext) -> list[tuple[str, Any]]:
        links = context.request_body[self.relation]
        if not isinstance(links, list) or len(links) > MAX_CHILDREN:
            errors = ValidationErrors()
            message = f"must be an array of at most {MAX_CHILDREN} keys"
            errors.add(self.relation, INVALID, message)
            errors.check()
        return [(f"{self.relation}.{index}", link) for index, link in enumerate(links)]

    async def _write_links(self, connection: Connection, row: Row, context: LinkContext) -> None:
        errors = ValidationErrors()
        linked: dict[Key, None] = {}
        for link in context.links:
            key = await self._find_linked_key(connection, link, context)
            if key in linked:
                errors.add(link.name, INVALID, "is given twice")
            linked[key] = None
        errors.check()
        change = LinkChange(self.relation, [link.key for link in context.links], replaces=True)
        if not await self._write_in_session(connection, row, change):
            await self._replace(connection, self._parent_key(row), linked)
        await self._read_linked_rows(connection, row, context)

    async def _replace(self, connection: Connection, own: Key, linked: Mapping[Key, None]) -> None:
        association_table = self._related.association_table
        stored = {tuple(key) for key in await association_table.related(connection, own)}
        for key in stored.difference(linked):
            await association_table.delete(connection, own, key)
        for key in linked:
            if key not in stored:
                await association_table.insert(connection, own, key)


class AddLink(LinkAction):
    """``POST /products/2/tags``: links one row, and returns it; 200 if it was linked already."""

    produces = JSON_ONLY
    status = 201

    async def receive(self, context: LinkContext, receive: Receive) -> None:
        """Receive and decode the body."""
        body = await read_json(context.scope, receive, self.resource.body_limit)
        context.request_body = {self.relation: body}

    async def _write_links(self, connection: Connection, row: Row, context: LinkContext) -> None:
        (link,) = context.links
        own, association_table = self._parent_key(row), self._related.association_table
        key = await self._find_linked_key(connection, link, context)
        change = LinkChange(self.relation, [link.key])
        if await association_table.exists(connection, own, key):
            context.status = 200
        elif not await self._write_in_session(connection, row, change):
            await association_table.insert(connection, own, key)
        linked = await connection.fetch_one(self._related.statements.read(), link.key)
        if linked is None:
            raise NotFound
        context.rows = (linked,)
        (context.instance,) = self.nested.serializer.read_rows((linked,))

    async def send(self, context: LinkContext) -> None:
        """Send the linked row and its ``Location``."""
        if context.rows:
            path = (self.nested.location(context.instance) or b"").decode()
            for name, value in context.scope["path_params"].items():
                path = path.replace(f"{{{name}}}", quote(value, safe=""))
            root = quote(context.scope.get("root_path", ""))
            context.headers.append((b"location", (root + path).encode()))
        await super().send(context)


class RemoveLink(LinkAction):
    """``DELETE /products/2/tags/5``: unlinks two rows and returns ``{}``; both rows stay."""

    produces = JSON_ONLY
    reads_body = False

    def parse_request(self, context: LinkContext) -> None:
        """Parse the path."""
        self.resource.reject_parameters(context.scope, self.parameters)
        self.parse_write_parameters(context)
        keys = self.nested.parse_key(context.scope)
        parents = len(self.resource.path_fields)
        if context.key_lookup is None:
            context.key_values = keys[:parents]
        context.links = [ConnectRelated(self.relation, keys[parents:], {})]

    async def _write_links(self, connection: Connection, row: Row, context: LinkContext) -> None:
        (link,) = context.links
        linked = await connection.fetch_one(self._related.statements.read(), link.key)
        if linked is None:
            raise NotFound
        key, own = self._linked_key(linked), self._parent_key(row)
        association_table = self._related.association_table
        if not await association_table.exists(connection, own, key):
            raise NotFound
        change = LinkChange(self.relation, [link.key], removes=True)
        if not await self._write_in_session(connection, row, change):
            await association_table.delete(connection, own, key)
        context.instance, context.rows = {}, ()
