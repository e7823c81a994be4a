"""``PUT`` of a row that may not exist yet: the option ``put_creates``.

The row is looked up by the key in the path, without the conditions of hooks: a row that they hide
exists, so that the update runs and does not find it. Each action is run with its own hooks; a
create demands the scopes of create as well. If another request creates or deletes the row between
the two, the other action is run.
"""

from contextlib import AbstractAsyncContextManager
from typing import Any

from starlette.types import Receive, Scope

from encore.database.errors import UniqueViolation
from encore.database.protocol import Connection, Database
from encore.errors import ApiError, NotFound
from encore.execution.actions.action import Action
from encore.execution.actions.create_at_path import CreateAtPath
from encore.execution.context import Response
from encore.execution.hooks import ActionHooks
from encore.execution.other_run import ATTEMPTS, OtherRun, ReplayedBody, expecting, run_part
from encore.execution.pipeline import Pipeline
from encore.execution.unit_of_work import UnitOfWork
from encore.http.entity_tags import IF_MATCH, parse_entity_tags
from encore.http.preconditions import precondition_failed
from encore.http.request_state import RequestState
from encore.http.require_principal import require_further_access
from encore.idempotency.key import find_key


class PutPipeline(Pipeline):
    """Runs the update of a resource, or its create if a PUT names no stored row.

    Args:
        action: The update.
        hooks: Its hooks.
        database: The database.
    """

    def __init__(self, action: Action[Any], hooks: ActionHooks, database: Database) -> None:
        super().__init__(action, hooks, database)
        resource = action.resource
        self._create = Pipeline(CreateAtPath(resource), resource.hooks["create"], database)
        self._create_access = resource.access("create")

    async def run(
        self, scope: Scope, receive: Receive, outer: UnitOfWork | None = None
    ) -> Response:
        """See ``Pipeline.run``; a PUT of a missing row creates it."""
        if scope["method"] != "PUT":
            return await super().run(scope, receive, outer)
        try:
            key = self._resource.parse_key(scope)
        except NotFound:  # The hooks of update may choose another key.
            return await super().run(scope, receive, outer)
        body = ReplayedBody(receive)
        exists = await self._find(key, outer, self._database.reading())
        for _ in range(ATTEMPTS):
            try:
                return await self._run_either(
                    scope, body.channel(), outer, exists=exists, last=False
                )
            except OtherRun:
                writing = self._database.writing(single=True)  # SQLite's writers share a commit.
                before, exists = exists, await self._find(key, outer, writing)
                if exists is before:  # Hooks hide the row, or another constraint is violated.
                    break
        return await self._run_either(scope, body.channel(), outer, exists=exists, last=True)

    async def _run_either(
        self,
        scope: Scope,
        receive: Receive,
        outer: UnitOfWork | None,
        *,
        exists: bool,
        last: bool,
    ) -> Response:
        """Update or create the row; unless this is the last run, another one may replace it."""
        if exists:
            inner = scope if last else expecting(scope, NotFound)
            return await run_part(super().run, inner, receive, outer)
        try:
            self._check_may_create(scope)
        except ApiError as refusal:
            return await self._replay(scope, receive, outer, refusal)
        inner = scope if last else expecting(scope, UniqueViolation)
        return await run_part(self._create.run, inner, receive, outer)

    def _check_may_create(self, scope: Scope) -> None:
        """Raise ``ApiError`` for a request that must not create a row."""
        if parse_entity_tags(scope, IF_MATCH) is not None:
            raise precondition_failed(IF_MATCH, "cannot be met: there is no such row")
        require_further_access(self._create_access, RequestState.from_scope(scope))

    async def _replay(
        self, scope: Scope, receive: Receive, outer: UnitOfWork | None, refusal: ApiError
    ) -> Response:
        """Return the stored response of an update whose row is gone; raise the error without one.

        The update finds the idempotency key before it looks for the row.
        """
        if outer is not None or find_key(scope) is None:
            raise refusal
        try:
            return await run_part(super().run, expecting(scope, NotFound), receive, outer)
        except OtherRun:
            raise refusal from None

    async def _find(
        self,
        key: tuple[Any, ...],
        outer: UnitOfWork | None,
        entered: AbstractAsyncContextManager[Connection],
    ) -> bool:
        """Return whether the row exists, whatever hooks hide."""
        statement = self._resource.statements.read()
        if outer is not None:
            connection = await outer.connection()
            return await connection.fetch_one(statement, key) is not None
        async with entered as connection:
            return await connection.fetch_one(statement, key) is not None
