"""Finding the row of an action by another key than the path's, which a hook chose.

``/users/me`` means the caller's own row if a hook sets ``context.key = {"email": …}``. Only a
complete unique key is accepted, so that an action on one row never changes two.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.types import Scope

from encore.errors import HookError
from encore.execution.attribute_values import get_field
from encore.models.fields import Field
from encore.models.keys import identifies_one_row
from encore.resource.definition import ResourceDefinition
from encore.sql.statements import Statements


@dataclass(frozen=True, slots=True)
class KeyLookup:
    """One way to find a row.

    Attributes:
        statements: The statements by this key; None for the path's own key.
        values: The parent's key, if there is one, and this key's values.
    """

    statements: Statements | None
    values: tuple[Any, ...]


def resolve_key(resource: ResourceDefinition, key: Any, scope: Scope) -> KeyLookup:
    """Return how to find a row by the key that a hook has set.

    Args:
        resource: The resource of the row.
        key: Python values by names in Python or in JSON.
        scope: The request's ASGI scope; its path has the parent's key.

    Raises:
        HookError: The key is not a mapping, names an unknown attribute, or could match two rows.
        NotFound: The parent in the path cannot exist.
    """
    if not isinstance(key, Mapping):
        type_ = type(key).__name__
        raise HookError(f"resource {resource.name}: key: must be a mapping, not {type_}")
    values = {get_field(resource.fields, name, resource.name): v for name, v in key.items()}
    fields = tuple(field for field in resource.fields if field in values)
    parent = resource.parse_parent_key(scope)
    if set(fields) == set(resource.key):
        return KeyLookup(None, (*parent, *_driver_values(resource, resource.key, values)))
    stored = [field.attribute for field in fields if not field.computed]
    if len(stored) < len(fields) or not identifies_one_row(resource.fields.mapped, stored):
        names = ", ".join(map(str, key)) or "nothing"
        message = f"{names} is not a complete unique key over NOT NULL columns"
        raise HookError(f"resource {resource.name}: key: {message}")
    return KeyLookup(
        resource.statements_by(fields), (*parent, *_driver_values(resource, fields, values))
    )


def _driver_values(
    resource: ResourceDefinition, fields: tuple[Field, ...], values: Mapping[Field, Any]
) -> tuple[Any, ...]:
    found = resource.fields.driver_values({field.attribute: values[field] for field in fields})
    return tuple(found[field] for field in fields)
