"""Schemas of a description as types of Python: expressions, and the classes that they name.

========================= =======================================
string, also a date       ``str``
number                    ``float``, which includes integers
``enum``, ``const``       ``Literal``
``anyOf``, ``oneOf``      a union
an object with properties a ``TypedDict``
an array                  ``list``
anything else             ``Any``
========================= =======================================
"""

from collections.abc import Mapping
from typing import Any, Final, Literal, NamedTuple

from client.generating.names import class_name, unique_name

Role = Literal["row", "body"]
"""What the API sends has no write-only members, what it receives no read-only ones."""

ANY: Final = "Any"
ANY_OBJECT: Final = "dict[str, Any]"
NAMES_IN_USE: Final = frozenset(
    {
        "Any",
        "AsyncResource",
        "BaseAsyncClient",
        "BaseClient",
        "Literal",
        "Never",
        "NotRequired",
        "Resource",
        "TypedDict",
        "bool",
        "dict",
        "float",
        "int",
        "list",
        "property",
        "self",
        "str",
    }
)
"""Names that the module uses in another meaning."""

_SCALARS: Final = {
    "string": "str",
    "integer": "int",
    "number": "float",
    "boolean": "bool",
    "null": "None",
}
_HIDDEN: Final[Mapping[Role, str]] = {"row": "writeOnly", "body": "readOnly"}
_LITERALS: Final = (str, int, bool, type(None))


class Member(NamedTuple):
    """A member of a ``TypedDict``."""

    name: str
    type_: str
    is_required: bool


class ObjectType(NamedTuple):
    """A ``TypedDict``."""

    name: str
    description: str
    members: tuple[Member, ...]


class SchemaTypes:
    """Writes types of schemas, and collects the classes that they name.

    Args:
        document: The description.
    """

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self._names: dict[tuple[str, Role], str] = {}
        self._classes: dict[str, ObjectType] = {}
        self._open: set[str] = set()

    @property
    def classes(self) -> list[ObjectType]:
        """The classes by name."""
        return [self._classes[name] for name in sorted(self._classes)]

    def resolve(self, node: Any) -> Mapping[str, Any]:
        """Return a schema, parameter, body or response, or the one that it refers to.

        A reference is a JSON pointer into the description (RFC 6901). What stands beside it is kept
        where it says more.
        """
        beside: dict[str, Any] = {}
        seen: set[str] = set()
        while "$ref" in (node := as_object(node)):
            pointer = str(node["$ref"])
            if pointer in seen:
                return {}
            seen.add(pointer)
            beside = {n: v for n, v in node.items() if n != "$ref"} | beside
            node = self._follow(pointer)
        return {**node, **beside} if beside else node

    def _follow(self, pointer: str) -> Any:
        node: Any = self._document if pointer.startswith("#/") else None
        for name in pointer[2:].split("/"):
            node = as_object(node).get(name.replace("~1", "/").replace("~0", "~"))
        return node

    def object_type(self, schema: Any, hint: str, role: Role) -> str:
        """Return the type of a row or of a body, which is an object."""
        alternatives = _alternatives(self.resolve(schema)) or [schema]
        objects = [s for s in alternatives if self.resolve(s).get("type") != "array"]
        types = [self.type_of(alternative, hint, role) for alternative in objects]
        known = [type_ for type_ in types if type_ in self._classes]
        return " | ".join(dict.fromkeys(known)) if len(known) == len(types) > 0 else ANY_OBJECT

    def type_of(self, schema: Any, hint: str, role: Role) -> str:
        """Return the type of a schema as an expression.

        Args:
            schema: A schema or a reference to one.
            hint: The name of the class, if the schema needs one and has none.
            role: Whether the API sends or receives the value.
        """
        pointer = str(as_object(schema).get("$ref", ""))
        reference = pointer.rpartition("/")[2]
        if pointer in self._open and (reference, role) not in self._names:
            return ANY  # It consists of itself, without a class between.
        if not pointer or pointer in self._open:
            return self._type_of(schema, reference, hint, role)
        self._open.add(pointer)
        try:
            return self._type_of(schema, reference, hint, role)
        finally:
            self._open.discard(pointer)

    def _type_of(self, schema: Any, reference: str, hint: str, role: Role) -> str:
        schema = self._merged(self.resolve(schema))
        if schema.get("nullable") is True:  # OpenAPI 3.0
            return _union([self.type_of({**schema, "nullable": False}, hint, role), "None"])
        alternatives = _alternatives(schema)
        if "enum" in schema or "const" in schema:
            return _literal(schema.get("enum", [schema.get("const")]))
        if alternatives:
            return _union(self.type_of(s, hint, role) for s in alternatives)
        if schema.get("properties"):
            return self._class_of(schema, reference, hint, role)
        return self._simple_type(schema, hint, role)

    def _simple_type(self, schema: Mapping[str, Any], hint: str, role: Role) -> str:
        if schema.get("type") == "array":
            return f"list[{self.type_of(schema.get('items'), f'{hint}Item', role)}]"
        if schema.get("type") == "object":
            extra = schema.get("additionalProperties")
            values = self.type_of(extra, f"{hint}Value", role) if isinstance(extra, dict) else ANY
            return f"dict[str, {values}]"
        return _SCALARS.get(str(schema.get("type")), ANY)

    def _merged(
        self, schema: Mapping[str, Any], seen: frozenset[str] = frozenset()
    ) -> Mapping[str, Any]:
        """Return a schema together with those of its ``allOf``, each once."""
        parts = schema.get("allOf")
        if not isinstance(parts, list):
            return schema
        merged = {name: value for name, value in schema.items() if name != "allOf"}
        for part in parts:
            pointer = str(as_object(part).get("$ref", ""))
            if pointer in seen:
                continue
            nested = self._merged(self.resolve(part), seen | ({pointer} - {""}))
            properties = as_object(merged.get("properties")) | as_object(nested.get("properties"))
            required = [*as_list(merged.get("required")), *as_list(nested.get("required"))]
            merged = {**nested, **merged, "required": required}
            if properties:
                merged["properties"] = properties
        return merged

    def _class_of(self, schema: Mapping[str, Any], reference: str, hint: str, role: Role) -> str:
        key = (reference or hint, role)
        if reference and key in self._names:
            return self._names[key]
        wanted = class_name(reference or _title(schema) or hint)
        name = unique_name(wanted, NAMES_IN_USE | set(self._classes))
        # Known before its members are: one of them may refer to it.
        self._names[key] = name
        self._classes[name] = ObjectType(name, "", ())
        members = tuple(self._members(schema, name, role))
        for known in self._classes.values():
            same = unique_base(known.name) == wanted and known.members == members
            if same and known.name != name:
                del self._classes[name]
                self._names[key] = known.name
                return known.name
        self._classes[name] = ObjectType(name, _text(schema.get("description")), members)
        return name

    def _members(self, schema: Mapping[str, Any], owner: str, role: Role) -> list[Member]:
        required = set(map(str, as_list(schema.get("required"))))
        return [
            Member(
                name,
                self.type_of(member, class_name(f"{owner} {name}"), role),
                name in required,
            )
            for name, member in as_object(schema["properties"]).items()
            if self.resolve(member).get(_HIDDEN[role]) is not True
        ]


def as_object(value: Any) -> dict[str, Any]:
    """Return a value if it is an object, else an empty one: a description may be malformed."""
    return value if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any]:
    """Return a value if it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def unique_base(name: str) -> str:
    """Return a class name without the number that made it unique."""
    return name.rstrip("0123456789")


def _title(schema: Mapping[str, Any]) -> str:
    return _text(schema.get("title"))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _alternatives(schema: Mapping[str, Any]) -> list[Any]:
    """Return the schemas of which one must match; none if the schema has no choice."""
    for name in ("anyOf", "oneOf"):
        if isinstance(schema.get(name), list):
            return as_list(schema[name])
    return [{**schema, "type": type_} for type_ in as_list(schema.get("type"))]


def _literal(values: Any) -> str:
    values = as_list(values)
    if not values or not all(isinstance(value, _LITERALS) for value in values):
        return ANY
    return f"Literal[{', '.join(map(repr, values))}]"


def _union(types: Any) -> str:
    alternatives = list(dict.fromkeys(types))
    if ANY in alternatives or not alternatives:
        return ANY
    if "float" in alternatives and "int" in alternatives:
        alternatives.remove("int")
    if "None" in alternatives:
        alternatives.remove("None")
        alternatives.append("None")
    return " | ".join(alternatives)
