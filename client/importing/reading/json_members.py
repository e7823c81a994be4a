"""Reads the members of JSON objects around the rows: small ones whole, long ones in pieces."""

from typing import Any, Final

from client.importing.reading.json_text import JSONText, TooLongError
from client.importing.reading.row_paths import Path, list_places
from client.importing.reading.text import MAX_CHARACTERS

SMALL: Final = 1 << 16
"""Characters of a member around the rows that can be used."""
TOO_LONG: Final = object()
"""The value of a longer one."""
_MAX_PLACES: Final = 3


class MemberReader:
    """Reads or skips values that are not on the path to the rows.

    All methods raise ``ValueError`` if the value is not JSON.

    Args:
        text: At any position.
    """

    def __init__(self, text: JSONText) -> None:
        self._text = text
        self.places: list[str] = []
        """Paths of the first arrays of objects."""

    def read(self, place: Path, *, note_places: bool) -> Any:
        """Return the next value, or ``TOO_LONG``.

        Args:
            place: Its path.
            note_places: Whether to add arrays of objects in a small value to ``places``.
        """
        try:
            value = self._read(SMALL, place)
        except TooLongError:
            self.skip(place)
            return TOO_LONG
        if note_places:
            for found in list_places(value, place):
                self._add_place(found)
        return value

    def skip_any(self) -> None:
        """Pass the next value."""
        try:
            self._text.value(SMALL)
        except TooLongError:
            self.skip(())

    def skip(self, place: Path) -> None:
        """Pass the next value, which may be long, in pieces."""
        first = self._text.peek()
        if first == '"':
            self._text.skip_string()
            return
        if first not in "[{":
            self._read(MAX_CHARACTERS, place)
            return
        close = "]" if first == "[" else "}"
        more = self._text.begin(close)
        if more and first == "[" and self._text.peek() == "{":
            self._add_place(place)
        while more:
            inner = (*place, self._text.name()) if first == "{" else place
            try:
                self._text.value(SMALL)
            except TooLongError:
                self.skip(inner)
            more = self._text.proceed(close)

    def _read(self, limit: int, place: Path) -> Any:
        name = ".".join(place)
        try:
            value, _ = self._text.value(limit)
        except TooLongError as error:
            if limit < MAX_CHARACTERS:
                raise
            raise ValueError(
                f"the value of {name!r} is not JSON, or longer than {MAX_CHARACTERS} characters"
            ) from error
        except ValueError as error:
            raise ValueError(f"the value of {name!r} is not JSON: {error}") from error
        if self._text.duplicate:
            raise ValueError(f"{name!r} has the member {self._text.duplicate!r} more than once")
        return value

    def _add_place(self, place: Path) -> None:
        path = ".".join(place)
        if path and path not in self.places and len(self.places) < _MAX_PLACES:
            self.places.append(path)
