"""The cause of an error in one word for the log: never its text, which may hold SQL or a path.

The word is what the failing part itself calls it: the database's code (a SQLSTATE, or the name of
SQLite's extended result code), or the name of an ``errno``.
"""

import errno

from encore.database.errors import DatabaseError

_MOST = 16


def error_code(error: BaseException | None) -> str | None:
    """Return the cause of an error, or of what it was raised from; None where none has a name."""
    for _ in range(_MOST):
        if error is None:
            break
        if (code := _code_of(error)) is not None:
            return code
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return None


def _code_of(error: BaseException) -> str | None:
    if isinstance(error, DatabaseError):
        return error.code
    # Of the drivers' own errors: sqlite3's, and asyncpg's.
    for name in ("sqlite_errorname", "sqlstate"):
        code = getattr(error, name, None)
        if isinstance(code, str):
            return code
    if isinstance(error, OSError) and error.errno is not None:
        return errno.errorcode.get(error.errno, str(error.errno))
    return None
