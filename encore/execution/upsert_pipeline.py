"""Upserts: ``POST /parts?on_conflict=merge`` and ``on_conflict=ignore`` (the option ``upsert``).

The create runs with its hooks up to the INSERT. If the row is stored, the create is undone, and
the update (``merge``) or the read (``ignore``) of the row runs, with its own hooks, criteria and
scopes. If another request stores the row between the look and the INSERT, the create is run again,
and finds it. A row that update, or read, does not find is a conflict, as in a create: an upsert
reveals nothing that a create would not.
"""

from typing import Any

from starlette.types import Receive, Scope

from encore.database.errors import UniqueViolation
from encore.database.protocol import Database
from encore.database.statement import Row
from encore.errors import ConfigurationError, InvalidQuery, NotFound
from encore.execution.actions.action import Action
from encore.execution.actions.create import location_headers
from encore.execution.actions.update import Update
from encore.execution.actions.upsert import ReadStored, RowStored, looking
from encore.execution.context import Response
from encore.execution.hooks import ActionHooks
from encore.execution.other_run import OtherRun, ReplayedBody, expecting, run_part, standing_for
from encore.execution.pipeline import Pipeline
from encore.execution.subrequest import sub_scope
from encore.execution.unit_of_work import UnitOfWork
from encore.http.request_state import RequestState
from encore.http.require_principal import require_further_access
from encore.query.write_parameters import (
    DRY_RUN,
    MERGE,
    WriteParameters,
    parse_write_parameters,
)
from encore.resource.locations import path_text

_CONDITIONAL = b"if-"
_FOUND = (200, 204)


class UpsertPipeline(Pipeline):
    """Runs the create of a resource, or an upsert.

    Args:
        action: The create.
        hooks: Its hooks.
        database: The database.
        update: Changes the stored row; the resource's update by default.
        read: Returns the stored row; the resource's read by default.

    Raises:
        ConfigurationError: A hook replaces the step of create that looks for the stored row.
    """

    def __init__(
        self,
        action: Action[Any],
        hooks: ActionHooks,
        database: Database,
        *,
        update: Action[Any] | None = None,
        read: Action[Any] | None = None,
    ) -> None:
        super().__init__(action, hooks, database)
        resource = action.resource
        update = update or Update(resource)
        read = read or ReadStored(resource)
        self._update = Pipeline(update, resource.hooks["update"], database)
        self._read = Pipeline(read, resource.hooks["read"], database)

    def _compile(self) -> None:
        if self._hooks.stage("write").replaced:
            message = "a hook replaces create's write, which looks for the stored row"
            raise ConfigurationError(self._resource.name, "upsert", message)
        super()._compile()

    async def run(
        self, scope: Scope, receive: Receive, outer: UnitOfWork | None = None
    ) -> Response:
        """See ``Pipeline.run``; with ``on_conflict`` a stored row is changed or returned."""
        parameters = self._parse(scope)
        if parameters is None:
            return await super().run(scope, receive, outer)
        state, merges = RequestState.from_scope(scope), parameters.on_conflict == MERGE
        access = self._resource.access("update" if merges else "read")
        require_further_access(access, state)
        return await self._upsert(scope, ReplayedBody(receive), outer, parameters)

    def _parse(self, scope: Scope) -> WriteParameters | None:
        """Return the parameters of an upsert; None for a create, or if they are invalid."""
        query_string: bytes = scope["query_string"]
        if not query_string:
            return None
        try:
            parameters = parse_write_parameters(query_string, self.action.parameters)
        except InvalidQuery:  # The create reports it, after its hooks of start and auth.
            return None
        return None if parameters.on_conflict is None else parameters

    async def _upsert(
        self,
        scope: Scope,
        body: ReplayedBody,
        outer: UnitOfWork | None,
        parameters: WriteParameters,
    ) -> Response:
        for last in (False, True):
            try:
                return await self._create_or_find(scope, body, outer, parameters)
            except OtherRun:  # The row was deleted meanwhile, or hooks hide it.
                if last:
                    break
        return await run_part(super().run, scope, body.channel(), outer)

    async def _create_or_find(
        self,
        scope: Scope,
        body: ReplayedBody,
        outer: UnitOfWork | None,
        parameters: WriteParameters,
    ) -> Response:
        """Create the row, or run the other action for the stored one.

        Raises:
            OtherRun: There is a stored row, but the other action does not find it.
        """
        inner = looking(scope)
        try:
            try:
                first = expecting(inner, UniqueViolation)
                return await run_part(super().run, first, body.channel(), outer)
            except RowStored:
                raise
            except OtherRun:  # Another request has stored a row with a unique key of this one.
                return await run_part(super().run, inner, body.channel(), outer)
        except RowStored as stored:
            return await self._run_other(scope, stored.row, body.channel(), outer, parameters)

    async def _run_other(
        self,
        scope: Scope,
        row: Row,
        receive: Receive,
        outer: UnitOfWork | None,
        parameters: WriteParameters,
    ) -> Response:
        (record,) = self._resource.serializer.read_rows((row,))
        inner = expecting(self._row_scope(scope, record, parameters), NotFound)
        pipeline = self._update if parameters.on_conflict == MERGE else self._read
        response = await run_part(pipeline.run, inner, receive, outer)
        if response.status not in _FOUND:
            return response
        headers = [*response.headers, *location_headers(self.action.resource, record, scope)]
        return Response(response.status, headers, response.body)

    def _row_scope(self, scope: Scope, record: Any, parameters: WriteParameters) -> Scope:
        """Return the scope of the action on the stored row."""
        merges = parameters.on_conflict == MERGE
        resource, path = self._resource, self._resource.item_path
        params = {n: path_text(getattr(record, f.attribute)) for n, f in resource.path_fields}
        for name, text in params.items():
            path = path.replace(f"{{{name}}}", text)
        inner = sub_scope(
            scope,
            "PATCH" if merges else "GET",
            path,
            params,
            query=f"{DRY_RUN}=true".encode() if parameters.dry_run else b"",
            headers=[pair for pair in scope["headers"] if not pair[0].startswith(_CONDITIONAL)],
        )
        RequestState.from_scope(scope).attach(inner)  # The log has one line for both.
        return standing_for(inner, scope)
