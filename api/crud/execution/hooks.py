"""Hooks: functions of a service's own, at the milestones of an action.

Finale's: ``start``, ``auth``, ``fetch``, ``data``, ``write``, ``send`` and ``complete``, each with
``before``, ``action`` and ``after``. A hook takes the context and returns nothing (go on),
``SKIP`` (leave this milestone) or ``stop(response)``; it refuses by raising an ``ApiError``::

    @widgets.create.write.before
    async def stamp(context: Context) -> None:
        context.attributes["created_by"] = context.claims["sub"]
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from starlette.responses import Response as StarletteResponse

from api.crud.execution.context import Context, Response
from api.errors import ApiError

BEFORE_PARSING: Final = ("start", "auth")
"""The milestones that run before names and values of the request are validated."""

MILESTONES: Final = (*BEFORE_PARSING, "fetch", "data", "write", "send", "complete")
MOMENTS: Final = ("before", "action", "after")

Hook = Callable[[Context], Any]
"""Sync (it must be quick: it runs on the event loop) or async."""

ErrorFormatter = Callable[[Context, ApiError], Response | StarletteResponse | None]


class Skip(Enum):
    """The type of ``SKIP``."""

    REST_OF_MILESTONE = "skip"


SKIP: Final = Skip.REST_OF_MILESTONE


@dataclass(frozen=True, slots=True)
class Stop:
    """Ends the action here with a response; what was written is kept."""

    response: Response


def stop(response: Response | StarletteResponse) -> Stop:
    """End the action here with this response: ours or Starlette's."""
    return Stop(as_response(response))


def as_response(response: Response | StarletteResponse) -> Response:
    """Give a response in our form."""
    if isinstance(response, Response):
        return response
    headers = [(k, v) for k, v in response.raw_headers if k != b"content-length"]
    return Response(response.status_code, headers, bytes(response.body))


class Milestone:
    """The hooks of one milestone of one action; each method also works as a decorator."""

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
        self.replaced = True
        return self._add(self.actions, hook)

    def __call__(self, hook: Hook) -> Hook:
        """As ``action``."""
        return self.action(hook)

    def __bool__(self) -> bool:
        """Tell whether there is any hook here."""
        return bool(self.befores or self.actions or self.afters)

    def _add(self, hooks: list[Hook], hook: Hook) -> Hook:
        hooks.append(hook)
        self._changed()
        return hook


class ActionHooks:
    """The milestones of one action, as attributes, and its error formatter."""

    start: Milestone
    auth: Milestone
    fetch: Milestone
    data: Milestone
    write: Milestone
    send: Milestone
    complete: Milestone

    def __init__(self) -> None:
        self.changed: Callable[[], None] = lambda: None
        self.format_error: ErrorFormatter | None = None
        for name in MILESTONES:
            setattr(self, name, Milestone(self._tell))

    def _tell(self) -> None:
        self.changed()

    def milestone(self, name: str) -> Milestone:
        """Give a milestone by its name. Raises ``AttributeError`` in Finale's words."""
        if name not in MILESTONES:
            raise AttributeError(f"invalid milestone: {name}")
        found: Milestone = getattr(self, name)
        return found

    def on_error(self, formatter: ErrorFormatter) -> ErrorFormatter:
        """Have a function make the response of an error; None leaves it to the renderer."""
        self.format_error = formatter
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
        return _AllMilestones([hooks.milestone(name) for hooks in self._actions.values()])

    def milestone(self, name: str) -> "_AllMilestones":
        """Give a milestone of every action by its name."""
        return _AllMilestones([hooks.milestone(name) for hooks in self._actions.values()])


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

    def _each(self, moment: str, hook: Hook) -> Hook:
        for milestone in self.milestones:
            getattr(milestone, moment)(hook)
        return hook


def use(actions: Mapping[str, ActionHooks], bundle: Mapping[str, Any]) -> None:
    """Register a bundle: ``{"create": {"write": {"before": hook}}, "all": {"start": hook}}``.

    Raises:
        AttributeError: An action, milestone or moment that there is not.
    """
    for action, milestones in bundle.items():
        if action != "all" and action not in actions:
            raise AttributeError(f"invalid action: {action}")
        hooks: Any = AllHooks(actions) if action == "all" else actions[action]
        for name, given in milestones.items():
            milestone = hooks.milestone(name)
            moments = given if isinstance(given, Mapping) else {"action": given}
            for moment, hook in moments.items():
                if moment not in MOMENTS:
                    raise AttributeError(f"invalid moment: {moment}")
                getattr(milestone, moment)(hook)
