"""Formulas in CSV: cells that a spreadsheet would run, made harmless and back again.

A spreadsheet takes a cell for a formula if it begins with one of a few characters (OWASP, "CSV
Injection"), and would run what somebody called their project. Such a text gets an apostrophe in
front. So does a text that begins with apostrophes and one of those characters, or nobody could
tell afterwards whose the apostrophe is: ``unescape_formula`` gives back every text that
``escape_formula`` was given, and leaves alone what needed no escape. A parameter of ``text/csv``
says that a body's texts are escaped so: in other CSV an apostrophe is as good as a letter.

This is about texts. The cell of a number is never escaped: -5 stays a number.
"""

import re
from typing import Final

STARTS: Final = "=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20"
"""What a formula begins with, as a regular expression's set: the last four are full-width."""

ESCAPED: Final = ("formulas", "escaped")
"""The parameter, and its value."""

_FORMULA: Final = re.compile(f"'*[{STARTS}]")
_ESCAPED: Final = re.compile(f"'+[{STARTS}]")


def escape_formula(text: str) -> str:
    """Return what a cell of CSV holds of a text: no spreadsheet takes it for a formula."""
    return f"'{text}" if _FORMULA.match(text) else text


def unescape_formula(cell: str) -> str:
    """Return the text of a cell that ``escape_formula`` made."""
    return cell[1:] if _ESCAPED.match(cell) else cell
