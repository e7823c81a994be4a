"""What every action has in common: how it receives, narrows, embeds and sends.

An action receives its body first, before any transaction is open, so that a slow client does not
hold up others. Hooks of ``start`` and ``auth`` come next. Then path, query and body are parsed,
still before any transaction: a caller whom a hook rejects learns no field names. The other methods
are named after the stages at which they run (``pipeline``).

An action that passes values from one stage to the next declares a context of its own::

    @dataclass(slots=True)
    class DecisionContext(Context):
        decision: Decision | None = None


    class Decide(Action[DecisionContext]):
        context_type = DecisionContext
"""

from collections.abc import Collection, Sequence
from typing import Any, ClassVar, Final, Generic, NamedTuple

from starlette.types import Receive
from typing_extensions import TypeVar

from encore.database.protocol import Connection
from encore.database.statement import Row
from encore.errors import NotFound
from encore.execution.context import Context
from encore.execution.nested.additions import check_additions
from encore.execution.preconditions import RowPreconditions
from encore.execution.resource import Resource
from encore.execution.response_tags import ResponseTags
from encore.http.form_body import read_json_or_form
from encore.http.prefer_header import RETURN
from encore.http.request_body import read_json_object
from encore.options import CONDITIONAL_ACTIONS
from encore.query import Condition
from encore.query.write_parameters import (
    NO_WRITE_PARAMETERS,
    WriteParameters,
    parse_write_parameters,
)
from encore.serializers.records import encode_counting, hide, with_added_members
from encore.serializers.stored_text import HEADER
from encore.sql.statements import Statements
from encore.validation.nested import NestedBody

C = TypeVar("C", bound=Context, default=Context)

JSON_ONLY: Final = ("application/json",)
_JSON: Final = (b"content-type", b"application/json")


class RowConditions(NamedTuple):
    """The conditions that rows must meet besides the key.

    Attributes:
        conditions: The conditions of the query and of hooks.
        values: Their values.
        reusable: Whether a statement with these conditions is worth caching.
    """

    conditions: tuple[Condition, ...]
    values: tuple[Any, ...]
    reusable: bool


_NO_CONDITIONS: Final = RowConditions((), (), reusable=True)


class Action(Generic[C]):
    """One action of one resource.

    Attributes:
        name: The name, for hooks, logs and OpenAPI.
        context_type: The class of its context.
        status: The status of its response, unless a hook sets another.
        reads_body: Whether its request has a JSON object (or a form, where the resource is
            compatible with an API that reads forms) as its body.
        conditional: Whether a custom action rejects a request that names no version of its row
            (428).
        writes: Whether it needs a transaction that may change something.
        single: Whether it runs one statement at most.
        has_hooks: Whether hooks are registered; what they may still set is not demanded of the
            body then.
        produces: The media types of its response, which ``Accept`` is compared with; empty if it
            negotiates by itself.
        exposes_instance: Whether hooks see the instance before it is sent, and may change it.
        finds_by_key: Whether it finds one row by its key.
        is_tagged: Whether its responses have the entity tags of its rows.
        judges_preconditions: Whether the preconditions of a request are compared with its row.
        checks_if_match: Whether its hooks, or the action itself, compare ``If-Match``; where
            neither this nor ``judges_preconditions`` holds, preconditions are rejected.
        own_preconditions: The members of ``Preconditions`` that the action itself judges.
        tags: The entity tags of its rows; None if neither of the two holds.
        row_preconditions: Judges preconditions; None unless ``judges_preconditions``.
        is_shaped: Whether hooks may change its responses, so that tags are added after them.
        preferences: The preferences (``Prefer``) that it supports, besides ``handling``.
        parameters: The query parameters of writes that it has (``query.write_parameters``).
        only_for_hooks: The stages whose step is of use to hooks alone: without hooks it is left
            out, since a later statement does the same.
    """

    name: ClassVar[str]
    context_type: type[Context] = Context
    status: ClassVar[int] = 200
    reads_body: ClassVar[bool] = False
    conditional: ClassVar[bool] = False
    writes: ClassVar[bool] = False
    produces: ClassVar[tuple[str, ...]] = ()
    finds_by_key: ClassVar[bool] = False
    parameters: tuple[str, ...] = ()
    is_tagged: ClassVar[bool] = False
    judges_preconditions: ClassVar[bool] = False
    checks_if_match: bool = False
    own_preconditions: ClassVar[frozenset[str]] = frozenset()
    only_for_hooks: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, resource: Resource) -> None:
        self.resource = resource
        # What a view's triggers or rules did is rolled back if they return no whole row.
        returns_rows = resource.statements.returns_rows and not resource.is_view
        self.single = not resource.serializer.children and (returns_rows or not self.writes)
        self.preferences: tuple[str, ...] = (RETURN,) if self.writes else ()
        self.has_hooks = False
        self.exposes_instance = False
        self.is_shaped = False
        if getattr(self, "name", None) in resource.options.checks_if_match:
            self.checks_if_match = True
        self.tags: ResponseTags | None = None
        self.row_preconditions: RowPreconditions | None = None
        if self.is_tagged or self.judges_preconditions:
            self.tags = ResponseTags(resource, self.name)
            if self.judges_preconditions and not (self.checks_if_match or resource.is_view):
                is_generated = self.name in CONDITIONAL_ACTIONS
                required = resource.options.require_match if is_generated else self.conditional
                self.row_preconditions = RowPreconditions(self.tags, required=required)
        self._embeds = bool(resource.serializer.children)
        reads_forms = resource.compatibility.reads_forms
        self._read_body = read_json_or_form if reads_forms else read_json_object

    def may_require_match(self) -> bool:
        """Return whether a request without ``If-Match`` may be rejected (428)."""
        judges = self.row_preconditions
        return self.checks_if_match or (judges is not None and judges.required)

    async def receive(self, context: C, receive: Receive) -> None:
        """Receive and decode the body; its members are not validated yet.

        Raises:
            ApiError: The body is too large, of another media type, or not a JSON object.
        """
        if self.reads_body:
            context.request_body = await self._read_body(
                context.scope, receive, self.resource.body_limit
            )

    def parse_request(self, context: C) -> None:
        """Validate path, query and body.

        Hooks of ``start`` and ``auth`` have run: what they set on the context overrides the
        request, and what they changed in ``context.request_body`` is validated.
        """
        self.parse_target(context)
        self.parse_body(context)

    def parse_target(self, context: C) -> None:
        """Validate path and query; by default, reject every other query parameter."""
        self.resource.reject_parameters(context.scope, self.parameters)
        self.parse_write_parameters(context)

    def parse_write_parameters(self, context: C) -> WriteParameters:
        """Parse the query parameters of a write; those that the action does not have are skipped.

        Raises:
            InvalidQuery: A parameter is given twice, or its value is invalid.
        """
        query_string = context.scope["query_string"]
        if not query_string or not self.parameters:
            return NO_WRITE_PARAMETERS
        return parse_write_parameters(query_string, self.parameters)

    def parse_body(self, context: C) -> None:
        """Validate the body, after the preconditions of the request were judged."""

    async def judge(self, context: C) -> None:
        """Lock the row and compare it with the preconditions, unless that is done already.

        Raises:
            NotFound: There is no such row.
            PreconditionFailed: A precondition is not met.
            PreconditionRequired: There is none, but one is required.
        """
        raise NotImplementedError(f"{self.name} is on no row to be judged")

    async def resolve_undecided(self, context: C) -> None:
        """Validate what ``parse_request`` could not without the stored row."""

    def needs_session(self, nested: Sequence[NestedBody] = ()) -> bool:
        """Return whether this action writes through an ORM session."""
        resource, behaviour = self.resource, self.resource.session_writes.behaviour
        if not self.writes:
            behaviour.check()
            return False
        reasons = behaviour.reasons(self.name)
        return bool(reasons) or (bool(nested) and resource.session_nested.needed(nested))

    async def send(self, context: C) -> None:
        """Build the response from the instance, without the members that were not requested."""
        tags = None if self.is_shaped or not self.is_tagged else self.tags
        if tags is not None and tags.begin(context):
            return
        if context.instance is context.rows:  # A list that the caller might have known.
            context.instance = self.resource.serializer.read_rows(context.rows)
        self._hide_unrequested(context)
        context.headers.append(_JSON)
        instance = context.instance
        if self.exposes_instance:
            instance = with_added_members(instance)
        context.body, invalid = encode_counting(instance)
        context.representation = context.body
        if invalid:
            context.headers.append((HEADER, str(invalid).encode()))
        if tags is not None and not tags.is_static:
            tags.finish(context)

    def row_conditions(self, context: C) -> RowConditions:
        """Return the conditions of the query and of hooks that rows must meet besides the key."""
        query, criteria = context.query, context.added_criteria
        if query is None and not criteria:
            return _NO_CONDITIONS
        conditions = () if query is None else query.statement_key.conditions
        values = () if query is None else query.values
        if not criteria:
            return RowConditions(conditions, values, reusable=True)
        return RowConditions(
            (*conditions, *criteria.conditions), (*values, *criteria.values), criteria.reusable
        )

    @staticmethod
    def _showing(context: Context, statements: Statements) -> Statements:
        """Return the statements for the rows that the query asks for: deleted ones, or not."""
        query = context.query
        if query is None or query.deleted is None:
            return statements
        return statements.showing(query.deleted)

    def _hide_unrequested(self, context: C) -> None:
        """Hide the members that the query parameter ``fields`` does not name."""
        shown = None if context.query is None else context.query.shown
        if shown is None:
            return
        instance = context.instance
        records = instance if isinstance(instance, list) else [instance]
        serializer = self.resource.serializer
        counts = {c.count_name for name, c in serializer.children.items() if name in shown}
        members = serializer.record.__struct_fields__
        hide(records, [name for name in members if name not in shown and name not in counts])

    async def _read_back(self, connection: Connection, written: Row | None) -> Row | None:
        """Return the row that was written, as it is stored now."""
        statements = self.resource.statements
        if written is None or statements.returns_rows:
            return written
        return await connection.fetch_one(statements.stored(), tuple(written))

    async def _write_nested_after(self, connection: Connection, context: C, row: Row) -> Row | None:
        """Write the rows that refer to this one; return it as it is stored then.

        Computed fields, and columns that triggers maintain, may depend on them.
        """
        if all(body.relation.foreign_key for body in context.nested):
            return row
        await self.resource.nested.write_after(connection, context, row)
        key = self.resource.fields.key_of(row)
        return await connection.fetch_one(self.resource.statements.stored(), key)

    async def _set_instance(self, context: C, row: Row | None) -> None:
        """Set the row, with its related rows, as the instance. Raises ``NotFound``."""
        if row is None:
            raise NotFound
        context.rows = (row,)
        (context.instance,) = self.resource.serializer.read_rows(context.rows)
        if self._embeds and (self.resource.options.reload_instances or not self.writes):
            await self._embed(context, [context.instance])

    async def _embed(self, context: C, records: Sequence[Any]) -> None:
        """Embed the related rows in the records of ``context.rows``."""
        if self._embeds:
            connection = await context.rows_connection(embedded=True)
            relations = self._embedded_relations(context)
            await self.resource.relation_loader.embed(connection, context.rows, records, relations)

    @staticmethod
    def _embedded_relations(context: Context) -> Collection[str] | None:
        """Return the relations to embed; None for all."""
        query = context.query
        relations = context.include
        children = None if query is None else query.children
        if context.shallow:
            relations = children or ()
        elif children is not None:
            relations = [name for name in children if relations is None or name in relations]
        if query is not None and query.shown is not None:
            relations = [name for name in query.shown if relations is None or name in relations]
        return relations

    def _check_additions(self, context: C) -> None:
        """Raise ``HookError`` if ``add_to_children`` names a field that no nested row has."""
        if additions := context.add_to_children:
            check_additions(additions, self.resource.serializer, self.resource.name)
