"""JSON, indented by two like the ``json`` of the Okta sample; all pages make one array."""

import re
from collections.abc import Sequence
from typing import Any, Final

from client.errors import OutputError
from client.output.destination import Destination

_CONTROLS: Final = re.compile(r"[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""Characters that JSON need not escape, but a terminal may obey: controls, writing directions."""


def render_json(value: Any, encoding: str) -> str:
    """Return a value as indented JSON, members in the order received.

    Args:
        value: What ``json.loads`` returned.
        encoding: Characters that it lacks are escaped; all others stay readable.

    Raises:
        OutputError: It is nested too deeply.
    """
    import json  # noqa: PLC0415 - start-up: neither usage nor help needs it.

    try:
        rendered = json.dumps(value, indent=2, ensure_ascii=False)
    except RecursionError as error:
        raise OutputError(
            "The response was received, but is nested too deeply to be written."
        ) from error
    try:
        rendered.encode(encoding)
    except UnicodeEncodeError:
        return json.dumps(value, indent=2)
    return rendered


class JsonWriter:
    """Writes JSON.

    Args:
        destination: Where it is written to.
        colour: Whether it has colours.
    """

    def __init__(self, destination: Destination, *, colour: bool) -> None:
        self._destination = destination
        self._colour = colour
        self._rows = 0

    def write_value(self, value: Any) -> None:
        """Write one value and a line end."""
        self._write(f"{self._render(value)}\n")

    def write_rows(self, rows: Sequence[Any]) -> None:
        """Write further elements of one array."""
        for row in rows:
            rendered = self._render(row).replace("\n", "\n  ")
            self._write(f"{',' if self._rows else '['}\n  {rendered}")
            self._rows += 1

    def end_rows(self) -> None:
        """End the array."""
        self._write("\n]\n" if self._rows else "[]\n")

    def _render(self, value: Any) -> str:
        rendered = render_json(value, self._destination.encoding)
        if self._destination.is_terminal:
            rendered = _CONTROLS.sub(lambda match: f"\\u{ord(match[0]):04x}", rendered)
        return rendered

    def _write(self, text: str) -> None:
        if self._colour:
            from client.output.colour import paint_json  # noqa: PLC0415 - start-up.

            text = paint_json(text)
        self._destination.write(text)
