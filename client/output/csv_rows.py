"""CSV of rows that a response has as JSON, in the notation of the API's own streams.

RFC 4180 with a header line and CRLF, in UTF-8. Null is an empty cell, the empty string is ``""``.
A string that a spreadsheet would run gets an apostrophe before it (``docs/reference/streams.md``).
Members of an embedded row are columns (``author.name``); arrays are JSON.
"""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from client.output.destination import Destination
from encore.client.errors import UnexpectedResponseError

_FORMULA: Final = re.compile(r"'*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
_QUOTED: Final = re.compile(r'[",\r\n]')


class CsvWriter:
    """Writes rows as CSV; the first page decides on the columns.

    Args:
        destination: Where they are written to.
    """

    def __init__(self, destination: Destination) -> None:
        self._destination = destination
        self._columns: list[str] | None = None

    def write_value(self, value: Any) -> None:
        """Raise ``UnexpectedResponseError``: one value is not a list of rows."""
        kind = "one object" if isinstance(value, dict) else "not a list"
        raise UnexpectedResponseError(f"The response is {kind}: --csv needs a list of rows.")

    def write_rows(self, rows: Sequence[Any]) -> None:
        """Write further rows.

        Raises:
            UnexpectedResponseError: A row is not an object, or has a member that no row of the
                first page had.
        """
        flat = [dict(_flatten(row)) for row in rows]
        if self._columns is None:
            self._columns = _columns(flat)
            self._write_line([_quote(name) for name in self._columns])
        for row in flat:
            unknown = [n for n, v in row.items() if n not in self._columns and v is not None]
            if unknown:
                raise UnexpectedResponseError(
                    f"A row has {unknown[0]!r}, which no row of the first page has: the columns"
                    " are written already. Use --ndjson."
                )
            self._write_line([_cell(row.get(name)) for name in self._columns])

    def end_rows(self) -> None:
        """Do nothing: CSV has no end."""

    def _write_line(self, cells: Sequence[str]) -> None:
        self._destination.write((",".join(cells) + "\r\n").encode("utf-8", "replace"))


def _flatten(row: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield columns and values of a row. Raise ``UnexpectedResponseError``."""
    if not isinstance(row, dict):
        raise UnexpectedResponseError("A row of the response is not an object: use --ndjson.")
    for name, value in row.items():
        if isinstance(value, dict) and value:
            yield from _flatten(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _columns(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Return all columns; of an embedded row that some rows lack, only its members."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    parents = {name.rpartition(".")[0] for name in names}
    return [name for name in names if name not in parents]


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return _quote(f"'{value}" if _FORMULA.match(value) else value)
    return _quote(json.dumps(value, ensure_ascii=False, separators=(",", ":")))


def _quote(text: str) -> str:
    if text and not _QUOTED.search(text) and text == text.strip():
        return text
    return '"' + text.replace('"', '""') + '"'
