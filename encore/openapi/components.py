"""The ``components`` of a document: what several operations share, each defined once (OpenAPI 3.1).

Every operation is described with a collector of components::

    components.schema("Part", {"type": "object", ...})  # {"$ref": "#/components/schemas/Part"}
"""

from collections.abc import Mapping
from typing import Any, Final

_KINDS: Final = ("schemas", "responses", "parameters", "examples", "headers", "securitySchemes")


class ConflictingComponents(ValueError):
    """Two components of a kind have one name and different content."""


class Components:
    """Collects components by kind and name.

    Args:
        components: Components that exist already, by kind and name.
    """

    def __init__(self, components: Mapping[str, Mapping[str, Any]] | None = None) -> None:
        given = components or {}
        self._components: dict[str, dict[str, Any]] = {kind: dict(given[kind]) for kind in given}
        self._owners: dict[str, Any] = {}

    def schema(self, name: str, schema: Mapping[str, Any]) -> dict[str, str]:
        """Return a reference to a schema, and define it.

        Raises:
            ConflictingComponents: Another schema has the name.
        """
        return self._define("schemas", name, schema)

    def parameter(self, name: str, parameter: Mapping[str, Any]) -> dict[str, str]:
        """Return a reference to a parameter, and define it; see ``schema``."""
        return self._define("parameters", name, parameter)

    def header(self, name: str, header: Mapping[str, Any]) -> dict[str, str]:
        """Return a reference to a response header, and define it; see ``schema``."""
        return self._define("headers", name, header)

    def response(self, name: str, response: Mapping[str, Any]) -> dict[str, str]:
        """Return a reference to a response, and define it; see ``schema``."""
        return self._define("responses", name, response)

    def example(self, name: str, example: Mapping[str, Any]) -> dict[str, str]:
        """Return a reference to an Example Object, and define it; see ``schema``."""
        return self._define("examples", name, example)

    def has(self, kind: str, name: str) -> bool:
        """Return whether a component is defined: ``has("schemas", "Part")``."""
        return name in self._components.get(kind, {})

    def unique_name(self, name: str, owner: Any) -> str:
        """Return a name for the components of an owner: with a number if another owner has it.

        Two models of different modules may have one name.

        Args:
            name: The wanted name.
            owner: What the components describe, a resource for example; compared by identity.
        """
        unique, number = name, 1
        while self._owners.setdefault(unique, owner) is not owner:
            number += 1
            unique = f"{name}{number}"
        return unique

    def as_dict(self) -> dict[str, dict[str, Any]]:
        """Return the Components Object, without kinds that have no components."""
        known = [kind for kind in _KINDS if kind in self._components]
        others = [kind for kind in self._components if kind not in _KINDS]
        return {kind: self._components[kind] for kind in (*known, *others)}

    def _define(self, kind: str, name: str, component: Mapping[str, Any]) -> dict[str, str]:
        defined = self._components.setdefault(kind, {})
        if defined.setdefault(name, component) != component:
            raise ConflictingComponents(f"components.{kind}.{name} is defined twice, differently")
        return {"$ref": f"#/components/{kind}/{name}"}
