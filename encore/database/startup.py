"""Connecting to a database that may still be starting: whether waiting helps, and what to say.

A failure to connect either passes by itself (the server starts, or nobody listens yet) or needs
somebody to change something (a password, a name). The SQLSTATE or SQLite's result code decides;
where there is neither, the operating system's error does.
"""

import asyncio
import errno
import ssl
from collections.abc import Awaitable, Callable, Collection
from socket import EAI_AGAIN, EAI_NONAME, gaierror
from time import monotonic
from typing import Final, TypeVar

from encore.database.errors import DatabaseError, SchemaOutdated

RETRY_S: Final = 0.25
"""How long to wait between two attempts, in seconds."""

_PASSING: Final = ("08", "53300", "57P", "SQLITE_BUSY", "SQLITE_LOCKED")
"""How the codes of failures that pass by themselves begin."""

_LASTING_OS_ERRORS: Final = {errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.ENAMETOOLONG}
_REASONS: Final = {
    "28P01": "the user or the password is wrong",
    "28000": "the server does not admit this user",
    "3D000": "the server has no database of this name",
    "42501": "the user may not read it",
    "53300": "the server has no connection left",
    "57P03": "the server is starting or stopping",
    "57P": "the server is stopping",
    "SQLITE_BUSY": "another process has locked the file",
    "SQLITE_CANTOPEN": "the file cannot be opened or made; its directory must exist",
    "SQLITE_NOTADB": "the file is not a SQLite database",
    "SQLITE_READONLY": "the file or its directory is read-only",
    "SQLITE_PERM": "the file may not be read",
    "SQLITE_CORRUPT": "the file is damaged",
    "SQLITE_IOERR": "the file cannot be read",
}
"""By code, or by its beginning: the first that fits."""

_SYSTEM: Final[dict[type[OSError], str]] = {
    ssl.SSLError: "the server's TLS is refused",
    gaierror: "the server's host name cannot be resolved",
    TimeoutError: "the server does not answer",
}

T = TypeVar("T")


async def wait_until_ready(
    connect: Callable[[], Awaitable[T]], seconds: float, tell: Callable[[str], None]
) -> T:
    """Connect, again and again for a time while the database starts.

    Args:
        connect: One attempt.
        seconds: For how long a failure that may pass is tried again.
        tell: Called once with the describe_failure, when waiting begins.

    Raises:
        DatabaseError: The last attempt's.
    """
    deadline = monotonic() + seconds
    told = False
    while True:
        try:
            return await connect()
        except DatabaseError as error:
            if not is_transient(error) or monotonic() >= deadline:
                raise
            if not told:
                tell(describe_failure(error))
                told = True
        await asyncio.sleep(RETRY_S)


def is_transient(error: DatabaseError) -> bool:
    """Return whether a failure to connect may pass without anybody changing anything."""
    if error.code is not None and _is_of_database(error.code):
        return error.code.startswith(_PASSING)
    match error.__cause__:
        case ssl.SSLError():
            return False
        case gaierror() as cause:
            return cause.errno in (EAI_AGAIN, EAI_NONAME)  # A container's name comes with it.
        case OSError() as cause:
            return cause.errno not in _LASTING_OS_ERRORS
        case _:
            return False


def describe_failure(error: DatabaseError) -> str:
    """Return why connecting failed in words, with the code; no value, no part of the URL."""
    code = error.code
    if code is not None and _is_of_database(code):
        words = next((text for key, text in _REASONS.items() if code.startswith(key)), None)
        return f"{words or 'the database refuses'} ({code})"
    cause = error.__cause__
    if not isinstance(cause, OSError):
        return f"it cannot be opened ({type(cause or error).__name__})"
    words = next((text for kind, text in _SYSTEM.items() if isinstance(cause, kind)), None)
    name = errno.errorcode.get(cause.errno or 0)
    return words or f"the server cannot be reached{f' ({name})' if name else ''}"


def _is_of_database(code: str) -> bool:
    """Return whether a code is a SQLSTATE or SQLite's; the operating system's begin with E."""
    return not code.startswith("E")


def check_revision(found: str | None, outdated: Collection[str]) -> None:
    """Raise ``SchemaOutdated`` if a database at this Alembic revision is too old for the code.

    The code would rely on columns and constraints that are missing. A revision that the code does
    not know is a newer one: in a rolling deployment the database is migrated first, and the code
    that is still running serves on until it is replaced.

    Args:
        found: The database's revision; None if Alembic has never migrated it.
        outdated: The revisions that are too old; empty to accept any database.
    """
    if outdated and (found is None or found in outdated):
        raise SchemaOutdated("The database needs a migration first", code="schema-outdated")
