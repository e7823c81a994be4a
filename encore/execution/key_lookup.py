"""Lookups: the row of an action is found by another key than the path's, which a hook chose.

``/users/me`` means the caller's own row once a hook says ``context.key = {"email": …}``. Only a
complete unique key is accepted: an action on one row never touches two.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.types import Scope

from encore.errors import HookError
from encore.execution.attribute_values import field_named
from encore.models.fields import Field
from encore.models.keys import identifies_one_row
from encore.resource.definition import ResourceDefinition
from encore.sql.statements import Statements


@dataclass(frozen=True, slots=True)
class Lookup:
    """One way to find a row.

    Attributes:
        statements: What the database runs, by this key; None where it is the path's own.
        values: The parent's key, where there is one, and this key's values.
    """

    statements: Statements | None
    values: tuple[Any, ...]


def look_up(resource: ResourceDefinition, key: Any, scope: Scope) -> Lookup:
    """Read a key that a hook gives: Python values under names in Python or in JSON.

    Raises:
        HookError: It is not a mapping, names no attribute, or could mean several rows.
        NotFound: The parent in the path cannot exist.
    """
    if not isinstance(key, Mapping):
        kind = type(key).__name__
        raise HookError(f"resource {resource.name}: key: must be a mapping, not {kind}")
    named = {field_named(resource.fields, name, resource.name): v for name, v in key.items()}
    fields = tuple(field for field in resource.fields if field in named)
    parent = resource.parse_parent_key(scope)
    if set(fields) == set(resource.key):
        return Lookup(None, (*parent, *_values(resource, resource.key, named)))
    stored = [field.attribute for field in fields if not field.computed]
    if len(stored) < len(fields) or not identifies_one_row(resource.fields.mapped, stored):
        names = ", ".join(map(str, key)) or "nothing"
        text = f"{names} is not a complete unique key over NOT NULL columns"
        raise HookError(f"resource {resource.name}: key: {text}")
    values = (*parent, *_values(resource, fields, named))
    return Lookup(resource.statements_by(fields), values)


def _values(
    resource: ResourceDefinition, fields: tuple[Field, ...], named: Mapping[Field, Any]
) -> tuple[Any, ...]:
    bound = resource.fields.driver_values({field.attribute: named[field] for field in fields})
    return tuple(bound[field] for field in fields)
