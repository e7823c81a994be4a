"""The format of a source by its suffix or media type."""

from collections.abc import Mapping
from typing import Final

SUFFIXES: Final[Mapping[str, str]] = {
    ".csv": "csv",
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
    ".json": "json",
}
MEDIA_TYPES: Final[Mapping[str, str]] = {
    "text/csv": "csv",
    "application/csv": "csv",
    "application/x-ndjson": "ndjson",
    "application/ndjson": "ndjson",
    "application/jsonl": "ndjson",
    "application/x-jsonlines": "ndjson",
    "application/json": "json",
}
