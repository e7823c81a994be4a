"""Checks of custom actions: each mistake is found at start-up, and names resource and argument.

A phase that is misspelt would be a method that nothing calls: every public method of an action
must be one of its phases, and helpers begin with an underscore.
"""

import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from encore.errors import ConfigurationError
from encore.execution import actions
from encore.execution.actions import ACTIONS, Action, RowAction
from encore.execution.hooks import MILESTONES
from encore.http.access import Access
from encore.resource.option_checks import PARAMETER, check_path
from encore.suggestions import most_similar

METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")
_REQUIRED: Final = ("action", "method", "access")
_KNOWN: Final = (*_REQUIRED, "path", "error_responses_like", "describe")

Complaints = Iterator[str]


def check_operation(described: Mapping[str, Any]) -> None:
    """Raise ``ConfigurationError`` for the first argument of an operation that is wrong."""
    action = described.get("action")
    resource = action.resource.name if isinstance(action, Action) else "operation"
    for name in described:
        if name not in _KNOWN:
            raise ConfigurationError(resource, name, f"is none of {', '.join(_KNOWN)}")
    for name in _REQUIRED:
        if name not in described:
            raise ConfigurationError(resource, name, "is required for an operation")
    for name, value in described.items():
        for text in _CHECKS[name](value):
            raise ConfigurationError(resource, name, text)
    assert isinstance(action, Action)  # noqa: S101 - checked
    for name, text in _check_together(action, described):
        raise ConfigurationError(resource, name, text)


def _action(given: Any) -> Complaints:
    if not isinstance(given, Action):
        yield "must be an instance of a subclass of Action"
        return
    if not isinstance(getattr(given, "name", None), str):
        yield f"{type(given).__name__} needs a name"
    for kind in type(given).__mro__:
        if issubclass(kind, Action) and kind.__module__ != actions.__name__:
            for name, member in vars(kind).items():
                if not name.startswith("_"):
                    yield from _member(f"{kind.__name__}.{name}", name, member)


def _member(label: str, name: str, member: Any) -> Complaints:
    """Check one public member of an action's class."""
    is_function = inspect.isroutine(member) or isinstance(member, staticmethod | classmethod)
    phases = (*MILESTONES, "receive", "parse_request")
    if name in phases:
        if not is_function:
            yield f"{label} must be a method"
        elif inspect.iscoroutinefunction(member) == (name == "parse_request"):
            yield f"{label} must {'not be' if name == 'parse_request' else 'be'} async"
    elif is_function and not hasattr(Action, name):
        similar = most_similar(name, phases)
        hint = f"did you mean {similar}?" if similar else "begin the names of helpers with _"
        yield f"{label} is not a phase of an action: {hint}"
    elif name.islower() and not is_function and name not in Action.__annotations__:
        known = [one for one in Action.__annotations__ if not one.startswith("_")]
        yield f"{label} is not an attribute of an action; known are {', '.join(known)}"


def _method(given: Any) -> Complaints:
    if given not in METHODS:
        yield f"must be one of {', '.join(METHODS)}"


def _path(given: Any) -> Complaints:
    if not isinstance(given, str):
        yield "must be a string"
    elif ":" in given:
        yield f"{given!r}: write a parameter as {{id}}"
    elif given:
        yield from check_path(given)


def _access(given: Any) -> Complaints:
    is_list = isinstance(given, list | tuple) and all(isinstance(one, str) for one in given)
    if not isinstance(given, str | Access) and not is_list:
        yield "must be a scope, a list of scopes, or Access"


def _error_responses_like(given: Any) -> Complaints:
    if given not in ACTIONS:
        yield f"must be one of {', '.join(ACTIONS)}"


def _describe(given: Any) -> Complaints:
    if not callable(given):
        yield "must be a function that returns arguments of a FastAPI route"


def _check_together(action: Action, described: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if described["method"] == "GET" and action.writes:
        yield "method", "GET must not write: choose another method"
    if described["method"] == "GET" and action.reads_body:
        yield "method", "GET has no body: choose another method"
    resource = action.resource
    path = resource.collection_path + described.get("path", "")
    if isinstance(action, RowAction):
        expected = {name for name, _ in resource.path_fields}
        if set(PARAMETER.findall(path)) != expected:
            names = ", ".join(f"{{{name}}}" for name, _ in resource.path_fields)
            yield "path", f"must have the parameters {names}, which find the row"


_CHECKS: Final[Mapping[str, Callable[[Any], Complaints]]] = {
    "action": _action,
    "method": _method,
    "path": _path,
    "access": _access,
    "error_responses_like": _error_responses_like,
    "describe": _describe,
}
