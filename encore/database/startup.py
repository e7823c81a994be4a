"""Connecting to a database that may still be starting, and checking its Alembic revision.

A failure to connect is transient (the server is starting, or does not listen yet) or needs a change
(a password, a name). The SQLSTATE or SQLite's result code decides; without one, the operating
system's error does.
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
"""The time between two attempts, in seconds."""

_TRANSIENT: Final = ("08", "53300", "57P", "SQLITE_BUSY", "SQLITE_LOCKED")
"""Prefixes of the codes of transient failures."""

_PERMANENT_OS_ERRORS: Final = {errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.ENAMETOOLONG}
_REASONS: Final = {
    "28P01": "the user or the password is wrong",
    "28000": "the server rejects this user",
    "3D000": "the server has no database of this name",
    "42501": "the user may not read it",
    "53300": "the server has no free connection",
    "57P03": "the server is starting or stopping",
    "57P": "the server is stopping",
    "SQLITE_BUSY": "another process has locked the file",
    "SQLITE_CANTOPEN": "the file cannot be opened or created; its directory must exist",
    "SQLITE_NOTADB": "the file is not a SQLite database",
    "SQLITE_READONLY": "the file or its directory is read-only",
    "SQLITE_PERM": "the file may not be read",
    "SQLITE_CORRUPT": "the file is damaged",
    "SQLITE_IOERR": "the file cannot be read",
}
"""By code or prefix of a code; the first match counts."""

_OS_REASONS: Final[dict[type[OSError], str]] = {
    ssl.SSLError: "the server's TLS is rejected",
    gaierror: "the server's host name cannot be resolved",
    TimeoutError: "the server does not answer",
}

_DRIVER_REASONS: Final = {
    "ClientConfigurationError": (
        "a parameter of the URL is invalid; sslmode=verify-full and verify-ca need certificates, in"
        " ~/.postgresql/root.crt or in the file of sslrootcert"
    ),
}
"""By the name of a class of the driver, which is not imported for this."""

T = TypeVar("T")


async def wait_until_ready(
    connect: Callable[[], Awaitable[T]], seconds: float, tell: Callable[[str], None]
) -> T:
    """Connect, retrying while the database starts.

    Args:
        connect: Makes one attempt.
        seconds: How long transient failures are retried.
        tell: Called once with the reason, when waiting begins.

    Raises:
        DatabaseError: The error of the last attempt.
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
    """Return whether a failure to connect may pass without a change by a person."""
    if error.code is not None and _is_of_database(error.code):
        return error.code.startswith(_TRANSIENT)
    match error.__cause__:
        case ssl.SSLError():
            return False
        case gaierror() as cause:
            return cause.errno in (
                EAI_AGAIN,
                EAI_NONAME,
            )  # A container that starts.
        case OSError() as cause:
            return cause.errno not in _PERMANENT_OS_ERRORS
        case _:
            return False


def describe_failure(error: DatabaseError) -> str:
    """Return why connecting failed, with the code; without values or parts of the URL."""
    code = error.code
    if code is not None and _is_of_database(code):
        words = next((text for key, text in _REASONS.items() if code.startswith(key)), None)
        return f"{words or 'the database rejects it'} ({code})"
    cause = error.__cause__
    if not isinstance(cause, OSError):
        class_name = type(cause or error).__name__
        return f"{_DRIVER_REASONS.get(class_name, 'it cannot be opened')} ({class_name})"
    if type(cause) is ConnectionError:  # The driver's own: an error of the system has a subclass.
        return "the server does not offer TLS, which sslmode requires"
    words = next((text for type_, text in _OS_REASONS.items() if isinstance(cause, type_)), None)
    name = errno.errorcode.get(cause.errno or 0)
    return words or f"the server cannot be reached{f' ({name})' if name else ''}"


def _is_of_database(code: str) -> bool:
    """Return whether a code is a SQLSTATE or SQLite's; those of the system begin with E."""
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
