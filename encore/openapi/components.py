"""The ``components`` of a document: what several operations share, each defined once (OpenAPI 3.1).

Every operation is described with a collector of components::

    components.schema("Part", {"type": "object", ...})  # {"$ref": "#/components/schemas/Part"}
"""

import re
from collections.abc import Callable, Collection, Hashable, Mapping
from functools import lru_cache
from itertools import chain, count
from typing import Any, Final, TypeVar

T = TypeVar("T")

_KINDS: Final = ("schemas", "responses", "parameters", "examples", "headers", "securitySchemes")


_RESERVED: Final = (
    "Affected",
    "BatchOperation",
    "BatchResult",
    "BatchResults",
    "FieldError",
    "Problem",
    "Report",
    "RowReport",
)
"""The names of schemas that describe no resource; a model with such a name gets another one."""

_NOT_IN_NAMES: Final = re.compile(r"[^A-Za-z0-9._-]")


class ConflictingComponents(ValueError):
    """Two components of a kind have one name and different content."""


class Components:
    """Collects components by kind and name.

    Args:
        components: Components that exist already, by kind and name.

    Attributes:
        tags: The descriptions of tags, by name, in the order of their first operation.
    """

    def __init__(self, components: Mapping[str, Mapping[str, Any]] | None = None) -> None:
        given = components or {}
        self._components: dict[str, dict[str, Any]] = {kind: dict(given[kind]) for kind in given}
        self._adopted = {*given.get("schemas", ())}
        self.tags: dict[str, str] = {}
        self._made: dict[tuple[Hashable, str], Any] = {}
        self._owners: dict[str, dict[str, Any]] = {"schemas": dict.fromkeys(_RESERVED, self)}

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

    def adopt(self, schemas: Mapping[str, Any], operation: dict[str, Any]) -> dict[str, Any]:
        """Define schemas that others have named; return their operation.

        A name that another schema has gets a number, in the references of the operation too.

        Args:
            schemas: The schemas, by name.
            operation: The operation that refers to them.
        """
        names = {name: self._free_name("schemas", name, schema) for name, schema in schemas.items()}
        renamed = {f"#/components/schemas/{old}": new for old, new in names.items() if old != new}
        for name, schema in schemas.items():
            self._adopted.add(names[name])
            self._define("schemas", names[name], _with_references(schema, renamed))
        adopted: dict[str, Any] = _with_references(operation, renamed)
        return adopted

    def tag(self, name: str, description: str) -> None:
        """Describe a tag; the first description of a tag counts."""
        self.tags.setdefault(name, description)

    def has(self, name: str, schema: Mapping[str, Any]) -> bool:
        """Return whether a schema is defined under a name."""
        return self._components.get("schemas", {}).get(_component_name(name)) == schema

    def accepts(self, kind: str, name: str, component: Mapping[str, Any]) -> bool:
        """Return whether a component can have a name: no other one has it."""
        defined, name = self._components.get(kind, {}), _component_name(name)
        return name not in defined or defined[name] == component

    def once(self, owner: Hashable, what: str, make: Callable[[], T]) -> T:
        """Return what ``make`` returned when this was first called for an owner.

        Several operations of a resource need the same: its names, schemas and parameters.

        Args:
            owner: What it is made for, a resource for example.
            what: What is made.
            make: Makes it.
        """
        key = (owner, what)
        if key not in self._made:
            self._made[key] = make()
        made: T = self._made[key]
        return made

    def unique_name(
        self, name: str, owner: Any, *, kind: str = "schemas", alternative: str = ""
    ) -> str:
        """Return a name for what an owner has: with a number if another owner has that name.

        Two models of different modules may have one name.

        Args:
            name: The wanted name.
            owner: What the name is for, a resource for example; compared by identity.
            kind: What is named; names of different kinds are independent.
            alternative: The name that is used before numbered ones; empty for none.
        """
        owners = self._owners.setdefault(kind, {})
        numbered = (f"{name}{number}" for number in count(2))
        for candidate in chain([name], filter(None, [alternative]), numbered):
            if owners.setdefault(candidate, owner) is owner:
                return candidate
        raise AssertionError  # The numbers have no end.

    def claim(self, name: str, owner: Any, suffixes: Collection[str]) -> bool:
        """Return whether an owner may use a name of schemas: no other one uses it, from now on.

        Args:
            name: The name.
            owner: What the schemas describe; compared by identity.
            suffixes: What the owner appends to the name.
        """
        owners = self._owners["schemas"]
        names = [f"{name}{suffix}" for suffix in suffixes]
        is_taken = any(owners.get(one, owner) is not owner or one in self._adopted for one in names)
        if not is_taken:
            owners.update(dict.fromkeys(names, owner))
        return not is_taken

    def as_dict(self) -> dict[str, dict[str, Any]]:
        """Return the Components Object, without kinds that have no components."""
        known = [kind for kind in _KINDS if kind in self._components]
        others = [kind for kind in self._components if kind not in _KINDS]
        return {kind: self._components[kind] for kind in (*known, *others)}

    def _define(self, kind: str, name: str, component: Mapping[str, Any]) -> dict[str, str]:
        defined, name = self._components.setdefault(kind, {}), _component_name(name)
        if kind == "schemas" and name in self._adopted:
            name = self._free_name(kind, name, component)
        known = defined.setdefault(name, component)
        if known is not component and known != component:
            raise ConflictingComponents(f"components.{kind}.{name} is defined twice, differently")
        return {"$ref": f"#/components/{kind}/{name}"}

    def _free_name(self, kind: str, name: str, component: Mapping[str, Any]) -> str:
        """Return a name, with a number if another component has it."""
        candidates = chain([name], (f"{name}{number}" for number in count(2)))
        return next(each for each in candidates if self.accepts(kind, each, component))


def _with_references(value: Any, renamed: Mapping[str, str]) -> Any:
    """Return a part of a document with references to other names."""
    if not renamed:
        return value
    if isinstance(value, dict):
        return {
            key: f"#/components/schemas/{renamed[inner]}"
            if key == "$ref" and inner in renamed
            else _with_references(inner, renamed)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [_with_references(inner, renamed) for inner in value]
    return value


class InlineComponents(Components):
    """Collects nothing: what would be a reference is the component itself."""

    def _define(self, kind: str, name: str, component: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ARG002 - as its base
        return dict(component)


@lru_cache(maxsize=8_192)
def _component_name(name: str) -> str:
    """Return a name of a component with the code points that OpenAPI does not allow in it."""
    return _NOT_IN_NAMES.sub(lambda match: f"_{ord(match[0]):x}_", name)
