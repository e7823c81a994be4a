"""Start-up checks of a resource's options; each error names the option.

Names of fields and relations are checked where they are resolved (``serializer_builder``,
``query_builder``, ``paths``, ``bodies``); this module checks what the options alone show.
"""

import json
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import timedelta
from typing import Any, Final

from sqlalchemy.types import TypeEngine

from encore.errors import ConfigurationError
from encore.http.access import Access, check_scopes
from encore.http.prefer_header import COUNT_MODES
from encore.models.types import TypeAdapter
from encore.options import (
    ACTION_NAMES,
    ACTIONS_WITH_BODIES,
    BULK_ACTIONS,
    COMPATIBLE,
    CONDITIONAL_ACTIONS,
    DIALECTS,
    EVERY_ACTION,
    HISTORY_ACTION,
    NESTED_ARRAYS,
    RESTORE,
    UPDATE_METHODS,
    UPSERT_ACTIONS,
    AssociationOptions,
    History,
    Include,
    ResourceOptions,
    SearchOptions,
    SortOptions,
    is_view,
)
from encore.query.page_parameters import PARAMETERS as PAGE_PARAMETERS
from encore.query.parser import CHILDREN, FIELDS, NOT_PARAMETER, OR_PARAMETER, PRESET

PARAMETER: Final = re.compile(r"\{(\w+)\}")
_SEGMENT: Final = re.compile(r"\{\w+\}|(?!\.{1,2}$)[\w.~!&',;=@-][\w.~!&',;=@:-]*")
"""A parameter, or a word that is not another framework's parameter or pattern."""

_NOUN: Final = re.compile(r"[^\WA-Z_]+(?: [^\WA-Z_]+)*")
_FOREIGN: Final = re.compile(
    r":(\w+)(?:\(.*\))?[?*+]?|\{(\w+):.*\}|<(?:\w+:)?(\w+)>|\[(\w+)\]|\$(\w+)|\*(\w+)"
)
"""Parameters in the syntax of Express, Starlette, Flask, Next and others."""
_STARTS_WITH: Final = "STARTS_WITH"
_MAX_RETENTION: Final = timedelta(days=365_000)
_RESERVED: Final = (*PAGE_PARAMETERS, FIELDS, CHILDREN, PRESET, OR_PARAMETER, NOT_PARAMETER)

OWN: Final = "own"
"""The name of the resource in a mapping from relations to their attributes."""

Problems = Iterable[str]


def check_options(options: ResourceOptions) -> None:
    """Raise ``ConfigurationError`` for the first option that is invalid by itself."""
    for option, check in _CHECKS.items():
        for problem in check(getattr(options, option)):
            raise ConfigurationError(options.model.__name__, option, problem)
    if options.total != COUNT_MODES[0] and not options.pagination:
        message = f"{options.total!r} contradicts pagination=False, which counts no rows"
        raise ConfigurationError(options.model.__name__, "total", message)
    hidden = options.write_only_attributes
    own = hidden.get(OWN, ()) if isinstance(hidden, Mapping) else hidden
    for name in sorted({*own} & {*options.read_only_attributes}):
        message = f"{name!r} contradicts read_only_attributes; a hidden field that only hooks write"
        message += " belongs in exclude_attributes"
        raise ConfigurationError(options.model.__name__, "write_only_attributes", message)
    bulk = () if isinstance(options.bulk, bool) else options.bulk
    of_actions = {
        "bodies": options.bodies,
        "bulk": bulk,
        "checks_if_match": options.checks_if_match,
    }
    for option, names in of_actions.items():
        for action in sorted({*names} - {*options.actions}):
            message = f"there is no {action}: it is not among actions"
            raise ConfigurationError(options.model.__name__, option, message)
    if HISTORY_ACTION in options.access and not options.history:
        message = f"there is no {HISTORY_ACTION}: the option {HISTORY_ACTION} is not set"
        raise ConfigurationError(options.model.__name__, "access", message)
    if RESTORE in options.access and options.soft_delete is None:
        message = f"there is no {RESTORE}: the option soft_delete is not set"
        raise ConfigurationError(options.model.__name__, "access", message)
    _check_put(options)
    _check_upsert(options)
    _check_require_match(options)
    if options.compatible is not None and options.nested_arrays == NESTED_ARRAYS[0]:
        message = f"{options.nested_arrays!r} contradicts compatible={options.compatible!r}"
        raise ConfigurationError(options.model.__name__, "nested_arrays", message)


def _check_require_match(options: ResourceOptions) -> None:
    """Raise ``ConfigurationError`` for an option that writes rows without comparing them."""
    if not options.require_match:
        return
    bulk = () if isinstance(options.bulk, bool) else options.bulk
    contradicting = {
        "bulk": any(name in CONDITIONAL_ACTIONS for name in bulk),
        "checks_if_match": bool(options.checks_if_match),
        "upsert": bool(options.upsert),
    }
    for option, is_set in contradicting.items():
        if is_set:
            message = f"contradicts {option}: it writes rows without the service comparing If-Match"
            raise ConfigurationError(options.model.__name__, "require_match", message)
    if is_view(options.model):
        message = "rows of a view cannot be locked, so that they cannot be compared"
        raise ConfigurationError(options.model.__name__, "require_match", message)


def _check_put(options: ResourceOptions) -> None:
    """Raise ``ConfigurationError`` for an option of PUT that the actions contradict."""
    if "update" not in options.actions or options.update_method.upper() != UPDATE_METHODS[0]:
        message = "there is no PUT: actions or update_method leave it out"
        for name in ("put_replaces", "put_creates"):
            if getattr(options, name):
                raise ConfigurationError(options.model.__name__, name, message)
    if options.put_creates and "create" not in options.actions:
        message = "there is no create: it is not among actions"
        raise ConfigurationError(options.model.__name__, "put_creates", message)


def _check_upsert(options: ResourceOptions) -> None:
    """Raise ``ConfigurationError`` if the actions do not allow upserts."""
    missing = [name for name in UPSERT_ACTIONS if name not in options.actions]
    if options.upsert and missing:
        message = f"there is no {missing[0]}: it is not among actions"
        raise ConfigurationError(options.model.__name__, "upsert", message)


def _endpoints(value: Any) -> Problems:
    yield from _names(value)
    if len(value) > 2:  # noqa: PLR2004 - collection path and item path
        yield "must be the collection path and the item path"
    for path in value:
        yield from check_path(path)


def check_base(base: Any) -> Problems:
    """Yield what is wrong with the prefix of every path."""
    if not isinstance(base, str) or base.endswith("/"):
        yield "must be a path such as /v1"
    elif base:
        yield from check_path(base)


def check_path(path: str) -> Problems:
    """Yield what is wrong with a path template."""
    segments = path.split("/")
    if segments[0] or len(segments) == 1:
        yield f"{path!r} must begin with /"
    for segment in segments[1:]:
        if not _SEGMENT.fullmatch(segment):
            yield f"{path!r} is not a path such as /parts/{{id}}{_describe_segment(segment)}"
    parameters = PARAMETER.findall(path)
    if len(set(parameters)) != len(parameters):
        yield f"{path!r} names a parameter twice"


def _describe_segment(segment: str) -> str:
    """Return what is wrong with one segment of a path template, as far as that can be guessed."""
    foreign = _FOREIGN.fullmatch(segment)
    if foreign is not None:
        return f": write {{{foreign[foreign.lastindex or 0]}}} for {segment!r}"
    if not segment:
        return ": it has an empty segment, or ends with /"
    if segment in (".", ".."):
        return f": clients resolve {segment!r} before they send it"
    if "{" in segment or "}" in segment:
        return f": a parameter must be a whole segment, and {segment!r} is not one"
    return f": {segment!r} contains a character that is not allowed there"


def _actions(value: Any) -> Problems:
    yield from _names(value)
    yield from _known(value, ACTION_NAMES)


def _include(value: Any) -> Problems:
    if not _is_list(value, (str, Include)):
        yield "must be a list of names of relations, or of Include"
    includes = [item if isinstance(item, Include) else Include(item) for item in value]
    names = [include.relation for include in includes]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"{name!r} is named twice"
    for include in includes:
        for name in sorted({*include.attributes} & {*include.exclude_attributes}):
            yield f"{include.relation}: {name!r} is in attributes and in exclude_attributes"
        for problem in _include(include.include):
            yield f"{include.relation}: {problem}"


def _associations(value: Any) -> Problems:
    if not isinstance(value, bool | AssociationOptions):
        yield "must be true, false or AssociationOptions"
    if isinstance(value, AssociationOptions):
        yield from _flag(value.auto_populate)
        yield from _flag(value.remove_foreign_keys)
        yield from _names_by_relation(value.exclude_attributes)


def _search(value: Any) -> Problems:
    searches = (value,) if isinstance(value, SearchOptions) else value
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


def _sort(value: Any) -> Problems:
    if not isinstance(value, SortOptions):
        yield "must be SortOptions"
    yield from _parameter(value.param)
    yield from _names(value.attributes)
    if not isinstance(value.default, str):
        yield "default: must be a string such as name,-id"


def _total(value: Any) -> Problems:
    if value not in COUNT_MODES:
        yield f"must be one of {', '.join(COUNT_MODES)}"


def _exclude(value: Any) -> Problems:
    yield from (_names_by_relation if isinstance(value, Mapping) else _names)(value)


def _update_method(value: Any) -> Problems:
    if not isinstance(value, str) or value.upper() not in UPDATE_METHODS:
        yield f"must be one of {', '.join(UPDATE_METHODS)}"


def _nested_arrays(value: Any) -> Problems:
    if value not in NESTED_ARRAYS:
        yield f"must be one of {', '.join(NESTED_ARRAYS)}"


def _upsert(value: Any) -> Problems:
    if isinstance(value, bool):
        return
    keys = value if _is_list(value, object) else None
    if not keys or not all(isinstance(key, str) or _is_list(key, str) for key in keys):
        yield "must be true, false or a list of unique keys, each a list of fields"


def _links(value: Any) -> Problems:
    if not isinstance(value, bool) and not _is_list(value, str):
        yield "must be true, false or a list of relations"


def _presets(value: Any) -> Problems:
    if not isinstance(value, Mapping) or not all(callable(make) for make in value.values()):
        yield "must be functions that return conditions, by name"


def _access(value: Any) -> Problems:
    if not isinstance(value, Mapping):
        yield "must be a mapping from actions to scopes"
    yield from _known(value, (*ACTION_NAMES, RESTORE, HISTORY_ACTION, EVERY_ACTION))
    for action, scopes in value.items():
        if not isinstance(scopes, str | Access) and not _is_list(scopes, str):
            yield f"{action}: must be a scope, a list of scopes, or Access"
        elif not isinstance(scopes, Access):
            yield from _scopes(action, [scopes] if isinstance(scopes, str) else scopes)


def _scopes(action: str, scopes: Iterable[str]) -> Problems:
    try:
        check_scopes(scopes)
    except ValueError as error:
        yield f"{action}: {error}"


def _bodies(value: Any) -> Problems:
    if not isinstance(value, Mapping) or not all(isinstance(s, Mapping) for s in value.values()):
        yield "must be JSON schemas, by action"
    elif not _is_json(value):
        yield "must be JSON schemas: a value in them is not JSON"
    yield from _known(value, ACTIONS_WITH_BODIES)


def _checks_if_match(value: Any) -> Problems:
    yield from _names(value)
    yield from _known(value, CONDITIONAL_ACTIONS)


def _bulk(value: Any) -> Problems:
    if isinstance(value, bool):
        return
    if not _is_list(value, str):
        yield "must be true, false or a list of actions"
    yield from _known(value, BULK_ACTIONS)


def _bulk_limit(value: Any) -> Problems:
    if type(value) is not int or value < 1:
        yield "must be an integer of at least 1"


def _hook_seconds(value: Any) -> Problems:
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        yield "must be more than 0 seconds"


def _history(value: Any) -> Problems:
    if not isinstance(value, bool | History):
        yield "must be true, false or History"
    retention: Any = value.retention if isinstance(value, History) else None
    if retention is None:
        return
    if not isinstance(retention, timedelta) or not timedelta() < retention < _MAX_RETENTION:
        yield "retention: must be a timedelta of more than 0, and of less than 1,000 years"


def _soft_delete(value: Any) -> Problems:
    if value is not None and (not isinstance(value, str) or not value):
        yield "must be the name of a field, or None"


def _types(value: Any) -> Problems:
    if not isinstance(value, Mapping) or not all(
        isinstance(type_, type) and issubclass(type_, TypeEngine) for type_ in value
    ):
        yield "must be a mapping from SQLAlchemy types to TypeAdapter"
    for type_, adapter in value.items():
        if not isinstance(adapter, TypeAdapter) and not callable(adapter):
            yield f"{type_.__name__}: must be a TypeAdapter, or a function that returns one"


def check_compatible(value: Any) -> Problems:
    """Yield what is wrong with the option ``compatible``."""
    if value not in COMPATIBLE:
        yield f"must be None or {', '.join(repr(name) for name in COMPATIBLE if name)}"


def check_dialect_names(value: Any) -> Problems:
    """Yield what is wrong with the option ``dialects`` by itself."""
    yield from _names(value)
    yield from _known(value, DIALECTS)
    for name in sorted({name for name in value if list(value).count(name) > 1}):
        yield f"{name!r} is named twice"


def _noun(value: Any) -> Problems:
    if not isinstance(value, str) or (value and not _NOUN.fullmatch(value)):
        yield "must be lower-case words such as 'price list'"


def _text(value: Any) -> Problems:
    if not isinstance(value, str):
        yield "must be a string"
    elif not _is_json(value):
        yield "must be a string of Unicode, without surrogates"


def _is_json(value: Any) -> bool:
    """Return whether a value can be part of the OpenAPI document, which is sent as UTF-8."""
    try:
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError):
        return False
    return True


def _flag(value: Any) -> Problems:
    if not isinstance(value, bool):
        yield "must be true or false"


def _parameter(value: Any) -> Problems:
    if not isinstance(value, str) or not value:
        yield "param: must be the name of a parameter"
    if value in _RESERVED:
        yield f"param: {value!r} has another meaning"


def _names(value: Any) -> Problems:
    if not _is_list(value, str):
        yield "must be a list of strings"


def _names_by_relation(value: Any) -> Problems:
    if not isinstance(value, Mapping) or not all(_is_list(n, str) for n in value.values()):
        yield "must be a mapping from relations to lists of fields"


def _known(value: Iterable[Any], known: Collection[str]) -> Problems:
    for name in value:
        if name not in known:
            yield f"{name!r} is none of {', '.join(known)}"


def _is_list(value: Any, type_: Any) -> bool:
    """Return whether a value is a list of this type; a string is not a list of characters."""
    is_collection = isinstance(value, Collection) and not isinstance(value, str | bytes | Mapping)
    return is_collection and all(isinstance(item, type_) for item in value)


_CHECKS: Final[Mapping[str, Callable[[Any], Problems]]] = {
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
    "set_by_hooks": _names,
    "update_method": _update_method,
    "put_replaces": _flag,
    "put_creates": _flag,
    "upsert": _upsert,
    "nested_arrays": _nested_arrays,
    "links": _links,
    "presets": _presets,
    "access": _access,
    "bodies": _bodies,
    "checks_if_match": _checks_if_match,
    "bulk": _bulk,
    "bulk_limit": _bulk_limit,
    "require_match": _flag,
    "hook_seconds": _hook_seconds,
    "history": _history,
    "soft_delete": _soft_delete,
    "types": _types,
    "compatible": check_compatible,
    "dialects": check_dialect_names,
    "singular": _noun,
    "plural": _noun,
    "description": _text,
}
