"""``POST /parts/7/revert``: writes the values of an older version of a row.

The values go through the resource's own update, in the same transaction: with its hooks, validation
and preconditions, and a new entry in the history. What callers may not write keeps its present
value: read-only, hidden and excluded fields, and the key.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec
from starlette._utils import get_route_path

from encore.database.history.recorded_table import COLUMNS, SEQUENCE
from encore.database.protocol import Connection
from encore.database.statement import Row
from encore.errors import Conflict, InvalidQuery, NotFound
from encore.execution.actions.action import JSON_ONLY, Action
from encore.execution.context import Context, Response
from encore.execution.hooks import Stop
from encore.execution.pipeline import Pipeline
from encore.execution.resource import Resource
from encore.execution.subrequest import body_receive, sub_scope
from encore.history.entries import EntrySerializer
from encore.history.statements import REVERT, HistoryStatements, end_of_earlier_rows
from encore.http.preconditions import Preconditions
from encore.query.as_of import AS_OF, check_not_future, parse_as_of
from encore.query.write_parameters import DRY_RUN
from encore.resource.histories import ResourceHistory
from encore.sql.past import unknown_before
from encore.sql.past_statement import timestamp_value
from encore.validation.body import INVALID, ValidationErrors

_MAX_SEQUENCE: Final = 2**63 - 1
_PASSED_ON: Final = (
    b"if-match",
    b"if-none-match",
    b"if-unmodified-since",
    b"if-modified-since",
    b"prefer",
    b"accept",
)
"""The headers that update reads."""

_SEQUENCE_AT: Final = COLUMNS.index(SEQUENCE)
_OK: Final = 200
_ERRORS: Final = 400

MEMBERS: Final = ("sequence", AS_OF)


@dataclass(slots=True)
class RevertContext(Context):
    """The context of reverting a row.

    Attributes:
        sequence: The sequence of the version's entry; None if ``at`` selects it.
        at: The time of the version.
    """

    sequence: int | None = None
    at: datetime | None = None


class Revert(Action[RevertContext]):
    """Write the values of an older version of the row; the response is that of update.

    The version is named by the ``sequence`` of its entry in the history, or by a time (``as_of``).
    Fields that callers may not write keep their present values.

    Args:
        resource: The resource.
        history: Its history.
        update: Runs the update.
        read_history: Decides whether the caller sees the history.
    """

    name = "revert"
    context_type = RevertContext
    produces = JSON_ONLY
    reads_body = True
    writes = True
    finds_by_key = True
    parameters = (DRY_RUN,)
    own_preconditions = frozenset(Preconditions._fields)  # Update judges them.

    def __init__(
        self,
        resource: Resource,
        history: ResourceHistory,
        *,
        update: Pipeline,
        read_history: Pipeline,
    ) -> None:
        super().__init__(resource)
        self.single = False
        self._update = update
        self._read_history = read_history
        self._statements_of_history = HistoryStatements(resource, history)
        self._entries = EntrySerializer(resource, history)
        self._writable = frozenset(field.name for field in resource.bodies.updatable)

    def parse_request(self, context: RevertContext) -> None:
        """Parse path, query and body."""
        self.resource.reject_parameters(context.scope, self.parameters)
        self.parse_write_parameters(context)
        context.key_values = self.resource.parse_key(context.scope)
        body, errors = context.request_body, ValidationErrors()
        for name in body:
            if name not in MEMBERS:
                errors.add(name, INVALID, "is unknown: name a version by sequence or as_of")
        if sum(name in body for name in MEMBERS) != 1:
            errors.add("sequence", INVALID, "must name the version, or else as_of must")
        errors.check()
        if AS_OF in body:
            context.at = _parse_time(body[AS_OF], errors)
        else:
            context.sequence = _parse_sequence(body["sequence"], errors)
        errors.check()

    async def write(self, context: RevertContext) -> Stop:
        """Write the version by the resource's update; its response is the response."""
        seen = await self._run(self._read_history, context, "GET", "/history", b"")
        if seen.status != _OK:  # A hook of read has responded.
            return Stop(seen)
        connection = await context.connection()
        lock = self.resource.statements.lock()
        row = await connection.fetch_one(lock, context.key_values)
        if row is None:
            remedy = "create it again" if self.resource.soft_delete is None else "restore it"
            raise Conflict(f"The row is deleted: {remedy} first")
        key = self.resource.fields.key_of(row)
        entry = await self._find_entry(connection, context, key)
        latest = await connection.fetch_one(self._statements_of_history.newest, (*key, 1))
        if latest is None:
            raise NotFound
        changes = self._changes(self._entries.image(entry), self._entries.image(latest))
        body = msgspec.json.encode(changes)
        response = await self._run(self._update, context, "PATCH", "", body)
        if response.status >= _ERRORS:  # ``on_error`` has formatted it.
            await context.unit.close(NotFound())
            return Stop(response)
        values = (REVERT, *key, *key, latest[_SEQUENCE_AT])
        await connection.fetch_all(self._statements_of_history.label, values)
        return Stop(response)

    async def _find_entry(
        self, connection: Connection, context: RevertContext, key: tuple[Any, ...]
    ) -> Row:
        """Return the entry of the requested version.

        Raises:
            ValidationFailed: There is no such entry, or it is that of a deletion.
            HistoryUnavailable: The time is before the row's history.
        """
        statements, errors = self._statements_of_history, ValidationErrors()
        if context.at is not None:
            at = timestamp_value(context.at, statements.dialect)
            entry = await connection.fetch_one(statements.at_time, (*key, at, 1))
        else:
            entry = await connection.fetch_one(statements.entry, (*key, context.sequence))
        if self._read_history.action.has_hooks:
            end = await end_of_earlier_rows(statements, connection, key)
            entry = entry if entry is not None and entry[_SEQUENCE_AT] > end else None
        if entry is None and context.at is not None:
            raise unknown_before(None)
        member = "sequence" if context.at is None else AS_OF
        if entry is None:
            errors.add(member, INVALID, "must be the sequence of an entry of this row")
            errors.check()
            raise NotFound
        if self._entries.is_deletion(entry):
            errors.add(member, INVALID, "names a deletion, which has no version to write")
            errors.check()
        return entry

    def _changes(self, image: Mapping[str, Any], latest: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the fields that clients may write and that differ."""
        return {
            name: value
            for name, value in image.items()
            if name in self._writable and value != latest[name]
        }

    @staticmethod
    async def _run(
        pipeline: Pipeline, context: RevertContext, method: str, suffix: str, body: bytes
    ) -> Response:
        """Run another action on the row, in this transaction."""
        path = get_route_path(context.scope).removesuffix("/revert")
        headers = [(b"content-type", b"application/json")] if body else []
        if body:
            headers += [pair for pair in context.scope["headers"] if pair[0] in _PASSED_ON]
        inner = sub_scope(
            context.scope,
            method,
            path + suffix,
            context.scope["path_params"],
            headers=headers,
        )
        return await pipeline.run(inner, body_receive(body), outer=context.unit)


def _parse_sequence(value: Any, errors: ValidationErrors) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _MAX_SEQUENCE:
        errors.add("sequence", INVALID, "must be an integer of at least 0")
        return None
    return value


def _parse_time(value: Any, errors: ValidationErrors) -> datetime | None:
    if not isinstance(value, str):
        errors.add(AS_OF, INVALID, "must be a string")
        return None
    try:
        at = parse_as_of([value])
        check_not_future(at)
    except InvalidQuery as error:  # It is not of the query.
        errors.add(AS_OF, INVALID, str(error.message).removeprefix(f"{AS_OF} "))
        return None
    return at
