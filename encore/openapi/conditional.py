"""The OpenAPI description of conditional requests: their headers, validators, and 304."""

from collections.abc import Mapping
from typing import Any, Final

from encore.openapi.components import Components
from encore.openapi.problems import problems
from encore.options import CONDITIONAL_ACTIONS, READING_ACTIONS, RESTORE
from encore.resource.definition import ResourceDefinition
from encore.serializers.modification_date import ModificationDate

_PRECONDITION_FAILED: Final = 412
_TAGS: Final = r'^(\*|\s*(W/)?"[^"\s]*"(\s*,\s*((W/)?"[^"\s]*")?)*)$'
_IF_MATCH: Final = {
    "name": "If-Match",
    "in": "header",
    "description": "The entity tag of the row on which the request is based, or *: 412 if the row"
    " has another version by now (RFC 9110 13.1.1)",
    "schema": {"type": "string", "pattern": _TAGS},
}
_IF_NONE_MATCH: Final = {
    "name": "If-None-Match",
    "in": "header",
    "description": "The entity tags of known representations: 304 if one of them is current"
    " (RFC 9110 13.1.2)",
    "schema": {"type": "string", "pattern": _TAGS},
}
_IF_MODIFIED_SINCE: Final = {
    "name": "If-Modified-Since",
    "in": "header",
    "description": "An HTTP date: 304 if the row has not changed since (RFC 9110 13.1.3)",
    "schema": {"type": "string"},
}
_IF_UNMODIFIED_SINCE: Final = {
    "name": "If-Unmodified-Since",
    "in": "header",
    "description": "An HTTP date: 412 if the row has changed since, in whole seconds"
    " (RFC 9110 13.1.4)",
    "schema": {"type": "string"},
}
_VALIDATORS: Final[Mapping[str, Any]] = {
    "ETag": {
        "description": '"<row version>.<representation>", a strong entity tag',
        "schema": {"type": "string", "pattern": r'^"[^"\s]*"$'},
    },
    "Last-Modified": {
        "description": "When the row was last written, in whole seconds",
        "schema": {"type": "string"},
    },
}


def precondition_parameters(resource: ResourceDefinition, action: str) -> list[Mapping[str, Any]]:
    """Return the headers with which a request of an action may be conditional."""
    has_date = ModificationDate(resource.fields).exists
    if action in resource.options.checks_if_match:
        return [_IF_MATCH]
    if action in (*CONDITIONAL_ACTIONS, RESTORE):
        required = resource.options.require_match and action != RESTORE
        if_match = {**_IF_MATCH, "required": True} if required else _IF_MATCH
        return [if_match, *([_IF_UNMODIFIED_SINCE] if has_date else ())]
    if action not in READING_ACTIONS:
        return []
    of_date = [_IF_MODIFIED_SINCE] if has_date and action == "read" else []
    return [_IF_NONE_MATCH, *of_date]


def validator_headers(resource: ResourceDefinition, action: str) -> dict[str, Any]:
    """Return the validators in the responses of an action."""
    if action == "list":
        return {"ETag": _VALIDATORS["ETag"]}
    if "read" not in resource.options.actions:
        return {}
    names = ["ETag"]
    if ModificationDate(resource.fields).exists:
        names.append("Last-Modified")
    return {name: _VALIDATORS[name] for name in names}


def not_modified_response(resource: ResourceDefinition, action: str) -> dict[str, Any]:
    """Return the response 304 of an action that reads, by its status; empty for others."""
    if action not in READING_ACTIONS:
        return {}
    headers = validator_headers(resource, action)
    return {"304": {"description": "The representation is known already", "headers": headers}}


def failed_response(
    components: Components, resource: ResourceDefinition, action: str
) -> dict[str, Any]:
    """Return the response 412 of an action on one row, by its status; empty for others."""
    if action not in (*CONDITIONAL_ACTIONS, "read"):
        return {}
    headers = validator_headers(resource, action)
    response = problems(components, (_PRECONDITION_FAILED,))["412"]
    return {"412": {**response, "headers": headers}} if headers else {}
