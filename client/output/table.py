"""Tables for people: rows as lines, one object as a table of its members. Drawn by rich."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from client.output.destination import Destination
from encore.client.errors import UnexpectedResponseError

_WIDE: Final = 100_000
"""Columns where there is no terminal: nothing is shortened or wrapped."""


class TableWriter:
    """Draws a table of all rows, whose widths are known only at the end.

    Args:
        destination: Where it is written to.
        colour: Whether the header is bold.
    """

    def __init__(self, destination: Destination, *, colour: bool) -> None:
        self._destination = destination
        self._colour = colour
        self._rows: list[Mapping[str, Any]] = []

    def write_value(self, value: Any) -> None:
        """Draw one object, a line for each member. Raise ``UnexpectedResponseError``."""
        if not isinstance(value, dict):
            raise UnexpectedResponseError(
                "The response is neither an object nor a list: --table has nothing to draw."
            )
        table = _new_table(["name", "value"])
        for name, member in value.items():
            table.add_row(Text(_printable(name)), _cell(member))
        self._draw(table)

    def write_rows(self, rows: Sequence[Any]) -> None:
        """Keep further rows. Raise ``UnexpectedResponseError``."""
        if not all(isinstance(row, dict) for row in rows):
            raise UnexpectedResponseError("A row of the response is not an object.")
        self._rows += rows

    def end_rows(self) -> None:
        """Draw the table."""
        columns = list(dict.fromkeys(name for row in self._rows for name in row))
        if not columns:
            self._destination.write("(no rows)\n")
            return
        table = _new_table(columns)
        for row in self._rows:
            table.add_row(*(_cell(row.get(name)) for name in columns))
        self._draw(table)

    def _draw(self, table: Table) -> None:
        terminal = self._destination.is_terminal
        console = Console(
            force_terminal=self._colour,
            no_color=not self._colour,
            color_system="standard" if self._colour else None,
            width=None if terminal else _WIDE,
            legacy_windows=False,
        )
        with console.capture() as capture:
            console.print(table)
        lines = (line.rstrip() for line in capture.get().splitlines())
        text = "".join(f"{line}\n" for line in lines)
        encoding = self._destination.encoding
        self._destination.write(text.encode(encoding, "backslashreplace").decode(encoding))


def _new_table(columns: Sequence[str]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in columns:
        table.add_column(Text(_printable(name)), overflow="fold")
    return table


def _cell(value: Any) -> Text:
    if isinstance(value, str):
        return Text(_printable(value))
    if value is None:
        return Text("")
    rendered = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return Text(_printable(rendered), justify="right" if is_number else "default")


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text.replace("\n", " "))
