"""Start-up checks of custom actions; each error names the resource and the argument.

A misspelt stage (``fetsh``) would be a method that nothing calls: every public method of an action
must be ``receive``, ``parse_request``, a stage, or a method that ``Action`` has; the names of
helper methods begin with an underscore.
"""

import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, get_args

from encore.errors import ConfigurationError
from encore.execution.actions import ACTIONS, Action, RowAction
from encore.execution.context import Context
from encore.execution.hooks import STAGES
from encore.http.access import Access, check_scopes
from encore.resource.option_checks import PARAMETER, check_path
from encore.suggestions import most_similar

HTTP_METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")
_PARSING: Final = ("parse_request", "parse_target", "parse_body")
_METHODS: Final = (*STAGES, "receive", *_PARSING)
"""The methods of an action that the pipeline calls."""

_REQUIRED: Final = ("action", "method", "access")
_KNOWN: Final = (*_REQUIRED, "path", "error_responses_like", "describe")

Problems = Iterator[str]


def check_custom_action(arguments: Mapping[str, Any]) -> None:
    """Raise ``ConfigurationError`` for the first invalid argument of ``Crud.custom_action``."""
    action = arguments.get("action")
    resource = action.resource.name if isinstance(action, Action) else "custom action"
    for name in arguments:
        if name not in _KNOWN:
            raise ConfigurationError(resource, name, f"is none of {', '.join(_KNOWN)}")
    for name in _REQUIRED:
        if name not in arguments:
            raise ConfigurationError(resource, name, "is required for a custom action")
    for name, value in arguments.items():
        for problem in _CHECKS[name](value):
            raise ConfigurationError(resource, name, problem)
    for name, problem in _check_together(arguments):
        raise ConfigurationError(resource, name, problem)


def _action(value: Any) -> Problems:
    if not isinstance(value, Action):
        yield "must be an instance of a subclass of Action"
        return
    if not isinstance(getattr(value, "name", None), str):
        yield f"{type(value).__name__} needs a name"
    for class_ in type(value).__mro__:
        if issubclass(class_, Action):
            for name, member in vars(class_).items():
                if not name.startswith("_"):
                    yield from _member(f"{class_.__name__}.{name}", name, member)
    yield from _context_type(value)


def _context_type(action: Action[Any]) -> Problems:
    """Compare the context that an action's class is declared for with its ``context_type``."""
    context_type: Any = action.context_type
    if not (isinstance(context_type, type) and issubclass(context_type, Context)):
        yield "context_type must be Context or a subclass of it"
        return
    for class_ in type(action).__mro__:
        for base in vars(class_).get("__orig_bases__", ()):
            for argument in get_args(base):
                if isinstance(argument, type) and not issubclass(context_type, argument):
                    name = argument.__name__
                    yield f"{class_.__name__} takes {name}: set context_type = {name}"


def _member(label: str, name: str, member: Any) -> Problems:
    """Check one public member of an action's class."""
    is_function = inspect.isroutine(member) or isinstance(member, staticmethod | classmethod)
    if name in _METHODS:
        if not is_function:
            yield f"{label} must be a method"
        elif inspect.iscoroutinefunction(member) == (name in _PARSING):
            yield f"{label} must {'not be' if name in _PARSING else 'be'} async"
    elif is_function and not hasattr(Action, name):
        similar = most_similar(name, _METHODS)
        hint = f"did you mean {similar}?" if similar else "begin the names of helpers with _"
        yield f"{label} would never be called: {hint}"
    elif name.islower() and not is_function and name not in Action.__annotations__:
        known = [known for known in Action.__annotations__ if not known.startswith("_")]
        yield f"{label} is not an attribute of an action; known are {', '.join(known)}"


def _method(value: Any) -> Problems:
    if value not in HTTP_METHODS:
        yield f"must be one of {', '.join(HTTP_METHODS)}"


def _path(value: Any) -> Problems:
    if not isinstance(value, str):
        yield "must be a string"
    elif ":" in value:
        yield f"{value!r}: write a parameter as {{id}}"
    elif value:
        yield from check_path(value)


def _access(value: Any) -> Problems:
    is_list = isinstance(value, list | tuple) and all(isinstance(one, str) for one in value)
    if not isinstance(value, str | Access) and not is_list:
        yield "must be a scope, a list of scopes, or Access"
    elif not isinstance(value, Access):
        try:
            check_scopes([value] if isinstance(value, str) else value)
        except ValueError as error:
            yield str(error)


def _error_responses_like(value: Any) -> Problems:
    if value not in ACTIONS:
        yield f"must be one of {', '.join(ACTIONS)}"


def _describe(value: Any) -> Problems:
    if not callable(value):
        yield "must be a function that returns arguments of a FastAPI route"


def _check_together(arguments: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the arguments that contradict each other, and why."""
    action: Action[Any] = arguments["action"]
    if arguments["method"] == "GET" and action.writes:
        yield "method", "GET must not write: choose another method"
    if arguments["method"] == "GET" and action.reads_body:
        yield "method", "GET has no body: choose another method"
    resource = action.resource
    path = resource.collection_path + arguments.get("path", "")
    if isinstance(action, RowAction):
        expected = {name for name, _ in resource.path_fields}
        if set(PARAMETER.findall(path)) != expected:
            names = ", ".join(f"{{{name}}}" for name, _ in resource.path_fields)
            yield "path", f"must have the parameters {names}, which find the row"


_CHECKS: Final[Mapping[str, Callable[[Any], Problems]]] = {
    "action": _action,
    "method": _method,
    "path": _path,
    "access": _access,
    "error_responses_like": _error_responses_like,
    "describe": _describe,
}
