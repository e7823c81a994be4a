"""Records: the rows of a source as the external system wrote them."""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

REJECTED_COLUMNS: Final = ("line", "reason")
"""The first columns of a file of rejected rows; ignored when such a file is imported."""


class Record(NamedTuple):
    """A row as the external system wrote it."""

    line: int
    """Where it begins: a line of CSV or NDJSON from 1, or the position in a JSON text from 1."""
    values: dict[str, Any]
    """By the external system's names; empty if the record has an error."""
    raw: list[str] | str
    """Cells of CSV, or JSON text: written to the file of rejected rows."""
    error: str = ""
    """Why the record cannot be parsed."""
    skipped: bool = False
    """Whether it has no row: a line of NDJSON without the mapping's ``rows``."""
    page: int = 1
    """Of a source that is read page by page: the page that ``line`` is counted in."""


class Records(NamedTuple):
    """The columns of CSV (empty for JSON), and the records, read lazily."""

    columns: tuple[str, ...]
    rows: Iterator[Record]
    envelope: Mapping[str, Any] = MappingProxyType({})
    """The members around the rows of JSON, complete when the rows were read."""


class Element(NamedTuple):
    """An element of an array on the path to the rows, after its rows were read."""

    members: Mapping[str, Any]
    """The small members around its rows."""
    rows: int
    """How many rows are in it."""
    depth: int
    """Of the array: 0 for the outermost."""


OnElement = Callable[[Element], None]
