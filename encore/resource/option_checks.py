"""Checks of a resource's options: each mistake is found at start-up, with its option named.

What names a field or a relation is checked where that is looked up (``faces``, ``naming``,
``resource``); here is what can be told from the options alone.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Final

from sqlalchemy.types import TypeEngine

from encore.errors import ConfigurationError
from encore.http.access import Access
from encore.http.prefer_header import COUNT_MODES
from encore.models.types import TypeAdapter
from encore.options import (
    ACTION_NAMES,
    ACTIONS_WITH_BODIES,
    COMPATIBLE,
    EVERY_ACTION,
    NESTED_ARRAYS,
    UPDATE_METHODS,
    AssociationOptions,
    Include,
    ResourceOptions,
    SearchOptions,
    SortOptions,
)
from encore.query.page_parameters import PARAMETERS as PAGE_PARAMETERS
from encore.query.parser import CHILDREN, FIELDS, NOT_PARAMETER, OR_PARAMETER, PRESET

PARAMETER: Final = re.compile(r"\{(\w+)\}")
_SEGMENT: Final = re.compile(r"\{\w+\}|(?!\.{1,2}$)[\w.~!&',;=@-][\w.~!&',;=@:-]*")
"""A parameter, or words in which nothing looks like another framework's parameter or pattern."""

_FOREIGN: Final = re.compile(
    r":(\w+)(?:\(.*\))?[?*+]?|\{(\w+):.*\}|<(?:\w+:)?(\w+)>|\[(\w+)\]|\$(\w+)|\*(\w+)"
)
"""Parameters of Express, Starlette, Flask, Next and others."""
_STARTS_WITH: Final = "STARTS_WITH"
_RESERVED: Final = (*PAGE_PARAMETERS, FIELDS, CHILDREN, PRESET, OR_PARAMETER, NOT_PARAMETER)

Complaints = Iterable[str]


def check_options(options: ResourceOptions) -> None:
    """Raise ``ConfigurationError`` for the first option that is wrong in itself."""
    for option, check in _CHECKS.items():
        for text in check(getattr(options, option)):
            raise ConfigurationError(options.model.__name__, option, text)
    if options.total != COUNT_MODES[0] and not options.pagination:
        text = f"{options.total!r} contradicts pagination=False: all rows are given, none counted"
        raise ConfigurationError(options.model.__name__, "total", text)
    if options.compatible is not None and options.nested_arrays == NESTED_ARRAYS[0]:
        text = f"{options.nested_arrays!r} contradicts compatible={options.compatible!r}"
        raise ConfigurationError(options.model.__name__, "nested_arrays", text)


def _endpoints(given: Any) -> Complaints:
    yield from _names(given)
    if len(given) > 2:  # noqa: PLR2004 - the many and the one
        yield "must be the path of the many and the path of the one"
    for path in given:
        yield from check_path(path)


def check_base(base: Any) -> Complaints:
    """Say what is wrong with what stands in front of every path."""
    if not isinstance(base, str) or base.endswith("/"):
        yield "must be a path such as /v1"
    elif base:
        yield from check_path(base)


def check_path(path: str) -> Complaints:
    """Say what is wrong with a path template."""
    segments = path.split("/")
    if segments[0] or len(segments) == 1:
        yield f"{path!r} must begin with /"
    for segment in segments[1:]:
        if not _SEGMENT.fullmatch(segment):
            yield f"{path!r} is no path such as /parts/{{id}}{_about_segment(segment)}"
    parameters = PARAMETER.findall(path)
    if len(set(parameters)) != len(parameters):
        yield f"{path!r} names a parameter twice"


def _about_segment(segment: str) -> str:
    """Say what is wrong with one segment of a path template, as far as that can be guessed."""
    foreign = _FOREIGN.fullmatch(segment)
    if foreign is not None:
        return f": write {{{foreign[foreign.lastindex or 0]}}} for {segment!r}"
    if not segment:
        return ": it has an empty segment, or ends with /"
    if segment in (".", ".."):
        return f": clients resolve {segment!r} before they ask"
    if "{" in segment or "}" in segment:
        return f": a parameter must be a whole segment, and {segment!r} is not one"
    return f": {segment!r} holds a character that must not stand there"


def _actions(given: Any) -> Complaints:
    yield from _names(given)
    yield from _known(given, ACTION_NAMES)


def _include(given: Any) -> Complaints:
    if not _is_list(given, (str, Include)):
        yield "must be a list of relations' names, or of Include"


def _associations(given: Any) -> Complaints:
    if not isinstance(given, bool | AssociationOptions):
        yield "must be true, false or AssociationOptions"
    if isinstance(given, AssociationOptions):
        yield from _flag(given.auto_populate)
        yield from _flag(given.remove_foreign_keys)
        yield from _names_by_relation(given.exclude_attributes)


def _search(given: Any) -> Complaints:
    searches = (given,) if isinstance(given, SearchOptions) else given
    if not _is_list(searches, SearchOptions):
        yield "must be SearchOptions, or a list of them"
    for search in searches:
        yield from _parameter(search.param)
        yield from _names(search.attributes)
        if search.override not in ("", _STARTS_WITH):
            yield f"override: {search.override!r} is not {_STARTS_WITH}"
        if not isinstance(search.index, bool):
            yield "index: must be true or false"
    parameters = [search.param for search in searches]
    if len(set(parameters)) != len(parameters):
        yield "names a parameter twice"


def _sort(given: Any) -> Complaints:
    if not isinstance(given, SortOptions):
        yield "must be SortOptions"
    yield from _parameter(given.param)
    yield from _names(given.attributes)
    if not isinstance(given.default, str):
        yield "default: must be text such as name,-id"


def _total(given: Any) -> Complaints:
    if given not in COUNT_MODES:
        yield f"must be one of {', '.join(COUNT_MODES)}"


def _exclude(given: Any) -> Complaints:
    yield from (_names_by_relation if isinstance(given, Mapping) else _names)(given)


def _update_method(given: Any) -> Complaints:
    if not isinstance(given, str) or given.upper() not in UPDATE_METHODS:
        yield f"must be one of {', '.join(UPDATE_METHODS)}"


def _nested_arrays(given: Any) -> Complaints:
    if given not in NESTED_ARRAYS:
        yield f"must be one of {', '.join(NESTED_ARRAYS)}"


def _links(given: Any) -> Complaints:
    if not isinstance(given, bool) and not _is_list(given, str):
        yield "must be true, false or a list of relations"


def _presets(given: Any) -> Complaints:
    if not isinstance(given, Mapping) or not all(callable(make) for make in given.values()):
        yield "must be functions that give conditions, by name"


def _access(given: Any) -> Complaints:
    if not isinstance(given, Mapping):
        yield "must be a mapping from actions to scopes"
    yield from _known(given, (*ACTION_NAMES, EVERY_ACTION))
    for action, scopes in given.items():
        if not isinstance(scopes, str | Access) and not _is_list(scopes, str):
            yield f"{action}: must be a scope, a list of scopes, or Access"


def _bodies(given: Any) -> Complaints:
    if not isinstance(given, Mapping) or not all(isinstance(s, Mapping) for s in given.values()):
        yield "must be JSON schemas, by action"
    yield from _known(given, ACTIONS_WITH_BODIES)


def _hook_seconds(given: Any) -> Complaints:
    if isinstance(given, bool) or not isinstance(given, int | float) or not given > 0:
        yield "must be more than 0 seconds"


def _types(given: Any) -> Complaints:
    if not isinstance(given, Mapping) or not all(
        isinstance(kind, type) and issubclass(kind, TypeEngine) for kind in given
    ):
        yield "must be a mapping from SQLAlchemy types to TypeAdapter"
    for kind, adapter in given.items():
        if not isinstance(adapter, TypeAdapter) and not callable(adapter):
            yield f"{kind.__name__}: must be a TypeAdapter, or a function that returns one"


def check_compatible(given: Any) -> Complaints:
    """Say what is wrong with the option ``compatible``."""
    if given not in COMPATIBLE:
        yield f"must be None or {', '.join(repr(name) for name in COMPATIBLE if name)}"


def _flag(given: Any) -> Complaints:
    if not isinstance(given, bool):
        yield "must be true or false"


def _parameter(given: Any) -> Complaints:
    if not isinstance(given, str) or not given:
        yield "param: must be a parameter's name"
    if given in _RESERVED:
        yield f"param: {given!r} means something else"


def _names(given: Any) -> Complaints:
    if not _is_list(given, str):
        yield "must be a list of texts"


def _names_by_relation(given: Any) -> Complaints:
    if not isinstance(given, Mapping) or not all(_is_list(n, str) for n in given.values()):
        yield "must be lists of fields, by relation"


def _known(given: Iterable[Any], known: Collection[str]) -> Complaints:
    for name in given:
        if name not in known:
            yield f"{name!r} is none of {', '.join(known)}"


def _is_list(given: Any, kind: Any) -> bool:
    """Tell whether this is a list of that kind; a text, a list of letters, is none."""
    is_collection = isinstance(given, Collection) and not isinstance(given, str | bytes | Mapping)
    return is_collection and all(isinstance(one, kind) for one in given)


_CHECKS: Final[Mapping[str, Callable[[Any], Complaints]]] = {
    "endpoints": _endpoints,
    "actions": _actions,
    "include": _include,
    "associations": _associations,
    "pagination": _flag,
    "total": _total,
    "search": _search,
    "sort": _sort,
    "reload_instances": _flag,
    "exclude_attributes": _exclude,
    "write_only_attributes": _exclude,
    "read_only_attributes": _names,
    "update_method": _update_method,
    "put_replaces": _flag,
    "nested_arrays": _nested_arrays,
    "links": _links,
    "presets": _presets,
    "access": _access,
    "bodies": _bodies,
    "hook_seconds": _hook_seconds,
    "types": _types,
    "compatible": check_compatible,
}
