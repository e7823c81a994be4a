"""The actions on many rows of a collection: ``POST``, ``PATCH`` and ``DELETE``.

Each has the name of the action on one row, so that its errors are worded alike. Its own stages have
no hooks: those of the resource run for each row.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, ClassVar, Final
from urllib.parse import urlencode

from msgspec import UNSET
from sqlalchemy import Date, DateTime, Time
from sqlalchemy.sql.schema import CallableColumnDefault
from starlette.types import Receive

from encore.bulk.arrays import ArrayRows
from encore.bulk.context import BulkContext
from encore.bulk.filtered import FilteredRows
from encore.bulk.request import (
    FILTER_PARAMETERS,
    MODE,
    REPORT,
    check_array,
    parse_array_parameters,
    parse_max_affected,
)
from encore.bulk.responses import affected_body, encode_rows
from encore.bulk.visible_rows import VisibleRows
from encore.database.errors import ForeignKeyViolation
from encore.database.protocol import Connection, Database
from encore.database.statement import Row
from encore.errors import (
    BadRequest,
    Conflict,
    MalformedBody,
    ServiceUnavailable,
    ValidationFailed,
)
from encore.execution.actions import session_rows
from encore.execution.actions.action import JSON_ONLY, Action
from encore.execution.resource import Resource
from encore.execution.response_tags import LIST, READ
from encore.execution.soft_delete import deletion_timestamp
from encore.http.prefer_header import REPRESENTATION, preferred_return
from encore.http.request_body import read_body, read_json
from encore.http.request_state import RequestState
from encore.http.require_principal import require_further_access
from encore.models.fields import Field
from encore.query.write_parameters import DRY_RUN, MERGE, ON, ON_CONFLICT, WriteParameters
from encore.types import UtcDateTime
from encore.uploads.parameters import PARTIAL, REJECTED_ONLY
from encore.uploads.responses import NOTHING_WRITTEN
from encore.validation import body as validation
from encore.validation.body import ValidationErrors
from encore.validation.nested import NestedBody, ParseOptions

SECONDS: Final = 10.0
"""How long the writing of one request may take, in seconds."""

_JSON: Final = (b"content-type", b"application/json")
_ONE_VALUE_FOR_ALL: Final = (DateTime, Date, Time, UtcDateTime)
"""Types of columns whose ``onupdate`` may have one value in all rows of a statement."""


class BulkAction(Action[BulkContext]):
    """What the actions on many rows have in common."""

    context_type = BulkContext
    produces = JSON_ONLY
    writes = True
    parameters: tuple[str, ...] = (DRY_RUN,)

    def __init__(self, resource: Resource, database: Database) -> None:  # noqa: ARG002 - for subclasses
        super().__init__(resource)
        self.single = False
        self.checks_if_match = False

    async def write(self, context: BulkContext) -> None:
        """Write the rows, within the time limit.

        Raises:
            ServiceUnavailable: It takes too long; nothing is written.
        """
        try:
            async with asyncio.timeout(SECONDS) as limit:
                await self._write(context)
        except TimeoutError as error:
            if not limit.expired():
                raise
            message = f"The rows took more than {SECONDS:g} seconds: {NOTHING_WRITTEN}"
            raise ServiceUnavailable(f"{message}; send fewer", reason="bulk-timeout") from error

    async def _write(self, context: BulkContext) -> None:
        raise NotImplementedError

    async def send(self, context: BulkContext) -> None:
        """Send what the rows' writing has set as the body."""
        context.headers.append(_JSON)


class ArrayAction(BulkAction):
    """What the actions on the rows of an array have in common.

    Attributes:
        array_parameters: The query parameters that they have besides ``dry_run``.
    """

    array_parameters: ClassVar[tuple[str, ...]] = ()

    def __init__(self, resource: Resource, database: Database) -> None:
        super().__init__(resource, database)
        self._arrays = ArrayRows(resource, self.name, database)

    def _parse_array(self, context: BulkContext) -> None:
        query = context.scope["query_string"]
        found = parse_array_parameters(query, self.array_parameters, self.parameters)
        parameters = self.parse_write_parameters(context)
        if parameters.on_conflict is not None:
            context.upsert = self._parse_upsert(context, parameters)
        context.preferred = preferred_return(context.scope)
        context.is_partial = found.get(MODE) == PARTIAL
        context.rejected_only = found.get(REPORT) == REJECTED_ONLY

    def _parse_upsert(self, context: BulkContext, parameters: WriteParameters) -> bytes:
        """Return the query string of the upsert of one row.

        Raises:
            InvalidQuery: There is no such unique key.
            Forbidden: The caller may not do what is done with stored rows.
        """
        resource = self.resource
        access = resource.access("update" if parameters.on_conflict == MERGE else "read")
        require_further_access(access, RequestState.from_scope(context.scope))
        query = {ON_CONFLICT: parameters.on_conflict}
        if parameters.on is not None:
            query[ON] = ",".join(parameters.on)
        if resource.upsert_targets is not None:
            resource.upsert_targets.check(parameters.on)
        return urlencode(query).encode()

    async def _write_array(self, context: BulkContext) -> None:
        report = await self._arrays.write(context)
        if context.preferred != REPRESENTATION:
            context.body = context.representation = report.encode()
        elif context.is_partial or not all(report.representations):
            # Rows that were rejected, or whose action a hook has ended, could not be told.
            context.body = report.encode()
        else:
            context.body = context.representation = b"[%s]" % b",".join(report.representations)


class CreateMany(ArrayAction):
    """Create a row of each object of an array; the response is a report.

    One invalid row rejects all, unless `mode=partial`.
    """

    name: ClassVar[str] = "create"
    array_parameters = (MODE, REPORT)

    def __init__(self, resource: Resource, database: Database) -> None:
        super().__init__(resource, database)
        if resource.upsert_targets is not None:
            self.parameters = (DRY_RUN, ON_CONFLICT, ON)

    async def receive(self, context: BulkContext, receive: Receive) -> None:
        """Receive and decode the array."""
        resource = self.resource
        body = await read_json(context.scope, receive, resource.body_limit)
        context.elements = check_array(body, resource.options.bulk_limit)

    def parse_request(self, context: BulkContext) -> None:
        """Parse the query; the rows are validated one by one."""
        self._parse_array(context)

    async def _write(self, context: BulkContext) -> None:
        await self._write_array(context)


class FilteredRowsAction(BulkAction):
    """What the actions on all rows that a filter matches have in common."""

    def __init__(self, resource: Resource, database: Database) -> None:
        super().__init__(resource, database)
        self._filtered = FilteredRows(resource, self.name, database)
        self._visible = VisibleRows(resource, database)

    def _parse_filters(self, context: BulkContext) -> None:
        """Parse the query; at least one filter, and the access of list, are required."""
        query = context.scope["query_string"]
        found = self.resource.parser.parse_filters(query, FILTER_PARAMETERS)
        self.parse_write_parameters(context)
        context.preferred = preferred_return(context.scope)
        limit = self.resource.options.bulk_limit
        context.max_affected = parse_max_affected(found.parameters, limit)
        if not found.conditions:
            raise BadRequest("At least one filter is required: it chooses the rows")
        reads = LIST if LIST in self.resource.options.actions else READ
        # The number of rows that match tells what is stored, as the rows themselves do.
        require_further_access(self.resource.access(reads), RequestState.from_scope(context.scope))
        context.conditions, context.values = found.conditions, found.values

    async def _write_filtered(self, context: BulkContext) -> None:
        """Write the rows by one statement, or one after the other."""
        await self._visible.narrow(context)
        await self._filtered.check_count(context)
        connection = await context.connection()
        if self._works_row_by_row(context):
            await self._filtered.write_each(connection, context)
        else:
            rows = await self._write_all(connection, context)
            if context.preferred == REPRESENTATION:
                ordered = sorted(rows, key=self.resource.fields.key_of)
                context.representations = await encode_rows(self.resource, connection, ordered)
        context.body = affected_body(context)
        if all(context.representations):
            context.representation = context.body

    async def _write_all(self, connection: Connection, context: BulkContext) -> list[Row]:
        raise NotImplementedError

    def _works_row_by_row(self, context: BulkContext) -> bool:
        """Return whether anything has to be done for each row by itself."""
        resource = self.resource
        return (
            bool(resource.hooks[self.name])
            or resource.is_view
            or self.needs_session()
            or (context.preferred == REPRESENTATION and not resource.statements.returns_rows)
        )


class UpdateMany(FilteredRowsAction, ArrayAction):
    """Change many rows: all that the filters match, or those of an array.

    With an object as the body, all rows that the filters match are changed alike; the response is
    their number. A request without a filter is rejected, and so is one whose filters match more
    than `max_affected` rows: nothing is changed then.

    With an array as the body, each object names its row by its key and changes its other members,
    all rows or none; the response is a report.
    """

    name: ClassVar[str] = "update"

    def __init__(self, resource: Resource, database: Database) -> None:
        super().__init__(resource, database)
        self._sets_each_row = any(map(_differs_by_row, resource.onupdate_fields))

    async def receive(self, context: BulkContext, receive: Receive) -> None:
        """Receive and decode the body."""
        resource = self.resource
        body = await read_json(context.scope, receive, resource.body_limit)
        if isinstance(body, dict):
            context.request_body = body
        elif isinstance(body, list):
            context.elements = check_array(body, resource.options.bulk_limit)
        else:
            raise MalformedBody("The body must be a JSON object, or an array of objects")

    def parse_request(self, context: BulkContext) -> None:
        """Parse query and body; what hooks may still change is validated for each row."""
        if context.elements is not None:
            self._parse_array(context)
            return
        self._parse_filters(context)
        hooks = self.resource.hooks[self.name]
        if not (hooks.start or hooks.auth):
            self._parse_body(context, has_hooks=bool(hooks))

    async def _write(self, context: BulkContext) -> None:
        if context.elements is not None:
            await self._write_array(context)
            return
        await self._write_filtered(context)
        hooks, bodies = self.resource.hooks[self.name], self.resource.options.bodies
        is_validated = context.affected or not (hooks.start or hooks.auth)
        if not is_validated and self.name not in bodies:  # Such bodies are left to hooks.
            self._parse_body(context, has_hooks=True)

    def _parse_body(self, context: BulkContext, *, has_hooks: bool) -> None:
        body, resource = context.request_body, self.resource
        errors = ValidationErrors()
        attributes = validation.validate_update(body, resource.bodies.updatable, errors)
        if self._is_plain(body):
            if not body and not has_hooks:
                raise ValidationFailed("The body must have a member to change")
            context.take_attributes(attributes)
        else:
            lenient = resource.ignores_members(context.scope)
            resource.bodies.members.update.check(body, errors, lenient=lenient)
            options = ParseOptions(errors, new=False, hooked=has_hooks, lenient=lenient)
            resource.bodies.nested.parse(body, options)
        errors.check()

    def _is_plain(self, body: dict[str, Any]) -> bool:
        return self.resource.bodies.members.update.written.issuperset(body)

    def _works_row_by_row(self, context: BulkContext) -> bool:
        return (
            super()._works_row_by_row(context)
            or self._sets_each_row
            or self.resource.references.are_set(context.attributes)
            or not self._is_plain(context.request_body)
        )

    async def _write_all(self, connection: Connection, context: BulkContext) -> list[Row]:
        attributes = context.attributes
        for field in self.resource.onupdate_fields:
            if (value := field.onupdate_value()) is not UNSET:
                attributes[field.attribute] = value
        written, new = self.resource.fields.ordered(attributes)
        statement = self._filtered.statements.update_all(
            written,
            context.conditions,
            keep=context.reusable,
            returning=context.preferred == REPRESENTATION,
        )
        values = (*new, *context.values)
        return list(await self._filtered.write_all(connection, context, statement, values))


class DeleteMany(FilteredRowsAction):
    """Delete all rows that the filters match; the response is their number.

    A request without a filter is rejected, and so is one whose filters match more than
    `max_affected` rows: nothing is deleted then.
    """

    name: ClassVar[str] = "delete"

    def parse_request(self, context: BulkContext) -> None:
        """Parse the query."""
        self._parse_filters(context)

    async def _write(self, context: BulkContext) -> None:
        await self._write_filtered(context)

    async def receive(self, context: BulkContext, receive: Receive) -> None:
        """Reject a body: it might be meant to choose the rows."""
        if await read_body(context.scope, receive, self.resource.body_limit):
            raise BadRequest("DELETE must not have a body: filters in the query choose the rows")

    def needs_session(self, nested: Sequence[NestedBody] = ()) -> bool:
        """Return whether rows are deleted through an ORM session."""
        if self.resource.soft_delete is None:
            return super().needs_session(nested)
        return session_rows.marks_in_session(self.resource)

    async def _write_all(self, connection: Connection, context: BulkContext) -> list[Row]:
        field, statements = self.resource.soft_delete, self._filtered.statements
        returning, values = context.preferred == REPRESENTATION, context.values
        if field is None:
            statement = statements.delete_all(
                context.conditions, keep=context.reusable, returning=returning
            )
        else:
            deleted = {field.attribute: deletion_timestamp(field)}
            fields = self.resource.fields
            written, new = fields.ordered({**fields.onupdate_values(), **deleted})
            values = (*new, *values)
            statement = statements.update_all(
                written, context.conditions, keep=context.reusable, returning=returning
            )
        try:
            rows = await self._filtered.write_all(connection, context, statement, values)
        except ForeignKeyViolation as error:
            raise Conflict("Other rows depend on a row that the filter matches") from error
        return list(rows)


def _differs_by_row(field: Field) -> bool:
    """Return whether an ``onupdate`` may have to return another value for each row."""
    is_function = isinstance(field.column.onupdate, CallableColumnDefault)
    return is_function and not isinstance(field.column.type, _ONE_VALUE_FOR_ALL)
