"""Walks JSON text to the rows that a mapping's ``rows`` leads to.

Rows and small members are decoded whole, and everything else is passed in pieces, so that neither
the rows nor a long member that is not needed fill the memory. A row also has the members of the
objects it is in. Those may follow the rows: if a row lacks a member that the mapping names, the
rest of these objects is read first, and then read again.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from client.importing.reading.json_members import SMALL, TOO_LONG, MemberReader
from client.importing.reading.json_text import JSONText, TooLongError
from client.importing.reading.json_values import build_record
from client.importing.reading.record import Element, OnElement, Record
from client.importing.reading.row_paths import ANY, Path, match_member
from client.importing.reading.text import MAX_CHARACTERS

_MAX_MEMBERS: Final = 100_000
"""Of one object around the rows."""


@dataclass
class _Level:
    """An array or object around the rows."""

    close: str
    path: Path
    members: dict[str, Any] = field(default_factory=dict)
    """Those that the mapping names."""
    complete: bool = False
    """Whether these are all."""


class RowWalker:
    """Yields the rows of JSON text.

    Args:
        text: At its start.
        names: The names that the mapping may read.
        on_element: Called after each element of an array on the path to the rows.
    """

    def __init__(
        self, text: JSONText, names: frozenset[str], on_element: OnElement | None = None
    ) -> None:
        self._text = text
        self._names = names
        self.members = MemberReader(text)
        """Reads what is not on the path."""
        self._on_element = on_element
        self._arrays = 0
        self._levels: list[_Level] = []
        self._objects = 0
        self._position = 0
        self.found = False
        """Whether the path of the rows led to its end."""

    def walk(
        self, path: Path, envelope: dict[str, Any] | None, place: Path = ()
    ) -> Iterator[Record]:
        """Yield the rows in the next value.

        Args:
            path: From the value to the rows.
            envelope: Receives the members around the rows; None for none.
            place: The path to the value, for messages.

        Raises:
            ValueError: The text is not JSON from here on.
        """
        first = self._text.peek()
        if first == "[":
            yield from self._walk_array(path, place)
        elif not path:
            self.found = True
            yield self._read_row()
        elif first == "{":
            yield from self._walk_object(path, envelope, place)
        else:
            self.members.skip(place)

    def _walk_array(self, path: Path, place: Path) -> Iterator[Record]:
        more = self._text.begin("]")
        self.found = self.found or not path or not more
        self._levels.append(_Level("]", path, complete=True))
        self._arrays += 1
        while more:
            if path:
                yield from self._walk_element(path, place)
            elif self._text.peek() == "[":
                yield from self.walk(path, None, place)
            else:
                yield self._read_row()
            more = self._text.proceed("]")
        self._arrays -= 1
        self._levels.pop()

    def _walk_element(self, path: Path, place: Path) -> Iterator[Record]:
        """Yield the rows in an element of an array on the path to the rows."""
        if self._on_element is None:
            yield from self.walk(path, None, place)
            return
        members: dict[str, Any] = {}
        before = self._position
        yield from self.walk(path, members, place)
        self._on_element(Element(members, self._position - before, self._arrays - 1))

    def _walk_object(
        self, path: Path, envelope: dict[str, Any] | None, place: Path
    ) -> Iterator[Record]:
        more = self._text.begin("}")
        self.found = self.found or (not more and path[0] == ANY)
        level = _Level("}", path)
        self._levels.append(level)
        self._objects += 1
        names: set[str] = set()
        while more:
            name = self._text.name()
            rest = match_member(path, name) if self._text.peek() in "[{" else None
            if rest is None or path[0] != ANY:
                _add_name(names, name)
            if rest is None:
                value = self.members.read((*place, name), note_places=not self.found)
                if name in self._names and not level.complete:
                    level.members[name] = value
                if envelope is not None and value is not TOO_LONG:
                    envelope[name] = value
            else:
                yield from self.walk(
                    rest, self._inner_envelope(path, rest, envelope, name), (*place, name)
                )
            more = self._text.proceed("}")
        self._objects -= 1
        self._levels.pop()

    def _inner_envelope(
        self, path: Path, rest: Path, envelope: dict[str, Any] | None, name: str
    ) -> dict[str, Any] | None:
        if envelope is None or path[0] == ANY or not rest or self._text.peek() != "{":
            return None
        inner: dict[str, Any] = {}
        envelope[name] = inner
        return inner

    def _read_row(self) -> Record:
        self._position += 1
        try:
            value, raw = self._text.value(MAX_CHARACTERS)
        except TooLongError as error:
            raise ValueError(
                f"row {self._position} is not JSON, or longer than {MAX_CHARACTERS} characters"
            ) from error
        except ValueError as error:
            raise ValueError(f"row {self._position} is not JSON: {error}") from error
        duplicate = self._text.duplicate
        outer = self._outer_members(value) if self._objects and isinstance(value, dict) else {}
        return build_record(self._position, value, raw, duplicate, outer)

    def _outer_members(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the mapping names and the row lacks, from the objects that the row is in."""
        missing = self._names - row.keys()
        if not missing:
            return {}
        if not all(level.complete for level in self._levels):
            self._look_ahead()
        outer: dict[str, Any] = {}
        for level in self._levels:
            outer.update((name, level.members[name]) for name in missing & level.members.keys())
        for name, value in outer.items():
            if value is TOO_LONG:
                raise ValueError(
                    f"the member {name!r} around the rows is longer than {SMALL} characters"
                )
        return outer

    def _look_ahead(self) -> None:
        """Read the members after the rows of all objects that the next row is in."""
        mark = self._text.mark()
        outermost = next(n for n, level in enumerate(self._levels) if not level.complete)
        for level in reversed(self._levels[outermost:]):
            while self._text.proceed(level.close):
                if level.close == "]":
                    self.members.skip_any()
                    continue
                name = self._text.name()
                on_path = self._text.peek() in "[{" and match_member(level.path, name) is not None
                if on_path or name not in self._names:
                    self.members.skip_any()
                else:
                    level.members[name] = self.members.read((name,), note_places=False)
            level.complete = True
        self._text.reset(mark)


def _add_name(names: set[str], name: str) -> None:
    if name in names:
        raise ValueError(f"the member {name!r} is there more than once")
    names.add(name)
    if len(names) > _MAX_MEMBERS:
        raise ValueError(f"an object around the rows has more than {_MAX_MEMBERS} members")
