"""Parameters as components: those of all resources, and those of one."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from msgspec import UNSET

from encore.models.examples import example_of
from encore.models.fields import Field
from encore.openapi.components import Components
from encore.openapi.conditional import (
    IF_MATCH,
    IF_MODIFIED_SINCE,
    IF_NONE_MATCH,
    IF_UNMODIFIED_SINCE,
    REQUIRED_IF_MATCH,
)
from encore.openapi.query_parameters import (
    AS_OF_PARAMETER,
    CURSOR_PARAMETER,
    NOT,
    OFFSET_PARAMETER,
    OR,
    PAGE_PARAMETER,
    PREFER_COUNT,
)
from encore.openapi.write_descriptions import (
    DRY_RUN_PARAMETER,
    IDEMPOTENCY_KEY,
    ON_CONFLICT_PARAMETER,
    PREFER_RETURN,
)
from encore.resource.option_checks import PARAMETER

_COMMON: Final[Mapping[str, Mapping[str, Any]]] = {
    "as_of": AS_OF_PARAMETER,
    "cursor": CURSOR_PARAMETER,
    "dry_run": DRY_RUN_PARAMETER,
    "Idempotency-Key": IDEMPOTENCY_KEY,
    "If-Match": IF_MATCH,
    "If-Match.required": REQUIRED_IF_MATCH,
    "If-Modified-Since": IF_MODIFIED_SINCE,
    "If-None-Match": IF_NONE_MATCH,
    "If-Unmodified-Since": IF_UNMODIFIED_SINCE,
    "not": NOT,
    "offset": OFFSET_PARAMETER,
    "on_conflict": ON_CONFLICT_PARAMETER,
    "or": OR,
    "page": PAGE_PARAMETER,
    "Prefer.count": PREFER_COUNT,
    "Prefer.return": PREFER_RETURN,
}
"""The parameters that mean the same wherever they are, by the names of their components."""

_COMMON_BY_NAME: Final[Mapping[str, Sequence[str]]] = {
    parameter["name"]: [key for key, other in _COMMON.items() if other["name"] == parameter["name"]]
    for parameter in _COMMON.values()
}


def share_parameters(
    components: Components, owners: Iterable[str], parameters: Iterable[Mapping[str, Any]]
) -> list[Mapping[str, Any]]:
    """Return parameters as references, and define them.

    Args:
        components: The components of the document.
        owners: What the names of components begin with, if a parameter is one of a resource; the
            first one for which there is no other parameter of that name.
        parameters: The parameters; references are returned as they are.
    """
    owners = list(owners)
    return [
        parameter if "$ref" in parameter else _share(components, owners, parameter)
        for parameter in parameters
    ]


def path_parameters(path: str, fields: Iterable[tuple[str, Field]]) -> list[dict[str, Any]]:
    """Return the descriptions of a path's parameters.

    Args:
        path: The path template.
        fields: The names of parameters, and the fields that they hold; others are strings.
    """
    known = dict(fields)
    return [_path_parameter(name, known.get(name)) for name in PARAMETER.findall(path)]


def _path_parameter(name: str, field: Field | None) -> dict[str, Any]:
    schema = {"type": "string"} if field is None else field.codec.schema
    parameter: dict[str, Any] = {"name": name, "in": "path", "required": True, "schema": schema}
    example = name if field is None else example_of(field)
    return parameter if example in (UNSET, None) else {**parameter, "example": example}


def _share(
    components: Components, owners: list[str], parameter: Mapping[str, Any]
) -> Mapping[str, Any]:
    name = parameter["name"]
    for component in _COMMON_BY_NAME.get(name, ()):
        if _COMMON[component] == parameter:
            return components.parameter(component, parameter)
    place = ".path" if parameter["in"] == "path" else ""
    for owner in owners:
        component = f"{owner}.{name}{place}"
        if components.accepts("parameters", component, parameter):
            return components.parameter(component, parameter)
    return parameter
