"""The part of an OpenAPI document that a caller's scopes allow.

Operations are judged as the gate judges requests (``Access.permits``). What only others use is left
out as well: components, tags, scopes of the security scheme.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from encore.http.access import Access
from encore.service.documentation.security import SecuritySchemes

METHODS: Final = frozenset(("get", "put", "post", "delete", "options", "head", "patch", "trace"))
_COMPONENTS: Final = "#/components/"
_SECURITY: Final = "securitySchemes"

Operations = Collection[tuple[str, str, Access]]
"""Path, method in lower case, and access."""


def permitted_document(
    document: Mapping[str, Any],
    operations: Operations,
    schemes: SecuritySchemes,
    granted: frozenset[str],
) -> dict[str, Any]:
    """Return the part of a document that these scopes allow.

    Args:
        document: The whole document, which is not changed.
        operations: The operations that it describes.
        schemes: How callers authenticate.
        granted: The scopes of the caller's token.
    """
    hidden = {
        (path, method)
        for path, method, access in operations
        if not (access.public or access.permits(granted))
    }
    paths = dict(_visible_paths(document["paths"], hidden))
    components = _used_components(document.get("components", {}), paths)
    components[_SECURITY] = schemes.describe(paths, operations)
    permitted = {**document, "paths": paths, "components": components}
    if "tags" in document:
        used = {tag for item in paths.values() for tag in _tags(item)}
        permitted["tags"] = [tag for tag in document["tags"] if tag["name"] in used]
    return permitted


def _visible_paths(
    paths: Mapping[str, Mapping[str, Any]], hidden: set[tuple[str, str]]
) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in paths.items():
        visible = {
            key: _without_hidden_examples(value, hidden)
            for key, value in item.items()
            if (path, key) not in hidden
        }
        if METHODS & visible.keys():
            yield path, visible


def _without_hidden_examples(operation: Any, hidden: set[tuple[str, str]]) -> Any:
    """Return an operation without its examples if that of its body names hidden operations."""
    body = operation.get("requestBody", {}) if isinstance(operation, Mapping) else {}
    content = body.get("content", {})
    if not any(_names_hidden(media, hidden) for media in content.values()):
        return operation
    kept = {
        name: {k: v for k, v in media.items() if not _names_hidden({k: v}, hidden)}
        for name, media in content.items()
    }
    responses = {
        status: {**response, "content": _without_examples(response["content"])}
        if "content" in response
        else response
        for status, response in operation["responses"].items()
    }
    return {**operation, "requestBody": {**body, "content": kept}, "responses": responses}


def _without_examples(content: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    return {
        media_type: {k: v for k, v in media.items() if k not in ("example", "examples")}
        for media_type, media in content.items()
    }


def _names_hidden(media: Mapping[str, Any], hidden: set[tuple[str, str]]) -> bool:
    """Return whether the examples of a media type are batches with a hidden operation."""
    named = media.get("examples", {}).values()
    examples = [media.get("example"), *(each.get("value") for each in named)]
    return any(
        isinstance(member, Mapping)
        and any(
            _matches(str(member.get("path")), path) and str(member.get("method")).lower() == method
            for path, method in hidden
        )
        for example in examples
        if isinstance(example, Mapping)
        for member in example.get("operations", ())
    )


def _matches(path: str, template: str) -> bool:
    """Return whether a path, without its query, is one of a path template."""
    segments, patterns = path.partition("?")[0].split("/"), template.split("/")
    return len(segments) == len(patterns) and all(
        pattern[:1] == "{" or segment == pattern
        for segment, pattern in zip(segments, patterns, strict=True)
    )


def _tags(item: Mapping[str, Any]) -> Iterator[str]:
    for method in METHODS & item.keys():
        yield from item[method].get("tags", ())


def _used_components(
    components: Mapping[str, Mapping[str, Any]], paths: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    """Return the components that the paths refer to, and those that these refer to, in order."""
    used: set[tuple[str, str]] = set()
    pending = list(_references(paths))
    while pending:
        reference = pending.pop()
        if reference in used:
            continue
        used.add(reference)
        section, name = reference
        pending.extend(_references(components.get(section, {}).get(name)))
    found = {
        section: {name: value for name, value in named.items() if (section, name) in used}
        for section, named in components.items()
        if section != _SECURITY
    }
    return {section: named for section, named in found.items() if named}


def _references(node: Any) -> Iterator[tuple[str, str]]:
    """Yield section and name of each component that a part of a document refers to.

    Discriminators refer to schemas by plain strings, so that every string counts.
    """
    if isinstance(node, str):
        if node.startswith(_COMPONENTS):
            section, _, name = node.removeprefix(_COMPONENTS).partition("/")
            yield section, name.partition("/")[0].replace("~1", "/").replace("~0", "~")
    elif isinstance(node, Mapping):
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list | tuple):
        for value in node:
            yield from _references(value)
