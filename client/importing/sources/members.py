"""Members of JSON objects by their path: names separated by dots; an exact name wins."""

from collections.abc import Iterator, Mapping
from typing import Any


def find_member(value: Any, path: str) -> Any:
    """Return the member at a path, or None if there is none.

    Args:
        value: An object or array; a number in the path is the position in an array.
        path: ``@odata.nextLink`` is the member of that name if there is one, otherwise the member
            ``nextLink`` of the member ``@odata``.
    """
    if isinstance(value, list):
        head, _, rest = path.partition(".")
        found = value[int(head)] if head.isdecimal() and int(head) < len(value) else None
        return find_member(found, rest) if rest else found
    if not isinstance(value, Mapping):
        return None
    if path in value:
        return value[path]
    for name, rest in _splits(path):
        if name in value and (found := find_member(value[name], rest)) is not None:
            return found
    return None


def set_member(value: Mapping[str, Any], path: str, member: Any) -> dict[str, Any]:
    """Return a copy of an object with another member at a path; missing objects are created.

    Raises:
        ValueError: A member on the path is not an object.
    """
    if path in value or "." not in path:
        return {**value, path: member}
    name, rest = next(
        (split for split in _splits(path) if split[0] in value), tuple(path.split(".", 1))
    )
    inner = value.get(name, {})
    if not isinstance(inner, Mapping):
        raise ValueError(f"{name} is not an object")  # noqa: TRY004 - a value of the body.
    return {**value, name: set_member(inner, rest, member)}


def _splits(path: str) -> Iterator[tuple[str, str]]:
    """Yield each way to divide a path in two, the longest first name first."""
    parts = path.split(".")
    for at in range(len(parts) - 1, 0, -1):
        yield ".".join(parts[:at]), ".".join(parts[at:])
