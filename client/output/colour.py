"""Colours of JSON on a terminal; pygments would take as long to import as the whole request.

``NO_COLOR`` (no-color.org) turns them off, ``FORCE_COLOR`` turns them on where there is no
terminal; an empty value is as good as none.
"""

import re
from collections.abc import Mapping
from typing import Final

_RESET: Final = "\x1b[0m"
_NAME: Final = "\x1b[1;34m"
_STRING: Final = "\x1b[32m"
_NUMBER: Final = "\x1b[36m"
_WORD: Final = "\x1b[35m"
_TOKEN: Final = re.compile(
    r'("(?:[^"\\]|\\.)*")(?=:)|("(?:[^"\\]|\\.)*")|(-?\d[\d.eE+-]*)|(true|false|null)'
)
_COLOURS: Final = (_NAME, _STRING, _NUMBER, _WORD)


def wants_colour(variables: Mapping[str, str], *, is_terminal: bool) -> bool:
    """Return whether output has colours."""
    if variables.get("NO_COLOR"):
        return False
    if variables.get("FORCE_COLOR"):
        return variables["FORCE_COLOR"] != "0"
    return is_terminal and variables.get("TERM") != "dumb"


def paint_json(text: str) -> str:
    """Return JSON text with colours for names, strings, numbers and words."""
    return _TOKEN.sub(lambda m: f"{_COLOURS[(m.lastindex or 1) - 1]}{m[0]}{_RESET}", text)
