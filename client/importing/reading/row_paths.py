"""The path of the rows in JSON, and rows in values that are in memory."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

Path = tuple[str, ...]
"""Names of members."""
ANY: Final = "*"
"""In a path: any member."""
_MAX_DEPTH: Final = 5


def parse_path(rows: str) -> Path:
    """Return the path that a mapping's ``rows`` is; empty for none."""
    return tuple(rows.split(".")) if rows else ()


def match_member(path: Path, name: str) -> Path | None:
    """Return the rest of a path after a member, or None if it does not lead through it.

    A name may contain dots.
    """
    if path[0] in {ANY, name}:
        return path[1:]
    if "." in name:
        parts = tuple(name.split("."))
        if path[: len(parts)] == parts:
            return path[len(parts) :]
    return None


def list_places(value: Any, place: Path, *, empty: bool = False) -> Iterator[Path]:
    """Yield the paths of arrays of objects in a value.

    Args:
        value: Decoded JSON.
        place: Its path.
        empty: Whether to yield empty arrays instead.
    """
    if isinstance(value, list):
        if (not value) if empty else any(isinstance(element, dict) for element in value):
            yield place
    elif isinstance(value, dict) and len(place) < _MAX_DEPTH:
        for name, member in value.items():
            yield from list_places(member, (*place, name), empty=empty)


def without_rows(value: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Return the members of an object except those that lead to its rows."""
    around: dict[str, Any] = {}
    for name, member in value.items():
        rest = match_member(path, name) if path else None
        if rest is None:
            around[name] = member
        elif rest and isinstance(member, Mapping) and path[0] != ANY:
            around[name] = without_rows(member, rest)
    return around


class RowFinder:
    """Finds the rows in values that are in memory.

    Args:
        path: Of the rows.
        names: The names that the mapping may read.
    """

    def __init__(self, path: Path, names: frozenset[str]) -> None:
        self._path = path
        self._names = names
        self.found = False
        """Whether the path led to its end in any value."""

    def find(self, value: Any) -> Iterator[tuple[Any, dict[str, Any]]]:
        """Yield each row, with the members that the mapping names of the objects it is in."""
        if isinstance(value, dict | list):
            yield from self._find(value, self._path, {})

    def _find(
        self, value: Any, path: Path, outer: Mapping[str, Any]
    ) -> Iterator[tuple[Any, dict[str, Any]]]:
        if isinstance(value, list):
            self.found = self.found or not path or not value
            for element in value:
                yield from self._find(element, path, outer)
        elif not path:
            self.found = True
            own = value if isinstance(value, dict) else {}
            yield value, {name: member for name, member in outer.items() if name not in own}
        elif isinstance(value, dict):
            self.found = self.found or (not value and path[0] == ANY)
            yield from self._find_members(value, path, outer)

    def _find_members(
        self, value: Mapping[str, Any], path: Path, outer: Mapping[str, Any]
    ) -> Iterator[tuple[Any, dict[str, Any]]]:
        inner = dict(outer)
        places = []
        for name, member in value.items():
            rest = match_member(path, name) if isinstance(member, dict | list) else None
            if rest is not None:
                places.append((member, rest))
            elif name in self._names:
                inner[name] = member
        for member, rest in places:
            yield from self._find(member, rest, inner)
