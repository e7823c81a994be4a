"""Runs that another run of the same request may replace: the row is there, or it is not.

A PUT that creates, and an upsert, look for the row and then run the action for what they found. If
another request creates or deletes the row meanwhile, the run fails; instead of the error it then
raises ``OtherRun``, everything is undone, and the other action runs.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from starlette.types import Message, Receive, Scope

from encore.errors import ApiError
from encore.execution.context import Response
from encore.execution.unit_of_work import UnitOfWork

ATTEMPTS: Final = 5
"""How many runs are tried before the error of the last one is sent."""

_EXPECTED: Final = "encore.expected_errors"
_ORIGINAL: Final = "encore.original_scope"

Run = Callable[[Scope, Receive, UnitOfWork | None], Awaitable[Response]]


class OtherRun(Exception):
    """Ends a run that another one replaces.

    Args:
        error: The error that the request would have if there were no other run, for the hooks of
            ``complete``.
    """

    def __init__(self, error: ApiError) -> None:
        super().__init__(error.message)
        self.error = error


def expecting(scope: Scope, *errors: type[Exception]) -> Scope:
    """Return a scope whose run raises ``OtherRun`` instead of these errors."""
    return {**scope, _EXPECTED: errors}


def standing_for(inner: Scope, scope: Scope) -> Scope:
    """Return the scope of a run on another path that carries out the request of ``scope``."""
    return {**inner, _ORIGINAL: scope}


def original_scope(scope: Scope) -> Scope:
    """Return the scope of the request that a run carries out: what an idempotency key is for."""
    original: Scope = scope.get(_ORIGINAL, scope)
    return original


def other_run(scope: Scope, error: Exception, api_error: ApiError) -> OtherRun | None:
    """Return what ends a run that another one replaces; None if the error ends the request.

    Args:
        scope: The request.
        error: What ended the run.
        api_error: The error for the caller.
    """
    if isinstance(error, OtherRun):
        return error
    expected: tuple[type[Exception], ...] = scope.get(_EXPECTED, ())
    return OtherRun(api_error) if isinstance(error, expected) else None


async def run_part(run: Run, scope: Scope, receive: Receive, outer: UnitOfWork | None) -> Response:
    """Run an action that another run may replace.

    Args:
        run: Runs it.
        scope: The request.
        receive: The channel of its body.
        outer: The unit whose transaction it is part of; only what this run has done is undone
            there if another one replaces it. None for a transaction of its own.

    Raises:
        OtherRun: Another run must replace it.
        ApiError: It has failed.
    """
    if outer is None:
        return await run(scope, receive, None)
    part = outer.joined()
    try:
        async with (await outer.connection()).savepoint():
            response = await run(scope, receive, part)
    except OtherRun:
        raise  # Without closing the part: the outer unit has not failed.
    except BaseException as error:
        await part.close(error)
        raise
    await part.close(None)
    return response


class ReplayedBody:
    """The body of a request that several runs receive.

    Args:
        receive: The channel of the request.
    """

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._received: list[Message] = []

    def channel(self) -> Receive:
        """Return a channel that begins with what earlier runs have received."""
        position = 0

        async def receive() -> Message:
            nonlocal position
            if position == len(self._received):
                message: Any = await self._receive()
                self._received.append(message)
            position += 1
            return self._received[position - 1]

        return receive
