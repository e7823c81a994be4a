"""How far an export has come, as a JSON document beside the file."""

import json
from typing import Any, Final, NamedTuple, Self

from encore.client.errors import UsageError
from encore.client.urls import origin, validate_url

_VERSION: Final = 1


class ExportKey(NamedTuple):
    """What an export is of: another one must not continue it."""

    url: str
    format: str
    gzip: bool


class Position(NamedTuple):
    """A position after a part."""

    next_url: str
    """Where the API continues."""
    rows: int
    """How many rows were written."""
    header: str
    """The header line of CSV; empty for NDJSON."""


class SavedPosition(NamedTuple):
    """A position, and the content of the file up to it."""

    key: ExportKey
    position: Position
    size: int
    """Bytes of the file."""
    checksum: int
    """Their CRC-32: notices a file that another program has changed, or a power failure damaged."""

    def to_json(self) -> str:
        """Return the document."""
        members = {**self.key._asdict(), **self.position._asdict()}
        members |= {"size": self.size, "checksum": self.checksum}
        return json.dumps({"version": _VERSION, **members})

    @classmethod
    def from_json(cls, content: str) -> Self | None:
        """Return the position of a document; None if it is damaged."""
        try:
            members: Any = json.loads(content)
            if members.pop("version") != _VERSION:
                return None
            key = ExportKey(**{name: members.pop(name) for name in ExportKey._fields})
            position = Position(**{name: members.pop(name) for name in Position._fields})
            saved = cls(key, position, **members)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return None
        texts = (key.url, key.format, position.next_url, position.header)
        numbers = (position.rows, saved.size, saved.checksum)
        if not all(isinstance(text, str) for text in texts) or type(key.gzip) is not bool:
            return None
        return saved if all(type(n) is int and n >= 0 for n in numbers) else None


def check_saved(saved: SavedPosition, key: ExportKey, path: str) -> None:
    """Raise ``UsageError`` if what was begun is another export, or goes on at another server."""
    url = saved.position.next_url
    validate_url(url, f"The position in {path}.json", UsageError)
    if origin(url) != origin(key.url):
        raise UsageError(
            f"{path}.json leads to {origin(url)}: the token is only sent to {origin(key.url)}."
        )
    for name, before, now in zip(ExportKey._fields, saved.key, key, strict=True):
        if before != now:
            raise UsageError(
                f"{path} is of another export, with {name} {before!r} instead of {now!r}: write to"
                " another file, or start over without --resume."
            )
