"""OpenAPI descriptions of what the dialects of a resource add, in words.

Their parameters are not described one by one: they exclude those of our own language, which
OpenAPI cannot say, and no client is generated for them.
"""

from collections.abc import Mapping
from typing import Any, Final

from encore.openapi.components import Components
from encore.openapi.schemas import row_reference
from encore.resource.definition import ResourceDefinition

_READ: Final = "read"
_EMPTY: Final = {"type": "object", "examples": [{}]}
_LANGUAGES: Final[Mapping[str, str]] = {
    "react-admin": "react-admin (filter, range and sort as JSON)",
    "refine": "refine (_start, _end, _sort, _order, name_like)",
    "json-server": "json-server 0.17 (_page, _limit, _embed and refine's)",
}


def dialect_sentence(resource: ResourceDefinition) -> str:
    """Return a sentence on the dialects of a resource's list; empty without any."""
    names = [_LANGUAGES[name] for name in resource.options.dialects]
    return f"Queries may also be those of {', of '.join(names)}." if names else ""


def deleted_row_schema(resource: ResourceDefinition, components: Components) -> Mapping[str, Any]:
    """Return the schema of the response to a DELETE: the row, or an empty object."""
    is_row = (
        resource.options.dialects
        and _READ in resource.options.actions
        and resource.access(_READ) == resource.access("delete")
        and not resource.serializer.children
    )
    return row_reference(resource, components) if is_row else _EMPTY
