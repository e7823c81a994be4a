"""From ``sqlite3``'s exceptions to ``db.errors``."""

import re
import sqlite3

from db import errors

_CONSTRAINT = re.compile(r"(UNIQUE|NOT NULL|CHECK|FOREIGN KEY) constraint failed(?:: (.*))?")
_VIOLATIONS = {
    "UNIQUE": errors.UniqueViolation,
    "NOT NULL": errors.NotNullViolation,
    "CHECK": errors.CheckViolation,
    "FOREIGN KEY": errors.ForeignKeyViolation,
}


def translate(error: Exception) -> errors.DatabaseError:
    """Give the error of ours that says the same as the driver's."""
    text = str(error)
    match error:
        case sqlite3.IntegrityError():
            return _violation(text)
        case sqlite3.OperationalError() if text == "interrupted":
            return errors.StatementTooSlow(text)
        case OverflowError() | UnicodeError() | sqlite3.DataError() | sqlite3.InterfaceError():
            return errors.ValueRefused(text)
        case sqlite3.ProgrammingError() if text.startswith("Error binding parameter"):
            return errors.ValueRefused(text)
        case _:
            return errors.DatabaseUnavailable(text)


def _violation(text: str) -> errors.DatabaseError:
    """Read ``UNIQUE constraint failed: parts.id, parts.name``: the columns and their table."""
    match = _CONSTRAINT.match(text)
    if match is None:  # A datatype mismatch: text for an INTEGER PRIMARY KEY.
        return errors.ValueRefused(text)
    kind, detail = match[1], match[2] or ""
    if kind == "CHECK":
        return errors.CheckViolation(text, (), detail or None)
    names = [name.rpartition(".") for name in detail.split(", ") if name]
    table = names[0][0] if names else None
    return _VIOLATIONS[kind](text, [name[2] for name in names], table=table or None)
