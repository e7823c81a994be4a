"""The endpoint of a batch: the ASGI application that receives it, and runs its operations.

The body is received and parsed before any transaction begins; a large one is parsed in a thread.
A batch counts as many requests as it has operations, and is one line in the log.
"""

from typing import Final

from starlette.types import Receive, Scope, Send

from encore.batch.body import Batch, parse_batch
from encore.batch.replays import read_stored_batch
from encore.batch.routes import OperationRoutes
from encore.batch.runner import BatchRunner, authorize
from encore.database.protocol import Database
from encore.database.threads import run_in_thread, short_switch_interval
from encore.endpoints.endpoint import Operation
from encore.errors import BadRequest
from encore.execution.actions import JSON_ONLY
from encore.execution.context import Response
from encore.http.access import Access
from encore.http.media_types import check_accept
from encore.http.request_body import read_json_text
from encore.http.request_state import RequestState
from encore.idempotency.run import IdempotentRun, Replayed
from encore.idempotency.store import IdempotencyKeys
from encore.options import BatchOptions
from encore.query.parameter_errors import invalid_parameter

_LARGE_BYTES: Final = 128 * 1024
"""From this size on, in bytes, parsing would block the event loop for two milliseconds."""

_REFUSED: Final = {
    b"if-match": "If-Match",
    b"if-none-match": "If-None-Match",
    b"if-modified-since": "If-Modified-Since",
    b"if-unmodified-since": "If-Unmodified-Since",
    b"if-range": "If-Range",
}


class BatchEndpoint:
    """The ASGI application of a batch.

    Args:
        options: The options.
        access: What callers need; each operation has its own access besides.
        routes: The operations that it may run.
        database: The database.
        keys: The stored responses of idempotency keys.

    Attributes:
        access: As passed.
        name: The name of the route.
        accepts_idempotency_keys: An atomic batch may have a key.
    """

    name = "batch"
    accepts_idempotency_keys = True

    def __init__(
        self,
        options: BatchOptions,
        access: Access,
        routes: OperationRoutes,
        database: Database,
        keys: IdempotencyKeys,
    ) -> None:
        self.access = access
        self._keys = keys
        self._options = options
        self._routes = routes
        self._database = database

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Receive the batch, run it and send the results."""
        check_accept(scope, JSON_ONLY)
        _check_headers(scope)
        if scope["query_string"]:
            name = scope["query_string"].decode("latin-1").partition("=")[0]
            raise invalid_parameter(name, "is not a parameter of a batch")
        keyed = IdempotentRun.of(self._keys, scope)
        channel = receive if keyed is None else keyed.digesting(receive)
        data = await read_json_text(scope, channel, self._options.body_limit)
        batch = await self._parse(data)
        if keyed is not None and not batch.is_atomic:
            raise BadRequest("Idempotency-Key is not supported here: the batch is not atomic")
        state = RequestState.from_scope(scope)
        state.measures = {"operations": len(batch.operations)}
        state.count_more(len(batch.operations) - 1)
        await Operation.respond(await self._run(batch, scope, keyed), scope, send)

    async def _run(self, batch: Batch, scope: Scope, keyed: IdempotentRun | None) -> Response:
        runner = BatchRunner(self._routes, self._database, scope, self._options.seconds)
        try:
            return await runner.run(batch, keyed)
        except Replayed as replay:
            response, accesses = read_stored_batch(replay.response)
            for access in accesses:
                authorize(access, RequestState.from_scope(scope))
            return response
        finally:
            if keyed is not None:
                keyed.close()

    async def _parse(self, data: bytes) -> Batch:
        limit = self._options.max_operations
        if len(data) < _LARGE_BYTES:
            return parse_batch(data, limit)
        with short_switch_interval.active():
            return await run_in_thread("batch-parser", parse_batch, data, limit)


def _check_headers(scope: Scope) -> None:
    """Raise ``BadRequest`` for a header that a batch cannot honour."""
    for name, _ in scope["headers"]:
        if name in _REFUSED:
            spelt = _REFUSED[name]
            message = f"A batch has no {spelt}: put it into the headers of an operation"
            raise BadRequest(message, [{"field": spelt, "message": message}])
