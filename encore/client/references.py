"""References to the results of earlier operations of a batch."""

import re
from collections.abc import Mapping
from typing import Any, Final

from encore.client.errors import UsageError

_MEMBER: Final = re.compile(r"[^.{}]+")
_REF: Final = re.compile(r"\$+ref")


class Reference:
    """A member of the result of an earlier operation: in a key, or anywhere in a body.

    Args:
        path: The operation's id, and the names and positions that lead to the member.
    """

    def __init__(self, path: str) -> None:
        self.path = path

    def __getitem__(self, name: str | int) -> "Reference":
        text = str(name)
        if not _MEMBER.fullmatch(text):
            raise UsageError(f"A reference cannot name the member {text!r}.")
        return Reference(f"{self.path}.{text}")

    def __repr__(self) -> str:
        return f"<Reference {self.path}>"


def encode_references(value: Any) -> Any:
    """Return a body in the notation of batches: references, and members called ``$ref`` escaped."""
    if isinstance(value, Reference):
        return {"$ref": value.path}
    if isinstance(value, Mapping):
        return {_escape(name): encode_references(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [encode_references(item) for item in value]
    return value


def _escape(name: Any) -> Any:
    return f"${name}" if isinstance(name, str) and _REF.fullmatch(name) else name
