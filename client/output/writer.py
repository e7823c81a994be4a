"""The writer of an output format."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from client.output.destination import Destination
from client.output.json_text import JsonWriter


class Writer(Protocol):
    """Writes a response in one format: either a value, or rows and their end."""

    def write_value(self, value: Any) -> None:
        """Write a value that is not a list of rows. Raise ``ClientError``."""

    def write_rows(self, rows: Sequence[Any]) -> None:
        """Write further rows. Raise ``ClientError``."""

    def end_rows(self) -> None:
        """End the rows. Raise ``ClientError``."""


def open_writer(
    output_format: str, destination: Destination, variables: Mapping[str, str]
) -> Writer:
    """Return the writer of a format: ``json``, ``table``, ``csv`` or ``ndjson``.

    Args:
        output_format: Its name.
        destination: Where it writes to.
        variables: Environment variables, for colours.
    """
    # Each is imported on demand: a request pays for the format that it uses.
    if output_format == "csv":
        from client.output.csv_rows import CsvWriter  # noqa: PLC0415 - start-up.

        return CsvWriter(destination)
    if output_format == "ndjson":
        from client.output.ndjson import NdjsonWriter  # noqa: PLC0415 - start-up.

        return NdjsonWriter(destination)
    colour = False
    if destination.may_have_colour and (destination.is_terminal or variables.get("FORCE_COLOR")):
        from client.output.colour import wants_colour  # noqa: PLC0415 - start-up.

        colour = wants_colour(variables, is_terminal=destination.is_terminal)
    if output_format == "table":
        from client.output.table import TableWriter  # noqa: PLC0415 - start-up.

        return TableWriter(destination, colour=colour)
    return JsonWriter(destination, colour=colour)
