"""What hooks find as ``context.attributes``: values to write, under either name of a field.

``attributes["created_by"]`` (Python) and ``attributes["createdBy"]`` (JSON) are the same entry; a
name that the model does not have raises where the hook uses it. Actions without hooks use a plain
dictionary of attribute names.
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Self

from api.crud.execution.hook_errors import HookError, UnknownName
from api.crud.views.fields import Field, Fields

if TYPE_CHECKING:
    from api.crud.resource import Resource

Given = Mapping[str, Any] | Iterable[tuple[str, Any]]


def field_named(fields: Fields, name: object, resource: str) -> Field:
    """Return the field of this name, in Python or in JSON. Raises ``UnknownName``."""
    field = fields.named(name) if isinstance(name, str) else None
    if field is None:
        known = [known for one in fields for known in (one.attribute, one.name)]
        raise UnknownName(resource, "attribute", name, known)
    return field


class AttributeValues(dict[str, Any]):
    """Values under attribute names, which are reached by their names in JSON as well.

    Args:
        resource: Whose fields they are.
        known: Values under attribute names, taken as they are.
    """

    __slots__ = ("_resource",)

    def __init__(self, resource: "Resource", known: Mapping[str, Any]) -> None:
        super().__init__(known)
        self._resource = resource

    def _key(self, name: object) -> str:
        if name in self._resource.attributes:
            return name
        return field_named(self._resource.fields, name, self._resource.name).attribute

    def _writable(self, name: object) -> str:
        resource = self._resource
        field = field_named(resource.fields, name, resource.name)
        if field.computed:
            raise HookError(f"resource {resource.name}: {name!r} is computed, not stored")
        return field.attribute

    def __getitem__(self, name: str) -> Any:
        return super().__getitem__(self._key(name))

    def __contains__(self, name: object) -> bool:
        return super().__contains__(self._key(name))

    def __setitem__(self, name: str, value: Any) -> None:
        super().__setitem__(self._writable(name), value)

    def __delitem__(self, name: str) -> None:
        super().__delitem__(self._key(name))

    def get(self, name: str, default: Any = None) -> Any:
        """See ``dict.get``; an unknown name raises."""
        return super().get(self._key(name), default)

    def pop(self, name: str, *default: Any) -> Any:
        """See ``dict.pop``; an unknown name raises."""
        return super().pop(self._key(name), *default)

    def setdefault(self, name: str, default: Any = None) -> Any:
        """See ``dict.setdefault``."""
        return super().setdefault(self._writable(name), default)

    def update(self, *given: Given, **more: Any) -> None:  # type: ignore[override] # fewer forms
        """See ``dict.update``."""
        for name, value in dict(*given, **more).items():
            self[name] = value

    def __ior__(self, given: Given) -> Self:  # type: ignore[override,misc] # likewise
        self.update(given)
        return self
