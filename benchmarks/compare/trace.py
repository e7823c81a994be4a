"""Hooks that write down their order, and that do what ``X-Do: place=what,place=what`` asks."""

from collections.abc import Callable
from typing import Any, Final

from encore.errors.api import Forbidden
from encore.execution.context import Context, Response
from encore.execution.hooks import MILESTONES, SKIP, Stop
from encore.execution.resource import Resource
from encore.http.body import header

trace: Final[list[str]] = []


def follow(resource: Resource) -> None:
    """Hang a hook on every timing of every milestone of every action."""
    for action, hooks in resource.hooks.items():
        for milestone in MILESTONES:
            for timing in ("before", "action", "after"):
                place = f"{milestone}.{timing}"
                getattr(hooks.milestone(milestone), timing)(_hook(action, place))


def _hook(action: str, place: str) -> Callable[[Context], Any]:
    def hook(context: Context) -> Any:
        trace.append(f"{action} {place}")
        asked = (header(context.scope, b"x-do") or b"").decode().split(",")
        deeds = dict(one.partition("=")[::2] for one in asked)
        return _do(deeds[place], place, context) if place in deeds else None

    return hook


def _do(what: str, place: str, context: Context) -> Any:
    match what:
        case "skip":
            return SKIP
        case "stop":
            body = f'{{"stopped":"{place}"}}'.encode()
            return Stop(Response(202, [(b"content-type", b"application/json")], body))
        case "refuse":
            raise Forbidden("Not yours", ["owner"])
        case "fail":
            raise RuntimeError("the secret of the house")
        case _:
            _set(what, context)
    return None


def _set(what: str, context: Context) -> None:
    match what:
        case "criteria":
            context.criteria = {"owner": "ann"}
        case "narrow":
            context.criteria = {"text": "second"}
        case "own":
            context.key = {"id": 2}
        case "attributes":
            context.attributes.update(text="set by a hook", owner="hook")
        case "count":
            context.count = context.offset = 1
        case "instance":
            context.instance = {"instead": True}
        case _:
            raise ValueError(what)
