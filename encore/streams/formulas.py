"""Formulas in CSV: escaping of cells that a spreadsheet would evaluate.

A spreadsheet evaluates a cell as a formula if it begins with one of a few characters (OWASP, "CSV
Injection"). Such a string is prefixed with an apostrophe. So is a string that begins with
apostrophes and one of those characters, so that ``unescape_formula`` returns the original of every
string. A parameter of ``text/csv`` says that a body is escaped so: in other CSV an apostrophe is
an ordinary character.

Cells of numbers are never escaped: -5 stays a number.
"""

import re
from typing import Final

STARTS: Final = "=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20"
"""The first characters of formulas, as a set of a regular expression; the last are fullwidth."""

ESCAPED: Final = ("formulas", "escaped")
"""The parameter of the media type and its value."""

_FORMULA: Final = re.compile(f"'*[{STARTS}]")
_ESCAPED: Final = re.compile(f"'+[{STARTS}]")


def escape_formula(text: str) -> str:
    """Return a string as a cell that no spreadsheet evaluates as a formula."""
    return f"'{text}" if _FORMULA.match(text) else text


def unescape_formula(cell: str) -> str:
    """Return the string of a cell that ``escape_formula`` returned."""
    return cell[1:] if _ESCAPED.match(cell) else cell
