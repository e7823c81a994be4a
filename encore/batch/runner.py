"""Runs the operations of one batch: all in one transaction, or each in its own.

An operation runs as a request of the same caller: it is routed, its access is compared with the
caller's scopes, and its pipeline runs with its hooks, validation and preconditions. References are
resolved when its turn comes. Between operations the event loop serves other requests, and a client
that has disconnected ends the batch.
"""

import asyncio
from collections.abc import Sequence
from time import monotonic
from typing import Final

from starlette.exceptions import HTTPException
from starlette.types import Scope

from encore.batch.body import Batch, BatchOperation
from encore.batch.locations import (
    InvalidOperation,
    failed,
    invalid_operation,
    located,
    missing_result,
)
from encore.batch.references import InvalidReference, Reference, decode_path
from encore.batch.replays import stored_batch
from encore.batch.results import FIRST_ERROR, MAX_RESULT_BYTES, Result, encode_results
from encore.batch.routes import OperationRoutes
from encore.database.cancellation import shield_until_done
from encore.database.errors import DatabaseError
from encore.database.protocol import Connection, Database
from encore.endpoints.endpoint import Operation
from encore.errors import ClientClosedRequest, Forbidden, ServiceUnavailable
from encore.execution.context import Response
from encore.execution.error_mapping import map_commit_error
from encore.execution.subrequest import body_receive, sub_scope
from encore.execution.unit_of_work import UnitOfWork
from encore.http.access import Access
from encore.http.error_handling import render_error
from encore.http.request_state import Header, RequestState
from encore.http.require_principal import require_principal
from encore.idempotency.run import IdempotentRun, Replayed

_JSON: Final = (b"content-type", b"application/json")
_YIELD_S: Final = 0.001
"""How long operations run before the event loop serves other requests, in seconds."""

_OWN_HEADERS: Final = (b"accept", b"content-", b"idempotency-key", b"if-", b"prefer", b"range")
_OF_CONNECTION: Final = (b"connection", b"expect", b"te", b"trailer", b"transfer-", b"upgrade")
_NOT_INHERITED: Final = (*_OWN_HEADERS, *_OF_CONNECTION)
"""What the names of headers begin with that concern the batch's request alone."""


class _FailedReference(Exception):
    """A reference to the result of an operation that has failed."""

    def __init__(self, reference: Reference) -> None:
        super().__init__(str(reference))
        self.reference = reference


class BatchRunner:
    """Runs one batch.

    Args:
        routes: The operations that it may run.
        database: The database.
        scope: The request of the batch.
        seconds: How long its operations may take.
    """

    def __init__(
        self, routes: OperationRoutes, database: Database, scope: Scope, seconds: float
    ) -> None:
        self._routes = routes
        self._database = database
        self._scope = scope
        self._seconds = seconds
        self._inherited: tuple[Header, ...] = tuple(
            (name, value)
            for name, value in scope["headers"]
            if not name.lower().startswith(_NOT_INHERITED)
        )
        self._root: str = scope.get("root_path", "")
        self._results: dict[str, Result] = {}
        self._accesses: dict[Access, None] = {}
        self._size = 0
        self._yielded = monotonic()

    async def run(self, batch: Batch, keyed: IdempotentRun | None) -> Response:
        """Run the operations; return the response with their results.

        Args:
            batch: The batch.
            keyed: The run of its idempotency key; None without one.

        Raises:
            ApiError: The batch is atomic and an operation has failed: nothing is written.
            Replayed: The batch was carried out before.
        """
        leaving = asyncio.ensure_future(RequestState.from_scope(self._scope).left())
        try:
            if batch.is_atomic:
                return await self._run_together(batch.operations, keyed, leaving)
            return _response(await self._run_apart(batch.operations, leaving))
        except DatabaseError as error:
            raise map_commit_error(error, self._scope) from error
        finally:
            leaving.cancel()

    async def _run_together(
        self,
        operations: Sequence[BatchOperation],
        keyed: IdempotentRun | None,
        leaving: "asyncio.Future[None]",
    ) -> Response:
        """Run the operations in one transaction."""
        unit = UnitOfWork(
            self._database,
            writes=keyed is not None or any(one.method != "GET" for one in operations),
            single=False,
            fails_with_joined=True,
        )
        try:
            if keyed is not None:
                await keyed.begin(unit)
                await keyed.claim(unit)
            response = _response(await self._run_in_time(operations, unit, leaving))
            if keyed is not None:
                await keyed.finish(unit, stored_batch(response, self._accesses))
        except Replayed:  # On SQLite, the commit of its response may be in progress.
            await unit.close(None)
            raise
        except BaseException as error:
            await unit.close(error)
            raise
        # A commit that has begun goes on, with what follows it, even if the client disconnects.
        await shield_until_done(asyncio.ensure_future(_commit(unit, keyed)))
        return response

    async def _run_in_time(
        self,
        operations: Sequence[BatchOperation],
        unit: UnitOfWork,
        leaving: "asyncio.Future[None]",
    ) -> list[Result]:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._seconds) as limit:

                async def restart(_: Connection) -> None:
                    """Restart the time: waiting for the turn to write does not count."""
                    limit.reschedule(loop.time() + self._seconds)

                if not unit.has_begun:
                    unit.at_begin(restart)
                return [
                    await self._run_joined(operation, unit, leaving) for operation in operations
                ]
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise ServiceUnavailable(
                f"The batch took longer than {self._seconds:g} seconds, so nothing was written:"
                " send fewer operations",
                reason="batch-timeout",
            ) from error

    async def _run_joined(
        self, operation: BatchOperation, unit: UnitOfWork, leaving: "asyncio.Future[None]"
    ) -> Result:
        """Run one operation in the transaction of all. Raises ``ApiError`` if it fails."""
        await self._yield(leaving)
        scope = self._scope_of(operation)
        try:
            response = await self._run_operation(operation, scope, unit)
            result = Result(operation.id, response)
            self._add_size(operation, result)
        except Exception as error:  # noqa: BLE001 - raised again, with the operation
            problem = located(error, operation)
            raise problem from problem.__cause__
        if unit.failure is not None or result.is_failure:
            raise failed(result, operation)
        self._keep(operation, result)
        return result

    async def _run_apart(
        self, operations: Sequence[BatchOperation], leaving: "asyncio.Future[None]"
    ) -> list[Result]:
        """Run each operation in a transaction of its own, or none once the time is over."""
        end = monotonic() + self._seconds
        results = []
        for operation in operations:
            await self._yield(leaving)
            result = await self._run_alone(operation, is_late=monotonic() > end)
            self._keep(operation, result)
            results.append(result)
        return results

    async def _run_alone(self, operation: BatchOperation, *, is_late: bool) -> Result:
        """Run one operation by itself; its error is its result."""
        scope = self._scope_of(operation)
        try:
            self._check_limits(operation, is_late=is_late)
            result = Result(operation.id, await self._run_operation(operation, scope, None))
        except Exception as error:  # noqa: BLE001 - rendered as for a request of its own
            result = Result(operation.id, _error_response(error, scope))
        self._size += result.size
        return result

    def _check_limits(self, operation: BatchOperation, *, is_late: bool) -> None:
        """Reject an operation once the time is over, or the results are large."""
        if is_late:
            raise ServiceUnavailable(
                f"The batch took longer than {self._seconds:g} seconds, so this operation was not"
                " run",
                reason="batch-timeout",
            )
        if self._size > MAX_RESULT_BYTES:
            raise _too_large(operation)

    async def _run_operation(
        self, operation: BatchOperation, scope: Scope, outer: UnitOfWork | None
    ) -> Response:
        try:
            self._set_path(scope, operation.path.resolve(self._resolve))
            found = self._routes.resolve(operation, scope)
            self._accesses[found.access] = None
            authorize(found.access, RequestState.from_scope(scope))
            body = self._body_of(operation, found)
        except InvalidReference as error:
            raise invalid_operation(operation, error.field, error.requirement) from None
        except _FailedReference as error:
            raise missing_result(operation, error.reference) from None
        if body is not None and not found.pipeline.receives:
            raise invalid_operation(
                operation, "body", "must not be given: this operation reads none"
            )
        return await found.run(scope, body_receive(body or b""), outer)

    def _body_of(self, operation: BatchOperation, found: Operation) -> bytes | None:
        """Return the JSON text of a body, which is no larger than its route reads."""
        if operation.body is None:
            return None
        limit = found.pipeline.action.resource.body_limit
        return operation.body.resolve(self._resolve, limit)

    def _scope_of(self, operation: BatchOperation) -> Scope:
        return sub_scope(
            self._scope,
            operation.method,
            "/",
            {},
            query=operation.query,
            headers=(*self._inherited, *operation.headers),
        )

    def _set_path(self, scope: Scope, path: str) -> None:
        """Set the path of an operation, which may begin with the root path as a request's does."""
        root = self._root
        if root and (path == root or path.startswith(f"{root}/")):
            path = path[len(root) :]
        scope["path"] = root + decode_path(path)
        scope["raw_path"] = (root + path).encode()

    def _resolve(self, reference: Reference) -> bytes:
        """Return the JSON text that a reference names.

        Raises:
            _FailedReference: The operation has failed.
            InvalidReference: Its result has no such member.
        """
        result = self._results[reference.operation]
        if result.is_failure:
            raise _FailedReference(reference)
        member = result.member(reference.members)
        if member is None:
            problem = f"refers to {reference}, which the result of {reference.operation} lacks"
            raise InvalidReference(reference.field, problem)
        return member

    def _keep(self, operation: BatchOperation, result: Result) -> None:
        if operation.id is not None:
            self._results[operation.id] = result

    def _add_size(self, operation: BatchOperation, result: Result) -> None:
        self._size += result.size
        if self._size > MAX_RESULT_BYTES:
            raise _too_large(operation)

    async def _yield(self, leaving: "asyncio.Future[None]") -> None:
        """Let the event loop serve others. Raises ``ClientClosedRequest``."""
        if monotonic() - self._yielded > _YIELD_S:
            await asyncio.sleep(0)
            self._yielded = monotonic()
            if leaving.done():
                raise ClientClosedRequest


async def _commit(unit: UnitOfWork, keyed: IdempotentRun | None) -> None:
    await unit.close(None)
    if keyed is not None:
        keyed.committed()


def _response(results: Sequence[Result]) -> Response:
    return Response(200, [_JSON], encode_results(results))


def authorize(access: Access, state: RequestState) -> None:
    """Compare the access of an operation with the scopes of the batch's caller.

    Raises:
        Unauthorized: There is no verified caller.
        Forbidden: The caller lacks a scope, or its scopes are unknown.
    """
    if access.public:
        state.forget_caller()  # As in a request to a public route.
        return
    require_principal(access, state)
    if state.granted is None and access.scopes():
        # The middleware has compared the scopes of the batch's route, and stored none.
        raise Forbidden(
            "A batch cannot tell whether the token has the scope: send the operation by itself",
            reason="scopes-unknown",
        )


def _too_large(operation: BatchOperation) -> InvalidOperation:
    problem = f"makes the results larger than {MAX_RESULT_BYTES} bytes: ask for fewer rows"
    return invalid_operation(operation, "path", problem)


def _error_response(error: Exception, scope: Scope) -> Response:
    """Return the response of an error, as for a request of its own; log a failure."""
    if isinstance(error, HTTPException) and error.status_code < FIRST_ERROR:
        headers = [(k.lower().encode(), v.encode()) for k, v in (error.headers or {}).items()]
        return Response(error.status_code, headers, b"")
    status, headers, body = render_error(error, scope)
    return Response(status, headers, body)
