"""What OpenAPI says of conditional requests: their headers, and the validators of responses."""

from collections.abc import Mapping
from typing import Any, Final

from encore.openapi.headers import ETAG, LAST_MODIFIED
from encore.options import CONDITIONAL_ACTIONS, READING_ACTIONS, RESTORE
from encore.resource.definition import ResourceDefinition
from encore.serializers.modification_date import ModificationDate

_TAGS: Final = r'^(\*|\s*(W/)?"[^"\s]*"(\s*,\s*((W/)?"[^"\s]*")?)*)$'
IF_MATCH: Final[Mapping[str, Any]] = {
    "name": "If-Match",
    "in": "header",
    "description": "The entity tag of the row on which the request is based, or `*`: 412 if the row"
    " has another version by now (RFC 9110 13.1.1)",
    "schema": {"type": "string", "pattern": _TAGS},
    "example": "*",
}
IF_NONE_MATCH: Final[Mapping[str, Any]] = {
    "name": "If-None-Match",
    "in": "header",
    "description": "The entity tags of known representations: 304 if one of them is current"
    " (RFC 9110 13.1.2)",
    "schema": {"type": "string", "pattern": _TAGS},
    "example": '"1.5d41402abc4b2a76"',
}
IF_MODIFIED_SINCE: Final[Mapping[str, Any]] = {
    "name": "If-Modified-Since",
    "in": "header",
    "description": "An HTTP date: 304 if the row has not changed since (RFC 9110 13.1.3)",
    "schema": {"type": "string"},
    "example": "Mon, 02 Mar 2026 09:30:00 GMT",
}
IF_UNMODIFIED_SINCE: Final[Mapping[str, Any]] = {
    "name": "If-Unmodified-Since",
    "in": "header",
    "description": "An HTTP date: 412 if the row has changed since, in whole seconds"
    " (RFC 9110 13.1.4)",
    "schema": {"type": "string"},
    "example": "Mon, 02 Mar 2026 09:30:00 GMT",
}
REQUIRED_IF_MATCH: Final[Mapping[str, Any]] = {**IF_MATCH, "required": True}


def precondition_parameters(resource: ResourceDefinition, action: str) -> list[Mapping[str, Any]]:
    """Return the headers with which a request of an action may be conditional."""
    has_date = ModificationDate(resource.fields).exists
    if action in resource.options.checks_if_match:
        return [IF_MATCH]
    if action in (*CONDITIONAL_ACTIONS, RESTORE):
        required = resource.options.require_match and action != RESTORE
        if_match = REQUIRED_IF_MATCH if required else IF_MATCH
        return [if_match, *([IF_UNMODIFIED_SINCE] if has_date else ())]
    if action not in READING_ACTIONS:
        return []
    of_date = [IF_MODIFIED_SINCE] if has_date and action == "read" else []
    return [IF_NONE_MATCH, *of_date]


def validators(resource: ResourceDefinition, action: str) -> tuple[str, ...]:
    """Return the names of the validators in the responses of an action."""
    if action == "list":
        return (ETAG,)
    if action == "delete" or "read" not in resource.options.actions:
        return ()
    return (ETAG, LAST_MODIFIED) if ModificationDate(resource.fields).exists else (ETAG,)


def validators_of_failure(resource: ResourceDefinition, action: str) -> tuple[str, ...]:
    """Return the names of the validators in the response 412 of an action."""
    if action not in (*CONDITIONAL_ACTIONS, "read"):
        return ()
    return validators(resource, "read")
