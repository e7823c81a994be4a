"""Paths of resources and rows: percent-encoded, relative to the API's URL."""

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import quote

from encore.client.encoding import encode_scalar
from encore.client.errors import UsageError
from encore.client.references import Reference

_UNRESERVED: Final = "-._~!$&'()*+,;=:@"
"""Characters of a segment of a path that are not percent-encoded (RFC 3986 section 3.3)."""


def encode_path(path: str, *segments: Any) -> str:
    """Return a path with a leading slash.

    Args:
        path: Words with slashes between them, decoded; a slash at the start or the end is ignored.
        segments: Further segments, each with whatever it contains: ``("timesheets", 3, "history")``
            is ``/timesheets/3/history``.

    Raises:
        UsageError: A segment is empty, ``.`` or ``..``; or the path has a query.
    """
    if "?" in path or "#" in path:
        raise UsageError(f"{path!r:.80} is not a path: parameters are given to the method.")
    stripped = path.strip("/")
    words = stripped.split("/") if stripped or not segments else []
    return "".join(f"/{encode_segment(segment)}" for segment in (*words, *segments))


def encode_key(path: str, key: Any) -> str:
    """Return the path of a row.

    Args:
        path: The path of its resource.
        key: The row's key; a tuple of its members if it has several.
    """
    members = key if isinstance(key, tuple | list) else (key,)
    if not members:
        raise UsageError("The key of the row is empty.")
    return path + "".join(f"/{encode_segment(member)}" for member in members)


def encode_segment(value: Any) -> str:
    """Return a segment of a path, percent-encoded; a reference of a batch in braces.

    Raises:
        UsageError: It is empty, ``.`` or ``..``, or not a string, number, date or UUID.
    """
    if isinstance(value, Reference):
        return f"{{{value.path}}}"
    text = encode_scalar(value)
    if text is None:
        raise UsageError(f"A key cannot be a {type(value).__name__}: {value!r:.80}.")
    if text in ("", ".", ".."):
        raise UsageError(f"A key or a word of a path cannot be {text!r}.")
    try:
        return quote(text, safe=_UNRESERVED)
    except UnicodeEncodeError as error:
        raise UsageError(f"A key or a word of a path is not Unicode: {text!r:.80}.") from error


def join_names(names: str | Sequence[str]) -> str:
    """Return names with commas between them."""
    return names if isinstance(names, str) else ",".join(names)
