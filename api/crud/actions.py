"""The five actions: for each, what it takes in and what its milestones do.

An action takes in path, query and body before any transaction is open, so that a slow caller
holds up nobody. Then its steps run, named after the milestones they belong to (``plan``), on the
context's connection.
"""

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Final

from msgspec import UNSET
from starlette.types import Receive

from api.crud import bodies
from api.crud.context import Context
from api.crud.records import Record, encode
from api.errors import NotFound
from api.http.body import read_json_object
from db.statement import Row

if TYPE_CHECKING:
    from api.crud.resource import Resource

_JSON: Final = (b"content-type", b"application/json")


class Action(ABC):
    """One action of one resource.

    Attributes:
        name: Finale's.
        writes: Whether it needs a transaction that may change something.
    """

    name: ClassVar[str]
    writes: ClassVar[bool] = False

    def __init__(self, resource: "Resource") -> None:
        self.resource = resource

    @abstractmethod
    async def take_in(self, context: Context, receive: Receive) -> None:
        """Read what the request brings, and refuse what is malformed."""

    async def send(self, context: Context) -> None:
        """Make the response from the instance."""
        context.headers.append(_JSON)
        context.body = encode(context.instance)

    def _record(self, row: Row | None) -> Record:
        """Give the row as a record. Raises ``NotFound`` where there is none."""
        if row is None:
            raise NotFound
        return self.resource.read_rows((row,))[0]


class Create(Action):
    """``POST /parts``: 201, the row, and where it is."""

    name = "create"
    writes = True

    async def take_in(self, context: Context, receive: Receive) -> None:
        """Read the body."""
        resource = self.resource
        resource.refuse_parameters(context.scope)
        body = await read_json_object(context.scope, receive, resource.body_limit)
        context.attributes = bodies.read_new(body, resource.creatable)
        context.status = 201

    async def write(self, context: Context) -> None:
        """Insert the row, and take it back as the database has it."""
        attributes = context.attributes
        for field in self.resource.with_initial:
            if field not in attributes and (value := field.initial()) is not UNSET:
                attributes[field] = value
        written, values = self.resource.ordered(attributes)
        statement = self.resource.statements.insert(written)
        context.instance = self._record(await context.connection.fetch_one(statement, values))

    async def send(self, context: Context) -> None:
        """Answer with the row and its ``Location``."""
        await super().send(context)
        context.headers.append((b"location", self.resource.location(context.instance)))


class List(Action):
    """``GET /parts``: an array, and ``Content-Range``."""

    name = "list"

    async def take_in(self, context: Context, receive: Receive) -> None:  # noqa: ARG002 - no body
        """Read the query."""
        context.query = self.resource.read_query(context.scope)

    async def fetch(self, context: Context) -> None:
        """Fetch one page, and count the whole where the page does not tell."""
        query = context.query
        assert query is not None  # noqa: S101 - take_in left it
        statements, connection = self.resource.statements, context.connection
        values = (*query.values, query.count, query.offset)
        rows = await connection.fetch_all(statements.page(query.shape), values)
        context.instance = self.resource.read_rows(rows)
        context.offset = query.offset
        if not self.resource.options.pagination:
            return
        if len(rows) < query.count and (rows or not query.offset):
            context.total = query.offset + len(rows)  # The last page ends where the list does.
        else:
            count = statements.count(query.shape)
            context.total = await connection.fetch_count(count, query.values)

    async def send(self, context: Context) -> None:
        """Answer with the rows, and ``Content-Range: items a-b/total`` in Finale's form."""
        await super().send(context)
        if context.total is not None and isinstance(context.instance, list):
            first = context.offset
            last = max(first + len(context.instance) - 1, 0)
            value = f"items {first}-{last}/{context.total}".encode()
            context.headers.append((b"content-range", value))


class Read(Action):
    """``GET /parts/{id}``: the row."""

    name = "read"

    async def take_in(self, context: Context, receive: Receive) -> None:  # noqa: ARG002 - no body
        """Read the path."""
        self.resource.refuse_parameters(context.scope)
        context.key = self.resource.key_of(context.scope)

    async def fetch(self, context: Context) -> None:
        """Fetch the row."""
        statement = self.resource.statements.read
        context.instance = self._record(await context.connection.fetch_one(statement, context.key))


class Update(Action):
    """``PUT`` or ``PATCH /parts/{id}``: changes what the body names, and gives the whole row."""

    name = "update"
    writes = True

    async def take_in(self, context: Context, receive: Receive) -> None:
        """Read path and body."""
        resource = self.resource
        resource.refuse_parameters(context.scope)
        context.key = resource.key_of(context.scope)
        body = await read_json_object(context.scope, receive, resource.body_limit)
        context.attributes = bodies.read_change(body, resource.updatable)

    async def write(self, context: Context) -> None:
        """Update the row and take it back; a body that names nothing changes nothing."""
        attributes, statements = context.attributes, self.resource.statements
        if not attributes:
            statement, values = statements.read, context.key
        else:
            for field in self.resource.with_refresh:
                attributes[field] = field.refreshed()
            written, new = self.resource.ordered(attributes)
            statement, values = statements.update(written), new + context.key
        context.instance = self._record(await context.connection.fetch_one(statement, values))


class Delete(Action):
    """``DELETE /parts/{id}``: ``{}``."""

    name = "delete"
    writes = True

    async def take_in(self, context: Context, receive: Receive) -> None:  # noqa: ARG002 - no body
        """Read the path."""
        self.resource.refuse_parameters(context.scope)
        context.key = self.resource.key_of(context.scope)

    async def write(self, context: Context) -> None:
        """Delete the row, keeping what it was."""
        statement = self.resource.statements.delete
        row = await context.connection.fetch_one(statement, context.key)
        context.deleted_instance = self._record(row)
        context.instance = {}


ACTIONS: Final[dict[str, Any]] = {kind.name: kind for kind in (Create, List, Read, Update, Delete)}
