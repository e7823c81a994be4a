"""Hooks: functions that a service registers at the stages of an action.

The stages are Finale's milestones: ``start``, ``auth``, ``fetch``, ``data``, ``write``, ``send``
and ``complete``. The timings of each are ``before``, ``action``, ``after`` and ``replace``. A hook
takes the context and returns nothing (continue), ``SKIP`` (skip the rest of this stage) or
``stop(response)``, which it may also raise. It rejects a request by raising an ``ApiError``::

    @widgets.create.write.before
    async def stamp(context: Context) -> None:
        context.attributes["created_by"] = context.claims["sub"]

Registering raises an error for an invalid hook and for a stage or a timing that does not exist. Any
other result of a hook is an error when it returns.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from starlette.responses import Response as StarletteResponse

from encore.errors import ApiError, ConfigurationError, HookError
from encore.execution.context import Context, Response
from encore.execution.response_checks import check_response

BEFORE_PARSING: Final = ("start", "auth")
"""The stages that run before names and values of the request are validated."""

AFTER_PARSING: Final = ("fetch", "data", "write", "send")
STAGES: Final = (*BEFORE_PARSING, *AFTER_PARSING, "complete")
TIMINGS: Final = ("before", "action", "after", "replace")

Hook = Callable[[Context], Any]
"""Synchronous (it must be quick: it runs on the event loop) or asynchronous."""

ErrorFormatter = Callable[[Context, ApiError], Any]
"""Returns a response (ours or Starlette's) or None; may be asynchronous."""


class Skip(Enum):
    """The type of ``SKIP``."""

    REST_OF_STAGE = "skip"


SKIP: Final = Skip.REST_OF_STAGE


class Stop(Exception):
    """Ends the action with a response, returned or raised; what was written is committed."""

    def __init__(self, response: Response) -> None:
        super().__init__("stop")
        self.response = response


def stop(response: Response | StarletteResponse) -> Stop:
    """Return the result of a hook that ends the action with this response.

    Args:
        response: Ours or Starlette's, with its body in memory.

    Raises:
        HookError: It is not a response, or it cannot be sent.
    """
    return Stop(as_response(response))


def as_response(response: Any) -> Response:
    """Convert a response to ours.

    Raises:
        HookError: It is neither ours nor Starlette's, its body is not in memory, or it cannot be
            sent.
    """
    if isinstance(response, Response):
        check_response(response.status, response.headers, response.body)
        return response
    if not isinstance(response, StarletteResponse) or not hasattr(response, "body"):
        type_ = type(response).__name__
        raise HookError(f"{type_} is not a response: return a Response with its body in memory")
    headers = [(name, v) for name, v in response.raw_headers if name != b"content-length"]
    return as_response(Response(response.status_code, headers, bytes(response.body)))


class Stage:
    """The hooks of one stage of one action; each method also works as a decorator."""

    # With slots, assigning to ``before`` raises an error instead of having no effect.
    __slots__ = ("_changed", "actions", "afters", "befores", "replaced")

    def __init__(self, changed: Callable[[], None]) -> None:
        self.befores: list[Hook] = []
        self.actions: list[Hook] = []
        self.afters: list[Hook] = []
        self.replaced = False
        self._changed = changed

    def before(self, hook: Hook) -> Hook:
        """Run a hook before the action's own step."""
        return self._add(self.befores, hook)

    def action(self, hook: Hook) -> Hook:
        """Run a hook directly after the action's own step (Finale's plain registration)."""
        return self._add(self.actions, hook)

    def after(self, hook: Hook) -> Hook:
        """Run a hook after those of ``action``."""
        return self._add(self.afters, hook)

    def replace(self, hook: Hook) -> Hook:
        """Run a hook instead of the action's own step."""
        check_callable(hook, 1, "hook")
        self.replaced = True
        return self._add(self.actions, hook)

    def __call__(self, hook: Hook) -> Hook:
        """Run a hook as ``action`` does."""
        return self.action(hook)

    def __bool__(self) -> bool:
        """Return whether this stage has any hook."""
        return bool(self.befores or self.actions or self.afters)

    def _add(self, hooks: list[Hook], hook: Hook) -> Hook:
        check_callable(hook, 1, "hook")
        hooks.append(hook)
        self._changed()
        return hook


def check_callable(function: Any, arguments: int, label: str) -> None:
    """Raise ``TypeError`` unless a function can be called with so many positional arguments."""
    if not callable(function):
        raise TypeError(f"a {label} must be callable, not {type(function).__name__}")
    try:
        signature = inspect.signature(function)
    except ValueError:  # Some builtins have none.
        return
    try:
        signature.bind(*[None] * arguments)
    except TypeError as error:
        name = getattr(function, "__qualname__", repr(function))
        message = f"the {label} {name} is called with {arguments} argument(s): {error}"
        raise TypeError(message) from error


class ActionHooks:
    """The stages of one action, as attributes, and its error formatter.

    Args:
        unused: The error to raise for any hook, if the resource does not have this action.
    """

    start: Stage
    auth: Stage
    fetch: Stage
    data: Stage
    write: Stage
    send: Stage
    complete: Stage

    def __init__(self, unused: ConfigurationError | None = None) -> None:
        self.listeners: list[Callable[[], None]] = []
        self.format_error: ErrorFormatter | None = None
        self.unused = unused
        for name in STAGES:
            vars(self)[name] = Stage(self._hooks_changed)

    def __setattr__(self, name: str, value: Any) -> None:
        """Reject ``create.write = hook``: hooks are registered by calls."""
        if name in STAGES:
            raise AttributeError(f"register a hook by calling {name}.before, .action or .after")
        super().__setattr__(name, value)

    def _hooks_changed(self) -> None:
        if self.unused is not None:
            raise self.unused
        self.notify()

    def notify(self) -> None:
        """Invalidate the steps that pipelines have compiled of these hooks."""
        for listener in self.listeners:
            listener()

    def stage(self, name: str) -> Stage:
        """Return a stage by its name. Raises ``AttributeError``."""
        if name not in STAGES:
            raise AttributeError(f"invalid stage: {name}")
        found: Stage = getattr(self, name)
        return found

    def on_error(self, formatter: ErrorFormatter) -> ErrorFormatter:
        """Register a function that makes the responses of errors.

        Args:
            formatter: Takes the context and the error; returns None to leave the error to the
                renderer.

        Raises:
            TypeError: The function cannot be called with a context and an error.
            ValueError: There is a formatter already.
        """
        check_callable(formatter, 2, "formatter")
        if self.format_error is not None:
            raise ValueError("on_error has a formatter already")
        self.format_error = formatter
        self._hooks_changed()
        return formatter

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"invalid stage: {name}")

    def __bool__(self) -> bool:
        """Return whether any stage has a hook."""
        return any(self.stage(name) for name in STAGES)


class AllHooks:
    """Registers hooks with all actions at once: ``widgets.all.start.before(hook)``."""

    def __init__(self, actions: Mapping[str, ActionHooks]) -> None:
        self._actions = actions

    def __getattr__(self, name: str) -> "AllStages":
        return self.stage(name)

    def stage(self, name: str) -> "AllStages":
        """Return a stage of all actions of the resource, by its name. Raises ``AttributeError``."""
        if name not in STAGES:
            raise AttributeError(f"invalid stage: {name}")
        return AllStages([hooks.stage(name) for hooks in self._used()])

    def on_error(self, formatter: ErrorFormatter) -> ErrorFormatter:
        """See ``ActionHooks.on_error``."""
        for hooks in self._used():
            hooks.on_error(formatter)
        return formatter

    def _used(self) -> list[ActionHooks]:
        return [hooks for hooks in self._actions.values() if hooks.unused is None]


@dataclass(frozen=True, slots=True)
class AllStages:
    """One stage of all actions of a resource; each method also works as a decorator."""

    stages: list[Stage]

    def before(self, hook: Hook) -> Hook:
        """See ``Stage.before``."""
        return self._each("before", hook)

    def action(self, hook: Hook) -> Hook:
        """See ``Stage.action``."""
        return self._each("action", hook)

    def after(self, hook: Hook) -> Hook:
        """See ``Stage.after``."""
        return self._each("after", hook)

    def replace(self, hook: Hook) -> Hook:
        """See ``Stage.replace``."""
        return self._each("replace", hook)

    __call__ = action

    def _each(self, timing: str, hook: Hook) -> Hook:
        for stage in self.stages:
            getattr(stage, timing)(hook)
        return hook


def register_bundle(actions: Mapping[str, ActionHooks], bundle: Mapping[str, Any]) -> None:
    """Register a bundle: ``{"create": {"write": {"before": hook}}, "all": {"start": hook}}``.

    Besides stages, an action may have ``on_error``.

    Raises:
        AttributeError: An action, a stage or a timing does not exist.
        TypeError: A value is neither a hook nor a mapping.
    """
    for action, stages in bundle.items():
        if action != "all" and action not in actions:
            raise AttributeError(f"invalid action: {action}")
        hooks: Any = AllHooks(actions) if action == "all" else actions[action]
        if not isinstance(stages, Mapping):
            raise TypeError(f"{action}: must be a mapping from stages to hooks")
        for name, value in stages.items():
            if name == "on_error":
                hooks.on_error(value)
                continue
            stage = hooks.stage(name)
            timings = value if isinstance(value, Mapping) else {"action": value}
            for timing, hook in timings.items():
                if timing not in TIMINGS:
                    raise AttributeError(f"invalid timing: {timing}")
                getattr(stage, timing)(hook)
