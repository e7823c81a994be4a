"""Runs of requests with an idempotency key: where a pipeline calls ``encore.idempotency``."""

from starlette.types import Scope

from encore.database.protocol import Database
from encore.execution.context import Context, Response
from encore.execution.other_run import original_scope
from encore.execution.unit_of_work import UnitOfWork
from encore.http.unsupported_headers import reject_idempotency_key
from encore.idempotency.response import REPLAYED, StoredResponse
from encore.idempotency.run import IdempotentRun
from encore.idempotency.store import IdempotencyKeys


def keyed_run(
    scope: Scope, keys: IdempotencyKeys, *, writes: bool, is_joined: bool
) -> IdempotentRun | None:
    """Return the run of a request with an idempotency key; None without one.

    Args:
        scope: The request.
        keys: The stored responses.
        writes: Whether its action writes.
        is_joined: Whether it is a part of another request.

    Raises:
        BadRequest: The key is malformed, or not supported here.
    """
    if not writes:
        reject_idempotency_key(scope)
        return None
    if is_joined:
        reject_idempotency_key(scope, "it belongs to the whole request")
        return None
    return IdempotentRun.of(keys, original_scope(scope))


async def commit_keyed(keyed: IdempotentRun, context: Context, response: Response) -> None:
    """Store the response, and commit."""
    stored = StoredResponse(response.status, response.headers, response.body)
    await keyed.finish(context.unit, stored)
    await context.unit.close(None)
    keyed.committed()


async def end_replay(
    keyed: IdempotentRun,
    context: Context,
    error: Exception,
    database: Database,
    *,
    may_have_written: bool,
) -> None:
    """End the transaction of a replay; on SQLite, wait until the response is committed.

    There the response may be that of a request whose commit is in progress.
    """
    if error is keyed.outcome and not may_have_written:
        await context.unit.close(None)
        return
    await context.unit.close(error)
    unit = UnitOfWork(database, writes=True, single=False)
    try:
        await keyed.confirm(await unit.connection())
    except BaseException as failure:
        await unit.close(failure)
        raise
    await unit.close(None)


def replayed(response: StoredResponse) -> Response:
    """Return a stored response with the header that says so."""
    return Response(response.status, [*response.headers, REPLAYED], response.body)
