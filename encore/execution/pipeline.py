"""Pipelines: an action and its hooks, compiled into the steps of one run.

For each stage a pipeline has the hooks before the action's own step, that step, and the hooks
after it. Stages at which nothing happens are left out, so a pipeline without hooks costs nothing
for them.

The order of a run: the body is received and decoded; hooks of ``start`` and ``auth``; the request
is parsed and validated; ``fetch``, ``data``, ``write`` and ``send``; ``complete``, always. An
idempotency key (``encore.idempotency``) is claimed before ``fetch``: if it has a response, that one
is sent, and nothing else runs.
"""

from collections.abc import Callable
from typing import Any, Final

import structlog
from starlette.types import Receive, Scope

from encore.database.protocol import Database
from encore.errors import (
    BadRequest,
)
from encore.execution.actions import ACTIONS, Action
from encore.execution.conditional_requests import ConditionalRequests
from encore.execution.context import Context, Response
from encore.execution.dry_run import DryRuns
from encore.execution.failures import (
    api_error,
    formatted_error,
    log_failed_complete,
    log_hook_error,
    undo,
    without_http_exception,
)
from encore.execution.hooks import (
    AFTER_PARSING,
    BEFORE_PARSING,
    STAGES,
    ActionHooks,
    Stop,
)
from encore.execution.keyed_runs import (
    commit_keyed,
    end_replay,
    keyed_run,
    replayed,
)
from encore.execution.other_run import other_run
from encore.execution.response_checks import check_response
from encore.execution.response_tags import SHAPING_STAGES
from encore.execution.return_preference import apply_return_preference
from encore.execution.steps import Step, converting_conflicts, limited, run_steps
from encore.execution.unit_of_work import UnitOfWork
from encore.http.preconditions import NO_PRECONDITIONS, parse_preconditions
from encore.http.prefer_header import RETURN, check_preferences
from encore.http.special_headers import has_special_headers
from encore.idempotency.run import IdempotentRun
from encore.models.session_requirements import UnsupportedEventListener
from encore.query.parameter_errors import invalid_parameter
from encore.query.write_parameters import DRY_RUN, asks_for_dry_run

_log: Final = structlog.get_logger("encore.execution")

_LAST: Final = "complete"
_WITH_INSTANCE: Final = ("fetch", "data", "write", "send")
"""The stages whose hooks may change the instance before it is sent."""


class Pipeline:
    """Runs one action of one resource.

    Args:
        action: The action.
        hooks: The hooks of its stages.
        database: The database. One transaction contains the whole run: any error rolls it back,
            and nothing is sent before the commit.

    Attributes:
        produces: The media types of its responses; empty if they are not known beforehand.
        receives: Whether it reads a body.
    """

    produces: tuple[str, ...]
    receives: bool

    def __init__(self, action: Action[Any], hooks: ActionHooks, database: Database) -> None:
        self.action = action
        self._resource = action.resource
        self._hooks = hooks
        self._database = database
        self._dry_runs = DryRuns(self._resource.fields, database)
        self._compile()
        hooks.listeners.append(self._compile)

    def _compile(self) -> None:
        """Compile the steps; called again when a hook is added."""
        self.action.has_hooks = has_hooks = bool(self._hooks)
        # Most requests have no body: this saves them a call.
        self.receives = self.action.reads_body or type(self.action).receive is not Action.receive
        self._is_checked = has_hooks or type(self.action) not in ACTIONS.values()
        self.action.exposes_instance = any(map(self._hooks.stage, _WITH_INSTANCE))
        self.action.is_shaped = any(map(self._hooks.stage, SHAPING_STAGES))
        self._tags_late = self.action.is_tagged and self.action.is_shaped
        self._single = self.action.single and not has_hooks
        self._conditional = ConditionalRequests(self.action, self._hooks)
        self._validate = _validator(self.action)
        names = STAGES[: STAGES.index(_LAST)]
        steps = {name: found for name in names if (found := self._steps(name, has_hooks=has_hooks))}
        self._before_parsing = tuple(steps.pop(name) for name in BEFORE_PARSING if name in steps)
        self._after_parsing = tuple(steps.values())
        self._prefers_return = RETURN in self.action.preferences
        judged = (self._steps(n, has_hooks=has_hooks, judged=True) for n in AFTER_PARSING)
        self._judged_steps = tuple(filter(None, judged))
        self._complete = self._steps(_LAST, has_hooks=has_hooks)
        # A hook of send may make a response of another media type.
        self.produces = () if self._hooks.stage("send") else self.action.produces

    def _steps(self, name: str, *, has_hooks: bool, judged: bool = False) -> tuple[Step, ...]:
        """Return the steps of a stage, for requests with preconditions if they are ``judged``."""
        stage = self._hooks.stage(name)
        own_step: Step | None = getattr(self.action, name, None)
        if stage.replaced or (name in self.action.only_for_hooks and not has_hooks):
            own_step = None
        if own_step is not None and not self._resource.compatibility.conflicts:
            own_step = converting_conflicts(own_step, self._resource.compatibility)
        limit, conditional = self._resource.options.hook_seconds, self._conditional
        return (
            *(limited(hook, limit) for hook in stage.befores),
            *((self.action.judge,) if judged and name in conditional.judged_before else ()),
            *(() if own_step is None else (own_step,)),
            *((self.action.judge,) if judged and name in conditional.judged_after else ()),
            *(limited(hook, limit) for hook in (*stage.actions, *stage.afters)),
        )

    def _unit(self, outer: UnitOfWork | None = None) -> UnitOfWork:
        try:
            single = self._single and not self.action.needs_session()
        except UnsupportedEventListener as error:  # The renderer's log has no texts of exceptions.
            _log.error("unsupported listener", resource=self._resource.name, reason=str(error))
            raise
        return UnitOfWork(self._database, writes=self.action.writes, single=single, outer=outer)

    async def run(
        self, scope: Scope, receive: Receive, outer: UnitOfWork | None = None
    ) -> Response:
        """Run the action for one request.

        Args:
            scope: The request.
            receive: The channel of its body.
            outer: The unit of a bulk write or a batch, whose transaction the run is part of. If
                the run fails, its caller rolls back.

        Raises:
            ApiError: The request is rejected, or the action has failed.
        """
        action, is_special = self.action, has_special_headers(scope)
        keyed = self._keyed_run(scope, outer) if is_special else None
        context = action.context_type(
            self._resource,
            action.name,
            scope,
            self._unit(outer),
            action.finds_by_key,
            action.has_hooks,
            status=action.status,
        )
        if keyed is not None:
            context.idempotent_run, receive = keyed, keyed.digesting(receive)
        try:
            if action.parameters and asks_for_dry_run(scope["query_string"]):
                self._begin_dry_run(context)
            response = await self._run(context, receive, is_special=is_special)
            if context.is_dry_run:
                response = await self._dry_runs.end(context.unit, response)
            elif keyed is not None:
                await commit_keyed(keyed, context, response)
            else:
                await context.unit.close(None)
        except Exception as error:  # noqa: BLE001 - _fail handles all of them
            if keyed is not None and keyed.replay is not None:
                await end_replay(
                    keyed,
                    context,
                    error,
                    self._database,
                    may_have_written=bool(self._before_parsing),
                )
                return replayed(keyed.replay)
            return await self._fail(context, error, is_joined=outer is not None)
        except BaseException as error:
            await context.unit.close(error)
            raise
        finally:
            if keyed is not None:
                keyed.close()
        return response

    @staticmethod
    def _begin_dry_run(context: Context) -> None:
        """Have everything rolled back at the end, also if a hook stops the action early.

        Raises:
            InvalidQuery: The run is part of another request, whose transaction is not its own.
            BadRequest: The request has an idempotency key.
        """
        if context.unit.is_joined:
            raise invalid_parameter(DRY_RUN, "is not possible for a part of a request")
        if context.idempotent_run is not None:
            raise BadRequest(f"Idempotency-Key is not supported with {DRY_RUN}: nothing is written")
        context.is_dry_run = True
        context.unit.run_several()

    def _keyed_run(self, scope: Scope, outer: UnitOfWork | None) -> IdempotentRun | None:
        keys, writes = self._resource.idempotency_keys, self.action.writes
        return keyed_run(scope, keys, writes=writes, is_joined=outer is not None)

    async def _run(self, context: Context, receive: Receive, *, is_special: bool) -> Response:
        conditional = self._conditional
        if is_special:
            check_preferences(context.scope, self.action.preferences)
            context.preconditions = parse_preconditions(context.scope)
        if conditional.required and context.preconditions is None:
            context.preconditions = NO_PRECONDITIONS
        try:
            if self.receives or is_special or conditional.needs_key:
                await self._receive(context, receive)
            stopped = await self._run_early(context) if self._before_parsing else None
            if stopped is None:
                stopped = await self._run_action(context)
        except Stop as raised:
            stopped = raised
        if self._complete:
            stopped = await self._run_complete(context) or stopped
        return self._response(context) if stopped is None else stopped.response

    async def _receive(self, context: Context, receive: Receive) -> None:
        """Do what comes before any connection is taken: receive the body, wait for a twin."""
        if self._conditional.needs_key and not context.unit.is_joined:
            await self._conditional.prepare_key()
        if self.receives:
            await self.action.receive(context, receive)
        if context.idempotent_run is not None:
            await context.idempotent_run.begin(context.unit)

    def _response(self, context: Context) -> Response:
        if self._tags_late and self.action.tags is not None:
            self.action.tags.finish(context, is_shaped=True)
        if self._is_checked:
            check_response(context.status, context.headers, context.body)
        if self._prefers_return:
            apply_return_preference(context)
        return Response(context.status, context.headers, context.body)

    async def _run_action(self, context: Context) -> Stop | None:
        """Validate the request, and run the stages after that."""
        stages = self._after_parsing
        if context.preconditions is None:
            self._validate(context)
        else:
            await self._conditional.parse(context, context.preconditions)
            stages = self._judged_steps
        if context.undecided is not None or context.idempotent_run is not None:
            await self._begin_writing(context)
        for steps in stages:
            if (stopped := await run_steps(steps, context)) is not None:
                return stopped
        return None

    async def _begin_writing(self, context: Context) -> None:
        """Claim the idempotency key, and validate what needs the stored row."""
        if context.idempotent_run is not None:
            await context.idempotent_run.claim(context.unit)
        if context.undecided is not None:
            await self.action.resolve_undecided(context)

    async def _run_early(self, context: Context) -> Stop | None:
        """Run the hooks of the stages before the request is validated."""
        for steps in self._before_parsing:
            if (stopped := await run_steps(steps, context)) is not None:
                return stopped
        return None

    async def _run_complete(self, context: Context) -> Stop | None:
        """Run the last stage; a hook that stops there replaces the response."""
        try:
            return await run_steps(self._complete, context)
        except Stop as stopped:
            return stopped

    async def _fail(
        self, context: Context, error: Exception, *, is_joined: bool = False
    ) -> Response:
        """Roll back, run ``complete``, and return the response to an error or raise it."""
        error = without_http_exception(error)
        with_cause = await undo(context, error, self._database)
        context.error = api_error(with_cause)
        # Hooks of complete may still read; what they write is rolled back as well. The outer unit
        # still has its connection, so that another one that writes would wait for it for ever.
        context.unit = (
            UnitOfWork(self._database, writes=False, single=False) if is_joined else self._unit()
        )
        stopped = None
        try:
            stopped = await self._run_complete(context)
        except Exception as another:  # noqa: BLE001 - the first error is reported
            log_failed_complete(another)
        finally:
            await context.unit.close(error)
        log_hook_error(context, error)
        if (other := other_run(context.scope, error, context.error)) is not None:
            raise other from error.__cause__
        if stopped is not None:
            return stopped.response
        formatted = await formatted_error(context, context.error, self._hooks.format_error)
        if formatted is not None:
            return formatted
        if with_cause is error:  # Its own cause stays, for the log.
            raise error
        raise with_cause from error


def _validator(action: Action[Any]) -> Callable[[Any], None]:
    """Return what validates a request of an action, without a call that does nothing."""
    type_ = type(action)
    if type_.parse_request is Action.parse_request and type_.parse_body is Action.parse_body:
        return action.parse_target
    return action.parse_request
