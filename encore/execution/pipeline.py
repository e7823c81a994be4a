"""Plans: an action and its hooks, compiled into the steps that it runs.

A plan holds, for each of Finale's milestones, the hooks before, what the action does there, and
the hooks behind. Milestones at which nothing happens are not in it. So the general engine with no
hooks *is* the fast one.

The order of a run: the body is received and decoded; hooks of ``start`` and ``auth``; the request
is parsed and validated; ``fetch``, ``data``, ``write`` and ``send``; ``complete``, always.
"""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from functools import wraps
from http import HTTPStatus
from typing import Any, Final

import structlog
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope

from encore.database.errors import DatabaseError
from encore.database.protocol import Database
from encore.errors import ApiError, Conflict, HookError, InternalError, ServiceUnavailable
from encore.execution.actions import ACTIONS, Action
from encore.execution.context import Context, Response
from encore.execution.error_mapping import map_database_error
from encore.execution.hooks import (
    BEFORE_PARSING,
    MILESTONES,
    SKIP,
    ActionHooks,
    Hook,
    Stop,
    as_response,
)
from encore.execution.response_checks import check_response
from encore.execution.unit_of_work import UnitOfWork
from encore.http.error_handling import error_from_http_exception
from encore.models.session_requirements import UnsupportedEventListener
from encore.resource.compatibility import Compatibility

log: Any = structlog.get_logger("encore.crud")

Step = Callable[[Context], Awaitable[Any]]
_LAST: Final = "complete"
_ERRORS: Final = range(400, 600)
_WITH_INSTANCE: Final = ("fetch", "data", "write", "send")
"""The milestones whose hooks may find the instance and change it before it is sent."""


class Pipeline:
    """Runs one action of one resource.

    Args:
        action: What to run.
        hooks: What else.
        database: Where. One transaction is around everything: any error undoes all of it, and
            nothing is answered before the commit.

    Attributes:
        produces: The media types of its answers; empty where they are not known beforehand.
    """

    produces: tuple[str, ...]

    def __init__(self, action: Action, hooks: ActionHooks, database: Database) -> None:
        self.action = action
        self._resource = action.resource
        self._hooks = hooks
        self._database = database
        self._compile()
        hooks.listeners.append(self._compile)

    def _compile(self) -> None:
        """Lay out the steps; done again when a hook is added."""
        self.action.hooked = hooked = bool(self._hooks)
        # Most requests have no body: they are spared a call.
        self._receives = self.action.reads_body or type(self.action).receive is not Action.receive
        self._is_checked = hooked or type(self.action) not in ACTIONS.values()
        self.action.reworked = any(map(self._hooks.milestone, _WITH_INSTANCE))
        self._single = self.action.single and not hooked
        names = MILESTONES[: MILESTONES.index(_LAST)]
        steps = {name: found for name in names if (found := self._steps(name, hooked=hooked))}
        self._before_parsing = tuple(steps.pop(name) for name in BEFORE_PARSING if name in steps)
        self._after_parsing = tuple(steps.values())
        self._complete = self._steps(_LAST, hooked=hooked)
        send = self._hooks.milestone("send")
        # A hook there may make an answer of another media type.
        has_hooks = send.replaced or send.befores or send.actions or send.afters
        self.produces = () if has_hooks else self.action.produces

    def _steps(self, name: str, *, hooked: bool) -> tuple[Step, ...]:
        milestone = self._hooks.milestone(name)
        own: Step | None = getattr(self.action, name, None)
        if milestone.replaced or (name in self.action.only_for_hooks and not hooked):
            own = None
        if own is not None and not self._resource.compatibility.conflicts:
            own = _answering(own, self._resource.compatibility)
        limit = self._resource.options.hook_seconds
        return (
            *(_limited(hook, limit) for hook in milestone.befores),
            *(() if own is None else (own,)),
            *(_limited(hook, limit) for hook in (*milestone.actions, *milestone.afters)),
        )

    def _unit(self) -> UnitOfWork:
        try:
            single = self._single and not self.action.needs_session()
        except UnsupportedEventListener as error:  # The renderer's log has no texts of exceptions.
            log.error("unsupported listener", resource=self._resource.name, reason=str(error))  # noqa: TRY400 - the text says all
            raise
        return UnitOfWork(self._database, writes=self.action.writes, single=single)

    async def run(self, scope: Scope, receive: Receive) -> Response:
        """Run the action for one request. Raises ``ApiError``."""
        action = self.action
        context = Context(
            self._resource,
            action.name,
            scope,
            self._unit(),
            action.by_key,
            action.hooked,
            status=action.status,
        )
        try:
            response = await self._run(context, receive)
            await context.unit.close(None)
        except Exception as error:  # noqa: BLE001 - _fail answers for all of them
            return await self._fail(context, error)
        except BaseException as error:
            await context.unit.close(error)
            raise
        return response

    async def _run(self, context: Context, receive: Receive) -> Response:
        try:
            if self._receives:
                await self.action.receive(context, receive)
            stopped = await self._run_early(context) if self._before_parsing else None
            if stopped is None:
                self.action.parse_request(context)
                if context.doubtful is not None:
                    await self.action.settle(context)
                for steps in self._after_parsing:
                    if (stopped := await run_steps(steps, context)) is not None:
                        break
        except Stop as raised:
            stopped = raised
        if self._complete:
            stopped = await self._run_complete(context) or stopped
        if stopped is not None:
            return stopped.response
        if self._is_checked:
            check_response(context.status, context.headers, context.body)
        return Response(context.status, context.headers, context.body)

    async def _run_early(self, context: Context) -> Stop | None:
        """Run the hooks that come before the request is validated."""
        for steps in self._before_parsing:
            if (stopped := await run_steps(steps, context)) is not None:
                return stopped
        return None

    async def _run_complete(self, context: Context) -> Stop | None:
        """Run the last milestone; a stop in it replaces the response."""
        try:
            return await run_steps(self._complete, context)
        except Stop as stopped:
            return stopped

    async def _fail(self, context: Context, error: Exception) -> Response:
        """Undo everything, let ``complete`` know, and answer or raise the refusal."""
        if isinstance(error, HTTPException):
            error = _of_http_exception(error)
        with_cause = await self._undo(context, error)
        context.error = with_cause if isinstance(with_cause, ApiError) else InternalError()
        # Hooks of complete may still read; whatever they write is undone as well.
        context.unit = self._unit()
        stopped = None
        try:
            stopped = await self._run_complete(context)
        except Exception as another:  # noqa: BLE001 - the first error is the one to tell
            log.warning("complete failed after an error", error=type(another).__name__)
        finally:
            await context.unit.close(error)
        self._log_mistake(error)
        if stopped is not None:
            return stopped.response
        try:
            formatted = await self._format(context, context.error)
        except HookError as mistake:
            self._log_mistake(mistake)
            raise
        if formatted is not None:
            return formatted
        if with_cause is error:  # Its own cause stays, for the log.
            raise error
        raise with_cause from error

    async def _format(self, context: Context, error: ApiError) -> Response | None:
        """Return the response that ``on_error`` makes of an error, if any."""
        if self._hooks.format_error is None:
            return None
        formatted = self._hooks.format_error(context, error)
        if inspect.isawaitable(formatted):
            async with asyncio.timeout(self._resource.options.hook_seconds):
                formatted = await formatted
        return None if formatted is None else as_response(formatted)

    def _log_mistake(self, error: Exception) -> None:
        """Log the text of a hook's mistake: the renderer's log has no texts of exceptions."""
        if isinstance(error, HookError):
            action, text = self.action.name, str(error)
            log.error("invalid hook", resource=self._resource.name, action=action, reason=text)

    async def _undo(self, context: Context, error: Exception) -> Exception:
        try:
            await context.unit.close(error)
        except DatabaseError as failure:
            error = failure
        if isinstance(error, DatabaseError):
            refusal = await map_database_error(error, context, self._database)
            refusal.__cause__ = error
            return self._resource.compatibility.answered(refusal)
        return error


def _of_http_exception(error: HTTPException) -> Exception:
    """Convert what FastAPI code raises in a hook; its status and detail stay.

    A redirection is answered as it is. Any other status is a mistake: what is raised undoes what
    was written, and so cannot be answered as a success.
    """
    status = error.status_code
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return error
    converted: Exception
    if status in _ERRORS:
        converted = error_from_http_exception(error)
    else:
        converted = HookError(f"HTTPException({status}) is no error: answer by stop(response)")
    converted.__cause__ = error
    return converted


def _answering(own: Step, compatibility: Compatibility) -> Step:
    """Make a step whose conflicts are answered as another API does; those of hooks stay."""

    async def step(context: Context) -> Any:
        try:
            return await own(context)
        except Conflict as conflict:
            raise compatibility.answered(conflict) from conflict.__cause__

    return step


async def run_steps(steps: tuple[Step, ...], context: Context) -> Stop | None:
    """Run the steps of one milestone; a skip leaves the rest of it out."""
    for step in steps:
        outcome = await step(context)
        if outcome is not None:
            if isinstance(outcome, Stop):
                return outcome
            if outcome is SKIP:
                return None
            kind = type(outcome).__name__
            raise HookError(
                f"{_name(step)} returned {kind}: a hook returns None, SKIP or stop(response)"
            )
    return None


def _name(step: Step) -> str:
    function = getattr(step, "__wrapped__", step)
    return getattr(function, "__qualname__", repr(function))


def _limited(hook: Hook, seconds: float) -> Step:
    """Make a step of a hook; one that does not come back is cut off."""

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
