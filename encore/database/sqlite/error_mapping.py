"""Mapping ``sqlite3``'s exceptions to ``encore.database.errors``, by the extended result code.

Codes are from https://sqlite.org/rescode.html. The message decides only for ``SQLITE_ERROR``, which
SQLite uses for every error without a specific code.
"""

import re
import sqlite3
from collections.abc import Mapping
from typing import Final

from encore.database import errors

_CONSTRAINT: Final = re.compile(r"[A-Z ]+ constraint failed: (.*)", re.DOTALL)
_GENERATED: Final = re.compile(r'cannot (?:INSERT into|UPDATE) generated column "(.*)"')

_VIOLATIONS: Final[Mapping[str, type[errors.IntegrityViolation]]] = {
    "SQLITE_CONSTRAINT_UNIQUE": errors.UniqueViolation,
    "SQLITE_CONSTRAINT_PRIMARYKEY": errors.UniqueViolation,
    "SQLITE_CONSTRAINT_ROWID": errors.UniqueViolation,
    "SQLITE_CONSTRAINT_NOTNULL": errors.NotNullViolation,
    "SQLITE_CONSTRAINT_CHECK": errors.CheckViolation,
    "SQLITE_CONSTRAINT_FOREIGNKEY": errors.ForeignKeyViolation,
}

# By the extended code, else by the primary code that it begins with.
_ERRORS: Final[Mapping[str, type[errors.DatabaseError]]] = {
    "SQLITE_CONSTRAINT_DATATYPE": errors.InvalidData,
    "SQLITE_CONSTRAINT": errors.ChangeRejected,  # RAISE() in a trigger, or a virtual table.
    "SQLITE_MISMATCH": errors.InvalidData,
    "SQLITE_TOOBIG": errors.InvalidData,
    "SQLITE_FULL": errors.StorageFull,
    "SQLITE_READONLY": errors.ReadOnly,
    "SQLITE_READONLY_CANTINIT": errors.ReadOnlyDatabase,
    "SQLITE_READONLY_CANTLOCK": errors.ReadOnlyDatabase,
    "SQLITE_READONLY_DBMOVED": errors.ReadOnlyDatabase,
    "SQLITE_READONLY_DIRECTORY": errors.ReadOnlyDatabase,
    "SQLITE_READONLY_RECOVERY": errors.ReadOnlyDatabase,
    "SQLITE_READONLY_ROLLBACK": errors.ReadOnlyDatabase,
    "SQLITE_AUTH": errors.PermissionDenied,
    "SQLITE_PERM": errors.PermissionDenied,
    "SQLITE_INTERRUPT": errors.StatementTimeout,
    "SQLITE_MISUSE": errors.InvalidStatement,
    "SQLITE_RANGE": errors.InvalidStatement,
    "SQLITE_INTERNAL": errors.InvalidStatement,
}

# Messages of SQLITE_ERROR; any other means a statement that does not fit the database.
_MESSAGES: Final[tuple[tuple[str, type[errors.DatabaseError]], ...]] = (
    ("because it is a view", errors.ReadOnly),
    ("integer overflow", errors.InvalidData),
    ("malformed JSON", errors.InvalidData),
    ("JSON cannot hold BLOB", errors.InvalidData),
)


def translate(error: Exception) -> errors.DatabaseError:
    """Return the error for an exception of the driver."""
    message = str(error)
    code: str | None = getattr(error, "sqlite_errorname", None)
    if isinstance(error, MemoryError):  # How the driver raises SQLITE_NOMEM.
        return errors.DatabaseUnavailable(message, code="SQLITE_NOMEM")
    if code is None:
        if _is_about_a_value(error, message):
            return errors.InvalidData(message)
        return errors.DatabaseUnavailable(message)
    if code in _VIOLATIONS:
        return _violation(_VIOLATIONS[code], message, code)
    if code == "SQLITE_ERROR":
        return _unnamed(message, code)
    class_ = _ERRORS.get(code) or _ERRORS.get("_".join(code.split("_")[:2]))
    if class_ is errors.ReadOnlyDatabase:
        message = errors.READ_ONLY  # Shown to callers.
    return (class_ or errors.DatabaseUnavailable)(message, code=code)


def _is_about_a_value(error: Exception, message: str) -> bool:
    """Return whether the driver could not bind a value; such errors have no code."""
    match error:
        case OverflowError() | UnicodeError() | sqlite3.DataError() | sqlite3.InterfaceError():
            return True
        case _:
            return message.startswith("Error binding parameter")


def _unnamed(message: str, code: str) -> errors.DatabaseError:
    generated = _GENERATED.match(message)
    if generated is not None:
        return errors.ChangeRejected(message, [generated[1]], code=code)
    for part, class_ in _MESSAGES:
        if part in message:
            return class_(message, code=code)
    return errors.InvalidStatement(message, code=code)


def _violation(
    class_: type[errors.IntegrityViolation], message: str, code: str
) -> errors.IntegrityViolation:
    """Parse ``UNIQUE constraint failed: parts.id, parts.name``: the columns and their table."""
    match = _CONSTRAINT.match(message)
    detail = match[1] if match else ""
    if class_ is errors.CheckViolation:
        return class_(message, (), detail or None, code=code)
    names = [name.rpartition(".") for name in detail.split(", ") if name]
    table = names[0][0] if names else None
    return class_(message, [name[2] for name in names], table=table or None, code=code)
