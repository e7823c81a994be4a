"""Requests with preconditions on their way through a pipeline.

An action on one row judges them before the body is validated, and again before it writes if hooks
have selected another row; where hooks of ``fetch`` may select it, it first does so after them. An
action that reads judges what it has read. All others cannot compare them, and reject them.
"""

from typing import Any, Final

from encore.execution.actions import Action
from encore.execution.context import Context, Response
from encore.execution.hooks import ActionHooks, Stop
from encore.execution.response_tags import NOT_MODIFIED
from encore.http.preconditions import (
    READING_METHODS,
    Preconditions,
    judge_untagged,
)

_WRITING: Final = frozenset(("fetch", "write"))
_READING: Final = frozenset(("fetch",))
_NEVER: Final = frozenset[str]()


class ConditionalRequests:
    """The requests of one pipeline that have, or need, preconditions.

    Args:
        action: The action.
        hooks: Its hooks.

    Attributes:
        required: Whether every request must be judged, since one without preconditions is rejected.
        needs_key: Whether the key of entity tags may have to be loaded.
        judged_before: The stages before whose own step the action judges.
        judged_after: The stages after whose own step it does.
    """

    def __init__(self, action: Action[Any], hooks: ActionHooks) -> None:
        judges = action.row_preconditions
        self._action = action
        self.required = judges is not None and judges.required
        self._is_early = judges is not None and not hooks.stage("fetch").befores
        self._splits_parsing = type(action).parse_request is Action.parse_request
        self._reads = action.is_tagged and not action.writes
        self._digest = None if action.tags is None else action.resource.digest
        self.needs_key = self._digest is not None
        self.judged_before = _NEVER if judges is None else _WRITING
        self.judged_after = _READING if self._reads else _NEVER

    async def prepare_key(self) -> None:
        """Load the key of entity tags, before a connection is taken.

        Not inside another request: on SQLite, storing a key would wait for the outer unit.
        """
        if self._digest is not None:
            self.needs_key = not await self._digest.prepare()

    async def parse(self, context: Context, preconditions: Preconditions) -> None:
        """Validate a request, judging its preconditions as soon as its target is known.

        Raises:
            ApiError: The request is invalid, or a precondition is not met.
            Stop: The response is 304.
        """
        action = self._action
        if action.row_preconditions is None and not self._reads:
            self._judge_untagged(context, preconditions)
        if not (self._is_early and self._splits_parsing):
            action.parse_request(context)
        else:
            action.parse_target(context)
        if self._is_early:
            if context.idempotent_run is not None:  # A replay is not judged.
                await context.idempotent_run.claim(context.unit)
            await action.judge(context)
        if self._is_early and self._splits_parsing:
            action.parse_body(context)

    def _judge_untagged(self, context: Context, preconditions: Preconditions) -> None:
        judged = self._action.own_preconditions
        if self._action.checks_if_match:
            judged |= {"if_match"}
        preconditions = preconditions._replace(**dict.fromkeys(judged))
        if judge_untagged(preconditions, reads=context.scope["method"] in READING_METHODS):
            raise not_modified()


def not_modified() -> Stop:
    """Return what ends a run with 304, without validators."""
    return Stop(Response(NOT_MODIFIED, [], b""))
