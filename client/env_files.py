"""``.env`` files: plain lines are parsed here, anything else by python-dotenv.

python-dotenv takes longer to import than a request takes. The lines that ``make run`` and people
write (``NAME=value``, comments) do not need it; a file with any other line, such as a quotation
that spans lines or has escapes, is parsed by python-dotenv as a whole.
"""

import re
from collections.abc import Mapping
from typing import Final

_LINE: Final = re.compile(
    r"[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_.]*)="
    r"(?:[ \t]*([!$-&(-\[\]-_a-~][ !$-&(-\[\]-_a-~]*)?"
    r"|'([!-&(-\[\]-~ ]*)'|\"([!#-\[\]-~ ]*)\")[ \t]*"
)
"""A setting: its name, and its value without quotation marks, in single or in double ones."""

_COMMENT: Final = re.compile(r"[ \t]*(?:#[ -~]*)?")


def read_env_file(path: str) -> Mapping[str, str]:
    """Return the settings of a file, unexpanded: a ``$`` is kept; a missing file has none.

    Raises:
        OSError: The file exists, but cannot be read.
        ValueError: It is not UTF-8.
    """
    try:
        with open(path, encoding="utf-8") as file:  # noqa: PTH123 - start-up: pathlib is not loaded.
            text = file.read()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return {}
    settings = parse_plain_lines(text)
    return parse_any_lines(text) if settings is None else settings


def parse_plain_lines(text: str) -> dict[str, str] | None:
    """Return the settings of plain lines, or None if a line needs python-dotenv."""
    settings = {}
    for line in text.split("\n"):
        if match := _LINE.fullmatch(line):
            name, plain, single, double = match.groups()
            settings[name] = next(
                (v for v in (single, double) if v is not None), (plain or "").rstrip()
            )
        elif not _COMMENT.fullmatch(line):
            return None
    return settings


def parse_any_lines(text: str) -> dict[str, str]:
    """Return the settings of any file that python-dotenv supports."""
    from io import StringIO  # noqa: PLC0415 - start-up.

    from dotenv import dotenv_values  # noqa: PLC0415 - start-up.

    values = dotenv_values(stream=StringIO(text), interpolate=False)
    return {name: value for name, value in values.items() if value is not None}
