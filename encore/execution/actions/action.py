"""What every action has in common: how it receives, embeds, narrows and sends.

An action receives its body first, before any transaction is open, so that a slow caller holds up
no other. Hooks of ``start`` and ``auth`` come next; then path, query and body are parsed, still
before any transaction: a caller whom a hook refuses learns no field names. The other steps are
named after the milestones they belong to (``plan``).
"""

from collections.abc import Collection, Sequence
from typing import Any, ClassVar, Final

from starlette.types import Receive

from encore.database.protocol import Connection
from encore.database.statement import Row
from encore.errors import NotFound
from encore.execution.context import Context
from encore.execution.nested.additions import check_additions
from encore.execution.resource import Resource
from encore.http.form_body import read_json_or_form
from encore.http.request_body import read_json_object
from encore.query import Condition
from encore.serializers.records import encode_counting, hide, with_added
from encore.serializers.stored_text import HEADER
from encore.validation.nested import NestedBody

_JSON: Final = (b"content-type", b"application/json")
JSON_ONLY: Final = ("application/json",)


class Action:
    """One action of one resource.

    Attributes:
        name: Finale's.
        status: What it answers with, where a hook sets no other.
        reads_body: Whether its request has a JSON object (or a form, where the resource is
            compatible with an API that reads forms) as its body.
        writes: Whether it needs a transaction that may change something.
        single: Whether it runs one statement at most.
        hooked: Whether there are hooks; what they may still set is then not asked of the body.
        produces: The media types that it answers with, to be held against ``Accept``; empty where
            it negotiates by itself.
        reworked: Whether hooks see the instance before it is sent, and may change it.
        by_key: Whether it finds one row by its key.
        only_for_hooks: Milestones whose work is of use to hooks alone: without any it is left
            out, since a later statement does the same on its way.
    """

    name: ClassVar[str]
    status: ClassVar[int] = 200
    reads_body: ClassVar[bool] = False
    writes: ClassVar[bool] = False
    produces: ClassVar[tuple[str, ...]] = ()
    by_key: ClassVar[bool] = False
    only_for_hooks: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, resource: Resource) -> None:
        self.resource = resource
        # What a view's triggers or rules did is undone where they return no whole row.
        plain = resource.statements.returns_rows and not resource.is_view
        self.single = not resource.serializer.children and (plain or not self.writes)
        self.hooked = False
        self._embeds = bool(resource.serializer.children)
        self.reworked = False
        reads_forms = resource.compatibility.reads_forms
        self._read_body = read_json_or_form if reads_forms else read_json_object

    async def receive(self, context: Context, receive: Receive) -> None:
        """Receive and decode the body; what its members say is not validated yet.

        Raises:
            ApiError: The body is too large, of another media type, or not a JSON object.
        """
        if self.reads_body:
            context.given = await self._read_body(context.scope, receive, self.resource.body_limit)

    def parse_request(self, context: Context) -> None:
        """Validate path, query and body; by default, refuse every query parameter.

        Hooks of ``start`` and ``auth`` have run: what they set on the context overrides what the
        request says, and what they changed in ``context.given`` is what is validated.
        """
        self.resource.reject_parameters(context.scope)

    async def settle(self, context: Context) -> None:
        """Decide about what ``parse_request`` could not tell without the row."""

    def needs_session(self, nested: Sequence[NestedBody] = ()) -> bool:
        """Tell whether what this action writes goes through an ORM session."""
        resource, behaviour = self.resource, self.resource.session_writes.behaviour
        if not self.writes:
            behaviour.check()
            return False
        reasons = behaviour.reasons(self.name)
        return bool(reasons) or (bool(nested) and resource.session_nested.needed(nested))

    async def send(self, context: Context) -> None:
        """Make the response from the instance, leaving out what was not asked for."""
        self._conceal(context)
        context.headers.append(_JSON)
        instance = with_added(context.instance) if self.reworked else context.instance
        context.body, invalid = encode_counting(instance)
        if invalid:
            context.headers.append((HEADER, str(invalid).encode()))

    def _conceal(self, context: Context) -> None:
        shown = None if context.query is None else context.query.shown
        if shown is None:
            return
        instance = context.instance
        records = instance if isinstance(instance, list) else [instance]
        counts = {c.count_name for n, c in self.resource.serializer.children.items() if n in shown}
        left_out = self.resource.serializer.record.__struct_fields__
        hide(records, [name for name in left_out if name not in shown and name not in counts])

    async def _whole(self, connection: Connection, written: Row | None) -> Row | None:
        """Return the row that was written, as it is stored now."""
        statements = self.resource.statements
        if written is None or statements.returns_rows:
            return written
        return await connection.fetch_one(statements.stored(), tuple(written))

    async def _write_after(self, connection: Connection, context: Context, row: Row) -> Row | None:
        """Write the rows that refer to this one; return it as it is stored then.

        What SQL computes of it, and columns that triggers keep, may depend on them.
        """
        if all(one.relation.foreign_key for one in context.nested):
            return row
        await self.resource.nested.write_after(connection, context, row)
        key = self.resource.fields.key_of(row)
        return await connection.fetch_one(self.resource.statements.stored(), key)

    async def _take_row(self, context: Context, row: Row | None) -> None:
        """Make the row the context's instance, related rows and all. Raises ``NotFound``."""
        if row is None:
            raise NotFound
        context.rows = (row,)
        (context.instance,) = self.resource.serializer.read_rows(context.rows)
        if self._embeds and (self.resource.options.reload_instances or not self.writes):
            await self._embed(context, [context.instance])

    async def _embed(self, context: Context, records: Sequence[Any]) -> None:
        if self._embeds:
            connection = await context.connection()
            wanted = self._embedded(context)
            await self.resource.relation_loader.embed(connection, context.rows, records, wanted)

    @staticmethod
    def _embedded(context: Context) -> Collection[str] | None:
        """Return the relations to embed; None for all."""
        query = context.query
        wanted = context.include
        children = None if query is None else query.children
        if context.shallow:
            wanted = children or ()
        elif children is not None:
            wanted = [name for name in children if wanted is None or name in wanted]
        if query is not None and query.shown is not None:
            wanted = [name for name in query.shown if wanted is None or name in wanted]
        return wanted

    def _check_additions(self, context: Context) -> None:
        """Raise ``HookError`` if ``add_to_children`` names what no nested row has."""
        if given := context.add_to_children:
            check_additions(given, self.resource.serializer, self.resource.name)

    def _narrowed(self, context: Context) -> tuple[tuple[Condition, ...], tuple[Any, ...], bool]:
        """Return the conditions that rows must meet beside the key, and their values.

        Returns:
            Conditions, values, and whether a statement of this shape is worth keeping.
        """
        query = context.query
        criteria = context.narrowing
        if query is None and not criteria:
            return (), (), True
        conditions = () if query is None else query.statement_key.conditions
        values = () if query is None else query.values
        if not criteria:
            return conditions, values, True
        conditions = (*conditions, *criteria.conditions)
        return conditions, (*values, *criteria.values), criteria.reusable
