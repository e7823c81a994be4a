"""Targets from the API's own description (OpenAPI): every resource that has an upload."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from client.importing.suggestions import suggest
from client.importing.targets.target import Kind, Target
from encore.client.errors import UnexpectedResponseError, UsageError

UPLOAD: Final = "/upload"
"""The end of the path of an upload."""

_KINDS: Final[tuple[tuple[str, Kind], ...]] = (
    ("string", "string"),
    ("number", "number"),
    ("integer", "integer"),
    ("boolean", "boolean"),
)
"""By type of JSON Schema; of several types the first one here."""
_MAX_REFERENCES: Final = 10
"""How many references may follow one another; more are a cycle."""

_FORMATS: Final[Mapping[str, Kind]] = {
    "date-time": "timestamp",
    "date": "date",
    "decimal": "decimal",
}


def find_target(document: Any, name: str, key: str | None) -> Target:
    """Return a resource of the API as a target.

    Args:
        document: The API's description.
        name: The resource's: ``parts`` for ``POST /parts/upload``.
        key: The fields that identify a row, with commas between them; None for the default.

    Raises:
        UsageError: There is no such resource with an upload, or it has no such key.
        UnexpectedResponseError: The document is not the description of such an API.
    """
    try:
        uploads = list(_uploads(document))
        found = [(path, operation) for known, path, operation in uploads if known == name]
        if not found:
            known_names = sorted({known for known, _, _ in uploads})
            raise UsageError(f"The API has no upload of {name!r}{suggest(name, known_names)}.")
        if len(found) > 1:
            paths = " and ".join(path for path, _ in found)
            raise UsageError(f"{name!r} is not clear: the API has the uploads {paths}.")
        ((path, operation),) = found
        return _build_target(name, path, _Description(document, operation), key)
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise UnexpectedResponseError(
            "The API's description (openapi.json) is not one of an Encore service."
        ) from error


def _uploads(document: Any) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Yield name, path and operation of each upload whose path has no parameters."""
    for path, item in document["paths"].items():
        if path.endswith(UPLOAD) and "post" in item and "{" not in path:
            yield path.removesuffix(UPLOAD).rpartition("/")[2], path, item["post"]


class _Description:
    """The description of one upload.

    Args:
        document: The API's description, which has what several operations share.
        operation: The operation.
    """

    def __init__(self, document: Mapping[str, Any], operation: Mapping[str, Any]) -> None:
        self._document = document
        self.operation = operation

    def row(self) -> Mapping[str, Any]:
        """Return the schema of a row."""
        rows = self._json_schema(self.operation["requestBody"])
        return self.resolve(self.resolve(rows)["items"])

    def shown(self) -> Mapping[str, Any]:
        """Return the schema of a stored row."""
        return self.resolve(self._json_schema(self.operation["responses"]["201"]))

    def _json_schema(self, described: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the schema of the JSON of a body or of a response."""
        schema: Mapping[str, Any] = self.resolve(described)["content"]["application/json"]["schema"]
        return schema

    def parameter(self, name: str) -> Mapping[str, Any]:
        """Return the parameter of a name."""
        parameters = map(self.resolve, self.operation["parameters"])
        (parameter,) = (each for each in parameters if each["name"] == name)
        return parameter

    def resolve(self, part: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a part of the document, or what it refers to (``$ref``)."""
        for _ in range(_MAX_REFERENCES):
            if "$ref" not in part:
                return part
            found: Any = self._document
            for name in part["$ref"].removeprefix("#/").split("/"):
                found = found[name.replace("~1", "/").replace("~0", "~")]
            part = found
        raise KeyError("$ref")


def _build_target(name: str, path: str, description: _Description, key: str | None) -> Target:
    row = description.row()
    members = {field: description.resolve(schema) for field, schema in row["properties"].items()}
    return Target(
        name=name,
        kinds={field: _kind_of(schema) for field, schema in members.items()},
        required=tuple(row.get("required", ())),
        read_only=tuple(f for f in description.shown()["properties"] if f not in members),
        key=_choose_key(name, description.parameter("key"), key),
        scope=" ".join(_scopes(description.operation)),
        path=path,
    )


def _kind_of(schema: Mapping[str, Any]) -> Kind:
    schemas = [schema, *schema.get("anyOf", ())]
    for each in schemas:
        if (kind := _FORMATS.get(each.get("format", ""))) is not None:
            return kind
    types = {type_ for each in schemas for type_ in _types_of(each)}
    return next((kind for type_, kind in _KINDS if type_ in types), "json")


def _types_of(schema: Mapping[str, Any]) -> list[str]:
    """Return the types of a schema, which has one or an array of them."""
    types = schema.get("type", [])
    return [types] if isinstance(types, str) else list(types)


def _choose_key(name: str, parameter: Mapping[str, Any], key: str | None) -> tuple[str, ...]:
    keys: list[str] = parameter["schema"]["enum"]
    chosen = parameter["schema"]["default"] if key is None else key.replace(" ", "")
    if chosen not in keys:
        raise UsageError(
            f"--key {key} cannot identify rows of {name}: it must be {' or '.join(keys)}, as no"
            " other field is a primary key or has a unique constraint."
        )
    return tuple(chosen.split(","))


def _scopes(operation: Mapping[str, Any]) -> list[str]:
    """Return the scopes of the first alternative that the operation accepts."""
    return [scope for scopes in operation["security"][0].values() for scope in scopes]
