"""The resources of a description: paths with rows, and the types of their rows and bodies."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import unquote

from client.generating.names import attribute_name, unique_name
from client.generating.schemas import NAMES_IN_USE, Role, SchemaTypes, as_list, as_object

NO_BODY: Final = "Never"
"""The type of a body that a resource does not take."""

_ANY_KEY: Final = "int | str"
_JSON: Final = "application/json"
_TAKEN: Final = NAMES_IN_USE | {
    "aclose",
    "base_url",
    "batch",
    "close",
    "request",
    "resource",
    "send",
    "sender",
    "stream",
}
"""Names that no resource can have: attributes of the clients, and what the module uses."""


class Segment(NamedTuple):
    """A segment of a resource's path: a word, or a parameter with its type."""

    text: str
    type_: str = ""


class ResourceType(NamedTuple):
    """A resource with the types of its rows, of new rows and of changes."""

    name: str
    path: str
    segments: tuple[Segment, ...]
    row: str
    create: str
    update: str


def find_resources(document: Mapping[str, Any], types: SchemaTypes) -> list[ResourceType]:
    """Return the resources by name.

    A path is one if it has a list of objects, or rows below it.
    """
    described = as_object(document.get("paths"))
    paths = {path.rstrip("/"): operations for path, operations in described.items()}
    resources: dict[str, ResourceType] = {}
    for path in sorted({collection_path(path) for path in paths}):
        item = _find_item(path, paths)
        segments = _segments(path, paths, types)
        if segments is None:
            continue
        words = [segment.text for segment in segments if not segment.type_]
        name = unique_name(attribute_name(words), _TAKEN | set(resources))
        found = _types_of(name, as_object(paths.get(path)), item, types)
        if found is not None:
            resources[name] = ResourceType(name, path, segments, *found)
    return [resources[name] for name in sorted(resources)]


def collection_path(path: str) -> str:
    """Return a path without the parameters at its end: ``/parts`` for ``/parts/{id}``."""
    words = path.rstrip("/").split("/")
    while len(words) > 1 and _is_parameter(words[-1]):
        words.pop()
    return "/".join(words)


def _find_item(path: str, paths: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the operations on a row of a resource."""
    return next(
        (as_object(paths[p]) for p in sorted(paths) if p != path and collection_path(p) == path), {}
    )


def _types_of(
    name: str, collection: Mapping[str, Any], item: Mapping[str, Any], types: SchemaTypes
) -> tuple[str, str, str] | None:
    """Return the types of rows, new rows and changes; None if there are no rows."""
    row = _response(item, types) or _items(_response(collection, types), types)
    if row is None:
        return None

    def body(operations: Mapping[str, Any], *methods: str) -> str:
        schema = next((s for m in methods if (s := _body(operations, m, types)) is not None), None)
        if schema is None:
            return NO_BODY
        return types.object_type(schema, f"{name} {methods[0]}", _BODY)

    return (
        types.object_type(row, f"{name} row", _ROW),
        body(collection, "post"),
        body(item, "patch", "put", "post"),
    )


_ROW: Final[Role] = "row"
_BODY: Final[Role] = "body"


def _body(operations: Mapping[str, Any], method: str, types: SchemaTypes) -> Any:
    """Return the schema of the body that a method takes; None if it takes none."""
    return _json_schema(types.resolve(types.resolve(operations.get(method)).get("requestBody")))


def _response(operations: Mapping[str, Any], types: SchemaTypes) -> Any:
    """Return the schema of a successful response to GET; None if there is none."""
    responses = as_object(types.resolve(operations.get("get")).get("responses"))
    return _json_schema(types.resolve(responses.get("200")))


def _items(schema: Any, types: SchemaTypes) -> Any:
    """Return the schema of the rows of a list; None if it is not a list of objects."""
    resolved = types.resolve(schema)
    items = types.resolve(resolved.get("items"))
    is_list = resolved.get("type") == "array" and bool(items)
    return resolved.get("items") if is_list else None


def _json_schema(content: Mapping[str, Any]) -> Any:
    return as_object(as_object(content.get("content")).get(_JSON)).get("schema")


def _segments(
    path: str, paths: Mapping[str, Any], types: SchemaTypes
) -> tuple[Segment, ...] | None:
    """Return the segments of a path; None if it is not made of words and parameters."""
    parameters = _parameter_types(path, paths, types)
    segments = []
    for word in path.strip("/").split("/"):
        if _is_parameter(word):
            type_ = parameters.get(word[1:-1], _ANY_KEY)
            segments.append(Segment(unique_name(attribute_name([word]), _TAKEN), type_))
        elif not word or "{" in word or unquote(word) in {".", ".."}:
            return None
        else:
            segments.append(Segment(unquote(word)))
    names = [segment.text for segment in segments if segment.type_]
    return None if len(set(names)) < len(names) else tuple(segments)


def _parameter_types(path: str, paths: Mapping[str, Any], types: SchemaTypes) -> dict[str, str]:
    found: dict[str, str] = {}
    item = as_object(paths.get(path))
    described = [item, *(as_object(operation) for operation in item.values())]
    for parameter in (p for owner in described for p in as_list(owner.get("parameters"))):
        resolved = types.resolve(parameter)
        name = resolved.get("name")
        if resolved.get("in") == "path" and isinstance(name, str):
            type_ = types.type_of(resolved.get("schema"), "Key", _BODY)
            found.setdefault(name, type_ if type_ in ("int", "str") else _ANY_KEY)
    return found


def _is_parameter(word: str) -> bool:
    return word.startswith("{") and word.endswith("}")
