"""Mapping asyncpg's exceptions to ``encore.database.errors``, by SQLSTATE.

A code is looked up first, then its class (the first two characters); see
https://www.postgresql.org/docs/current/errcodes-appendix.html. A class that PostgreSQL does not
define comes from a trigger or function (``RAISE ... USING ERRCODE``), which rejects the change.
"""

import errno
import re
from collections.abc import Mapping
from typing import Any, Final

import asyncpg

from encore.database import errors

_KEY: Final = re.compile(r"Key \((.*?)\)=")
_GENERATED: Final = re.compile(r'Column "(.*)" is (?:a generated|an identity) column')

_VIOLATIONS: Final[Mapping[str, type[errors.IntegrityViolation]]] = {
    "23001": errors.ForeignKeyViolation,  # restrict_violation
    "23502": errors.NotNullViolation,
    "23503": errors.ForeignKeyViolation,
    "23505": errors.UniqueViolation,
    "23514": errors.CheckViolation,
    "23P01": errors.ExclusionViolation,
    "44000": errors.CheckViolation,  # WITH CHECK OPTION of a view
}

_ERRORS: Final[Mapping[str, type[errors.DatabaseError]]] = {
    "08": errors.DatabaseUnavailable,  # connection exception
    "09": errors.ChangeRejected,  # triggered action exception
    "0A": errors.ChangeRejected,  # feature not supported: INSERT ... RETURNING on a rule, for one
    "0B": errors.InvalidStatement,
    "0F": errors.InvalidStatement,
    "0L": errors.PermissionDenied,  # invalid grantor
    "0P": errors.PermissionDenied,  # invalid role
    "0Z": errors.InvalidStatement,
    "20": errors.ChangeRejected,  # CASE without a match, in PL/pgSQL
    "21": errors.MultipleRows,  # cardinality
    "22": errors.InvalidData,  # data exception
    "2200H": errors.InvalidStatement,  # a sequence is exhausted: no other value would help
    "23": errors.ChangeRejected,  # integrity violation of an unknown kind
    "24": errors.InvalidStatement,
    "25": errors.InvalidStatement,  # transaction state
    "25006": errors.ReadOnlyDatabase,  # read_only_sql_transaction, on a hot standby too
    "26": errors.InvalidStatement,
    "27": errors.ChangeRejected,  # triggered data change violation
    "28": errors.DatabaseUnavailable,  # the service may not log in
    "2B": errors.InvalidStatement,
    "2D": errors.InvalidStatement,
    "2F": errors.InvalidStatement,
    "34": errors.InvalidStatement,
    "38": errors.ChangeRejected,  # external routine exception
    "39": errors.InvalidStatement,
    "3B": errors.InvalidStatement,
    "3D": errors.DatabaseUnavailable,  # the database does not exist (yet)
    "3F": errors.InvalidStatement,
    "40": errors.DatabaseUnavailable,  # serialization failure, deadlock
    "40002": errors.ChangeRejected,  # transaction integrity constraint violation
    "42": errors.InvalidStatement,  # undefined table, column, function; syntax
    "42501": errors.PermissionDenied,  # a missing privilege, or row-level security
    "42809": errors.ReadOnly,  # wrong object type: a materialized view
    "428C9": errors.ChangeRejected,  # generated_always
    "53": errors.DatabaseUnavailable,  # out of memory, too many connections
    "53100": errors.StorageFull,
    "54": errors.InvalidData,  # program limit: an index row that is too large
    "55": errors.DatabaseUnavailable,  # lock_not_available, object in use
    "55000": errors.ReadOnly,  # a view that is not updatable
    "57": errors.DatabaseUnavailable,  # shutdown, cannot connect now
    "57014": errors.StatementTimeout,  # query_canceled
    "58": errors.DatabaseUnavailable,  # I/O error
    "F0": errors.DatabaseUnavailable,
    "HV": errors.DatabaseUnavailable,  # a foreign server
    "XX": errors.DatabaseUnavailable,  # internal error, data corrupted
}


def translate(error: Exception) -> errors.DatabaseError:
    """Return the error for an exception of the driver."""
    message = f"{type(error).__name__}: {error}"
    match error:
        case errors.DatabaseError():
            return error
        case asyncpg.InvalidCachedStatementError():  # The schema changed; prepared again next time.
            return errors.DatabaseUnavailable(message, code=error.sqlstate)
        case asyncpg.PostgresError() if error.sqlstate:
            return _of_code(error, message)
        case OverflowError() | UnicodeError() | ValueError() | TypeError():
            return errors.InvalidData(message)
        case OSError():
            return errors.DatabaseUnavailable(message, code=_symbol_of(error))
        case _:  # An error of the driver: the connection is closed, or about to be.
            return errors.DatabaseUnavailable(message, code=type(error).__name__)


def _symbol_of(error: OSError) -> str | None:
    """Return the symbol of a system error; a timeout without a number is ETIMEDOUT."""
    number = errno.ETIMEDOUT if isinstance(error, TimeoutError) else error.errno
    return None if number is None else errno.errorcode.get(number)


def _of_code(error: Any, message: str) -> errors.DatabaseError:
    code: str = error.sqlstate
    if code in _VIOLATIONS:
        return _violation(_VIOLATIONS[code], error, message)
    class_ = _ERRORS.get(code) or _ERRORS.get(code[:2]) or errors.ChangeRejected
    if class_ is errors.ChangeRejected:
        generated = _GENERATED.match(error.detail or "")
        return errors.ChangeRejected(message, [generated[1]] if generated else (), code=code)
    if class_ is errors.ReadOnlyDatabase:
        return errors.ReadOnlyDatabase(errors.READ_ONLY, code=code)  # Shown to callers.
    return class_(message, code=code)


def _violation(
    class_: type[errors.IntegrityViolation], error: Any, message: str
) -> errors.IntegrityViolation:
    """Parse ``Key ("partNumber")=(x) already exists.``: the columns, without their quotes."""
    if class_ is errors.NotNullViolation:
        columns = [error.column_name] if error.column_name else []  # Domains have none.
    else:
        match = _KEY.match(error.detail or "")
        columns = [name.strip('"') for name in match[1].split(", ")] if match else []
    return class_(message, columns, error.constraint_name, error.table_name, code=error.sqlstate)
