"""The format and encoding of a source by its suffix or media type."""

from collections.abc import Mapping
from pathlib import PurePath
from typing import Final

from client.importing.mapping.field_mapping import FORMATS
from encore.client.errors import UsageError

TSV: Final = "tsv"
"""CSV whose cells are separated by tabs, unless the mapping names another delimiter."""

SUFFIXES: Final[Mapping[str, str]] = {
    ".csv": "csv",
    ".txt": "csv",
    ".tsv": TSV,
    ".tab": TSV,
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
    ".json": "json",
}
MEDIA_TYPES: Final[Mapping[str, str]] = {
    "text/csv": "csv",
    "application/csv": "csv",
    "text/tab-separated-values": TSV,
    "application/x-ndjson": "ndjson",
    "application/ndjson": "ndjson",
    "application/jsonl": "ndjson",
    "application/x-jsonl": "ndjson",
    "application/jsonlines": "ndjson",
    "application/x-jsonlines": "ndjson",
    "application/json": "json",
    "text/json": "json",
}
_JSON_SUFFIX: Final = "+json"
"""Of media types such as ``application/vnd.api+json`` (RFC 6839)."""


def format_of_path(path: PurePath) -> str:
    """Return the format by a path's suffix; empty if it is unknown."""
    return SUFFIXES.get(path.suffix.lower(), "")


def default_delimiter(path: PurePath) -> str:
    """Return the character between the cells of a file, unless the mapping names another."""
    return "\t" if format_of_path(path) == TSV else ","


def format_of_media_type(content_type: str) -> str:
    """Return the format by a Content-Type header; empty if it is unknown."""
    media_type = content_type.partition(";")[0].strip().lower()
    return "json" if media_type.endswith(_JSON_SUFFIX) else MEDIA_TYPES.get(media_type, "")


def charset_of(content_type: str) -> str:
    """Return the charset parameter of a Content-Type header; empty without one."""
    for parameter in content_type.split(";")[1:]:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            return value.strip().strip("\"'")
    return ""


def choose_format(in_mapping: str, option: str, found: str, name: str) -> str:
    """Return the format to read: one of ``FORMATS``, or ``TSV``.

    Args:
        in_mapping: The mapping's ``format``; empty for none.
        option: ``--format``; empty for none.
        found: By media type or suffix; empty if unknown.
        name: The source's, for the message.

    Raises:
        UsageError: No format is known, or mapping and option contradict each other.
    """
    if in_mapping and option and in_mapping != option:
        raise UsageError(
            f'--format {option} contradicts format = "{in_mapping}" in the mapping: remove one.'
        )
    chosen = in_mapping or option
    if not chosen and not found:
        raise UsageError(
            f"The format of {name} is unknown: pass --format {', '.join(FORMATS)}, or write it in"
            ' the mapping: format = "csv".'
        )
    # TSV is CSV: that someone says so does not change its delimiter.
    return found if not chosen or (chosen == "csv" and found == TSV) else chosen
