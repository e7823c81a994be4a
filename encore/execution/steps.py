"""The steps of a stage: hooks and the action's own step, each a coroutine function."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any

from encore.errors import Conflict, HookError, ServiceUnavailable
from encore.execution.context import Context
from encore.execution.hooks import SKIP, Hook, Stop
from encore.resource.compatibility import Compatibility

Step = Callable[[Context], Awaitable[Any]]


async def run_steps(steps: tuple[Step, ...], context: Context) -> Stop | None:
    """Run the steps of one stage; ``SKIP`` skips the rest of them."""
    for step in steps:
        outcome = await step(context)
        if outcome is not None:
            if isinstance(outcome, Stop):
                return outcome
            if outcome is SKIP:
                return None
            type_ = type(outcome).__name__
            raise HookError(
                f"{_name(step)} returned {type_}: a hook returns None, SKIP or stop(response)"
            )
    return None


def _name(step: Step) -> str:
    function = getattr(step, "__wrapped__", step)
    return getattr(function, "__qualname__", repr(function))


def converting_conflicts(own_step: Step, compatibility: Compatibility) -> Step:
    """Return a step whose conflicts have the status of another API; those of hooks stay."""

    async def step(context: Context) -> Any:
        try:
            return await own_step(context)
        except Conflict as conflict:
            raise compatibility.convert_error(conflict) from conflict.__cause__

    return step


def limited(hook: Hook, seconds: float) -> Step:
    """Return a step that runs a hook, and cancels it after the time limit."""

    @wraps(hook, assigned=(), updated=())
    async def step(context: Context) -> Any:
        outcome = hook(context)
        if not inspect.isawaitable(outcome):
            return outcome
        try:
            async with asyncio.timeout(seconds) as limit:
                return await outcome
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise ServiceUnavailable(
                "The operation took too long", headers={"Retry-After": "1"}, reason="hook-timeout"
            ) from error

    return step
