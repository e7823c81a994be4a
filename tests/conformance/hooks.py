"""Hooks that record their order and do what the header ``X-Hooks: stage.timing=behaviour`` asks."""

from collections.abc import Callable
from typing import Any, Final

from encore.errors import Forbidden
from encore.execution.context import Context, Response
from encore.execution.hooks import SKIP, STAGES, Stop
from encore.execution.resource import Resource
from encore.http.request_body import get_header

trace: Final[list[str]] = []
"""``action stage.timing`` of each hook that ran."""


def register_hooks(resource: Resource) -> None:
    """Register a hook for every timing of every stage of every action."""
    for action, hooks in resource.hooks.items():
        for stage in STAGES:
            for timing in ("before", "action", "after"):
                place = f"{stage}.{timing}"
                getattr(hooks.stage(stage), timing)(_create_hook(action, place))


def _create_hook(action: str, place: str) -> Callable[[Context], Any]:
    def hook(context: Context) -> Any:
        trace.append(f"{action} {place}")
        requested = (get_header(context.scope, b"x-hooks") or b"").decode().split(",")
        behaviours = dict(item.partition("=")[::2] for item in requested)
        return _perform(behaviours[place], place, context) if place in behaviours else None

    return hook


def _perform(behaviour: str, place: str, context: Context) -> Any:
    match behaviour:
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
            _change_context(behaviour, context)
    return None


def _change_context(behaviour: str, context: Context) -> None:
    match behaviour:
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
            raise ValueError(behaviour)
