"""NDJSON: one row a line."""

import json
from collections.abc import Sequence
from typing import Any

from client.output.destination import Destination


class NdjsonWriter:
    """Writes each row, or a single value, as one line of JSON in UTF-8.

    Args:
        destination: Where it is written to.
    """

    def __init__(self, destination: Destination) -> None:
        self._destination = destination

    def write_value(self, value: Any) -> None:
        """Write one value as a line."""
        self.write_rows([value])

    def write_rows(self, rows: Sequence[Any]) -> None:
        """Write further rows."""
        content = b"".join(map(_line, rows))
        if content:
            self._destination.write(content)

    def end_rows(self) -> None:
        """Do nothing: NDJSON has no end."""


def _line(row: Any) -> bytes:
    text = json.dumps(row, ensure_ascii=False, separators=(",", ":"))
    try:
        return f"{text}\n".encode()
    except UnicodeEncodeError:  # A lone surrogate, which JSON may contain as an escape only.
        return f"{json.dumps(row, separators=(',', ':'))}\n".encode()
