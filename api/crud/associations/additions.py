"""``context.add_to_children``: what a hook adds to every nested row that a body makes."""

from collections.abc import Mapping
from typing import Any

from api.crud.execution.hook_errors import HookError, UnknownName
from api.crud.views.fields import Fields
from api.crud.views.view import View


def check_additions(given: Mapping[str, Any], view: View, resource: str) -> None:
    """Validate the names, in Python or in JSON, against the fields of all nested rows.

    A name that only some kinds of nested rows have is meant for those.

    Raises:
        HookError: No kind of nested row has a field of this name, or it is computed.
    """
    children = [child.view.fields for child in view.children.values()]
    for name in given:
        found = [field for fields in children if (field := fields.named(name)) is not None]
        if not found:
            known = [
                known for fields in children for f in fields for known in (f.attribute, f.name)
            ]
            raise UnknownName(resource, "nested attribute", name, known)
        if any(field.computed for field in found):
            raise HookError(f"resource {resource}: add_to_children: {name!r} is computed")


def additions(given: Mapping[str, Any], fields: Fields) -> dict[str, Any]:
    """Return what is added to a nested row of these fields, under its attribute names."""
    named = ((fields.named(name), value) for name, value in given.items())
    return {field.attribute: value for field, value in named if field is not None}
