"""The code of an error, for the log: never its message, which may contain SQL or a path.

It is the failing component's own code: a SQLSTATE, the name of SQLite's extended result code, or
the name of an ``errno``.
"""

import errno
from typing import Final

from encore.database.errors import DatabaseError

_MAX_CHAIN: Final = 16


def error_code(error: BaseException | None) -> str | None:
    """Return the code of an error or of the error that it was raised from; None if none has one."""
    for _ in range(_MAX_CHAIN):
        if error is None:
            break
        if (code := _code_of(error)) is not None:
            return code
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return None


def _code_of(error: BaseException) -> str | None:
    if isinstance(error, DatabaseError):
        return error.code
    # The drivers' own errors: sqlite3's and asyncpg's.
    for name in ("sqlite_errorname", "sqlstate"):
        code = getattr(error, name, None)
        if isinstance(code, str):
            return code
    if isinstance(error, OSError) and error.errno is not None:
        return errno.errorcode.get(error.errno, str(error.errno))
    return None
