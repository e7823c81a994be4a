"""Hooks: functions of a service's own, at the milestones of an action.

Finale's: ``start``, ``auth``, ``fetch``, ``data``, ``write``, ``send`` and ``complete``, each with
``before``, ``action`` and ``after``. A hook takes the context and returns nothing (go on),
``SKIP`` (leave this milestone) or ``stop(response)``, which it may also raise; it refuses by
raising an ``ApiError``::

    @widgets.create.write.before
    async def stamp(context: Context) -> None:
        context.attributes["created_by"] = context.claims["sub"]

What is not a hook, and a milestone or a timing that does not exist, is refused when it is
registered; any other result of a hook when it returns.
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
"""The milestones that run before names and values of the request are validated."""

MILESTONES: Final = (*BEFORE_PARSING, "fetch", "data", "write", "send", "complete")
TIMINGS: Final = ("before", "action", "after", "replace")

Hook = Callable[[Context], Any]
"""Sync (it must be quick: it runs on the event loop) or async."""

ErrorFormatter = Callable[[Context, ApiError], Any]
"""Returns a response (ours or Starlette's) or None, or is async and does so."""


class Skip(Enum):
    """The type of ``SKIP``."""

    REST_OF_MILESTONE = "skip"


SKIP: Final = Skip.REST_OF_MILESTONE


class Stop(Exception):
    """Ends the action here with a response, returned or raised; what was written is kept."""

    def __init__(self, response: Response) -> None:
        super().__init__("stop")
        self.response = response


def stop(response: Response | StarletteResponse) -> Stop:
    """Return what ends the action here with this response (ours or Starlette's)."""
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
        kind = type(response).__name__
        raise HookError(f"{kind} is not a response: give a Response with its body in memory")
    headers = [(k, v) for k, v in response.raw_headers if k != b"content-length"]
    return as_response(Response(response.status_code, headers, bytes(response.body)))


class Milestone:
    """The hooks of one milestone of one action; each method also works as a decorator."""

    # With slots, assigning to ``before`` and the like is an error rather than without effect.
    __slots__ = ("_changed", "actions", "afters", "befores", "replaced")

    def __init__(self, changed: Callable[[], None]) -> None:
        self.befores: list[Hook] = []
        self.actions: list[Hook] = []
        self.afters: list[Hook] = []
        self.replaced = False
        self._changed = changed

    def before(self, hook: Hook) -> Hook:
        """Run a hook before what the action does here."""
        return self._add(self.befores, hook)

    def action(self, hook: Hook) -> Hook:
        """Run a hook behind what the action does here (Finale's plain registration)."""
        return self._add(self.actions, hook)

    def after(self, hook: Hook) -> Hook:
        """Run a hook after that."""
        return self._add(self.afters, hook)

    def replace(self, hook: Hook) -> Hook:
        """Run a hook in place of what the action does here."""
        check_callable(hook, 1, "hook")
        self.replaced = True
        return self._add(self.actions, hook)

    def __call__(self, hook: Hook) -> Hook:
        """As ``action``."""
        return self.action(hook)

    def __bool__(self) -> bool:
        """Tell whether there is any hook here."""
        return bool(self.befores or self.actions or self.afters)

    def _add(self, hooks: list[Hook], hook: Hook) -> Hook:
        check_callable(hook, 1, "hook")
        hooks.append(hook)
        self._changed()
        return hook


def check_callable(given: Any, arguments: int, what: str) -> None:
    """Raise ``TypeError`` unless this can be called with so many positional arguments."""
    if not callable(given):
        raise TypeError(f"a {what} must be callable, not {type(given).__name__}")
    try:
        signature = inspect.signature(given)
    except ValueError:  # Some builtins have none.
        return
    try:
        signature.bind(*[None] * arguments)
    except TypeError as error:
        name = getattr(given, "__qualname__", repr(given))
        text = f"the {what} {name} is called with {arguments} argument(s): {error}"
        raise TypeError(text) from error


class ActionHooks:
    """The milestones of one action, as attributes, and its error formatter.

    Args:
        unused: Why hooks would never run, if the resource does not have this action.
    """

    start: Milestone
    auth: Milestone
    fetch: Milestone
    data: Milestone
    write: Milestone
    send: Milestone
    complete: Milestone

    def __init__(self, unused: ConfigurationError | None = None) -> None:
        self.listeners: list[Callable[[], None]] = []
        self.format_error: ErrorFormatter | None = None
        self.unused = unused
        for name in MILESTONES:
            vars(self)[name] = Milestone(self._tell)

    def __setattr__(self, name: str, value: Any) -> None:
        """Refuse ``create.write = hook``: hooks are registered by calls."""
        if name in MILESTONES:
            raise AttributeError(f"register a hook by calling {name}.before, .action or .after")
        super().__setattr__(name, value)

    def _tell(self) -> None:
        if self.unused is not None:
            raise self.unused
        self.changed()

    def changed(self) -> None:
        """Have the plans that run these hooks lay out their steps anew."""
        for listener in self.listeners:
            listener()

    def milestone(self, name: str) -> Milestone:
        """Give a milestone by its name. Raises ``AttributeError`` in Finale's words."""
        if name not in MILESTONES:
            raise AttributeError(f"invalid milestone: {name}")
        found: Milestone = getattr(self, name)
        return found

    def on_error(self, formatter: ErrorFormatter) -> ErrorFormatter:
        """Have a function make the response of an error; None leaves it to the renderer.

        Raises:
            TypeError: It cannot be called with a context and an error.
            ValueError: There is one already.
        """
        check_callable(formatter, 2, "formatter")
        if self.format_error is not None:
            raise ValueError("on_error has a formatter already")
        self.format_error = formatter
        self._tell()
        return formatter

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"invalid milestone: {name}")

    def __bool__(self) -> bool:
        """Tell whether there is any hook."""
        return any(self.milestone(name) for name in MILESTONES)


class AllHooks:
    """Registers with every action at once: ``widgets.all.start.before(hook)``."""

    def __init__(self, actions: Mapping[str, ActionHooks]) -> None:
        self._actions = actions

    def __getattr__(self, name: str) -> "_AllMilestones":
        return self.milestone(name)

    def milestone(self, name: str) -> "_AllMilestones":
        """Return a milestone of every action that there is, by its name."""
        if name not in MILESTONES:
            raise AttributeError(f"invalid milestone: {name}")
        return _AllMilestones([hooks.milestone(name) for hooks in self._used()])

    def on_error(self, formatter: ErrorFormatter) -> ErrorFormatter:
        """See ``ActionHooks.on_error``."""
        for hooks in self._used():
            hooks.on_error(formatter)
        return formatter

    def _used(self) -> list[ActionHooks]:
        return [hooks for hooks in self._actions.values() if hooks.unused is None]


@dataclass(frozen=True, slots=True)
class _AllMilestones:
    milestones: list[Milestone]

    def before(self, hook: Hook) -> Hook:
        """See ``Milestone.before``."""
        return self._each("before", hook)

    def action(self, hook: Hook) -> Hook:
        """See ``Milestone.action``."""
        return self._each("action", hook)

    def after(self, hook: Hook) -> Hook:
        """See ``Milestone.after``."""
        return self._each("after", hook)

    def replace(self, hook: Hook) -> Hook:
        """See ``Milestone.replace``."""
        return self._each("replace", hook)

    __call__ = action

    def _each(self, timing: str, hook: Hook) -> Hook:
        for milestone in self.milestones:
            getattr(milestone, timing)(hook)
        return hook


def use(actions: Mapping[str, ActionHooks], bundle: Mapping[str, Any]) -> None:
    """Register a bundle: ``{"create": {"write": {"before": hook}}, "all": {"start": hook}}``.

    Beside milestones, an action may have ``on_error``.

    Raises:
        AttributeError: An unknown action, milestone or timing.
        TypeError: A value that is neither a hook nor a mapping.
    """
    for action, milestones in bundle.items():
        if action != "all" and action not in actions:
            raise AttributeError(f"invalid action: {action}")
        hooks: Any = AllHooks(actions) if action == "all" else actions[action]
        if not isinstance(milestones, Mapping):
            raise TypeError(f"{action}: must be a mapping from milestones to hooks")
        for name, given in milestones.items():
            if name == "on_error":
                hooks.on_error(given)
                continue
            milestone = hooks.milestone(name)
            timings = given if isinstance(given, Mapping) else {"action": given}
            for timing, hook in timings.items():
                if timing not in TIMINGS:
                    raise AttributeError(f"invalid timing: {timing}")
                getattr(milestone, timing)(hook)
