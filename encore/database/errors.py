"""Errors of the database, in the database's terms; nothing of HTTP.

::

    DatabaseError
    ├── IntegrityViolation
    │   ├── UniqueViolation
    │   ├── ExclusionViolation
    │   ├── ForeignKeyViolation
    │   ├── NotNullViolation
    │   └── CheckViolation
    ├── InvalidData           the driver or the column's type cannot hold the value
    ├── ChangeRejected        by a trigger, a rule or a generated column
    │   └── NotWritten        without an error, but no row was written
    ├── ReadOnly              the database, or the view written to, accepts no changes
    ├── PermissionDenied      the database user lacks a privilege, or a row policy forbids the row
    ├── InvalidStatement      a table or column is missing: model and database differ
    │   └── MultipleRows      a key that is declared unique matches several rows
    ├── RolledBack            a trigger has rolled back the whole transaction
    ├── StatementTimeout      stopped at its time limit
    ├── CallerDisconnected    stopped because the caller has disconnected
    └── DatabaseUnavailable   locked for too long, unreadable or gone; may work later
        ├── DatabaseBusy      other requests hold all connections or threads for too long
        ├── CommitOutcomeUnknown
        │                     gone before it said whether the change was committed
        ├── StorageFull       the disk, or the database's own limit
        └── DatabaseNotReady  found by ``Database.check``; its message says why
            ├── ReadOnlyDatabase
            ├── SchemaOutdated
            └── DatabaseFileChanged

All but ``StatementTimeout``, ``CallerDisconnected`` and ``DatabaseUnavailable`` are permanent: the
same request would fail again. The driver's error code decides the class
(``encore.database.sqlite.error_mapping``, ``encore.database.postgresql.error_mapping``).

Messages are for debugging and may contain SQL or values. The log gets ``code`` only; responses are
worded above this layer. ``DatabaseNotReady`` is the exception: its messages are written for callers
and contain no path, SQL or value.
"""

from collections.abc import Sequence
from typing import Final


class DatabaseError(Exception):
    """A statement failed.

    Attributes:
        code: The SQLSTATE, or the name of SQLite's extended result code (``SQLITE_BUSY``); None
            if the driver rejected the statement.
    """

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.code = code


class IntegrityViolation(DatabaseError):
    """A constraint rejected the row.

    Attributes:
        columns: The constraint's columns, as the database names them; empty if unknown.
        constraint: The constraint's name, or its SQL if it has none; None if unknown.
        table: The constraint's table; None if unknown.
    """

    def __init__(
        self,
        message: str,
        columns: Sequence[str] = (),
        constraint: str | None = None,
        table: str | None = None,
        *,
        code: str | None = None,
    ) -> None:
        super().__init__(message, code=code)
        self.columns = tuple(columns)
        self.constraint = constraint
        self.table = table


class UniqueViolation(IntegrityViolation):
    """Another row has this key."""


class ExclusionViolation(IntegrityViolation):
    """Another row conflicts with this one by an exclusion constraint."""


class ForeignKeyViolation(IntegrityViolation):
    """The row refers to a missing row, or another row refers to it."""


class NotNullViolation(IntegrityViolation):
    """A required column is null."""


class CheckViolation(IntegrityViolation):
    """A check constraint rejected the row."""


class InvalidData(DatabaseError):
    """The driver or the column's type cannot hold the value."""


class ChangeRejected(DatabaseError):
    """A trigger, a rule or a generated column rejected the change.

    Attributes:
        columns: The generated columns that the statement sets; empty for any other reason.
    """

    def __init__(
        self, message: str, columns: Sequence[str] = (), *, code: str | None = None
    ) -> None:
        super().__init__(message, code=code)
        self.columns = tuple(columns)


class NotWritten(ChangeRejected):
    """The statement succeeded, but a trigger, rule or policy prevented the row's writing."""


class ReadOnly(DatabaseError):
    """The database (a read-only file, a hot standby) or the view accepts no changes."""


class PermissionDenied(DatabaseError):
    """The database user lacks a privilege, or a row-level policy forbids the row."""


class InvalidStatement(DatabaseError):
    """The database cannot run the statement: a table or column is missing, or it is a defect."""


class MultipleRows(InvalidStatement):
    """A statement for one row matched several: the declared key is not unique in the database."""


class RolledBack(DatabaseError):
    """A trigger has rolled back the whole transaction (SQLite's ``RAISE(ROLLBACK)``)."""


class StatementTimeout(DatabaseError):
    """The statement was stopped at its time limit; nothing was changed."""


class CallerDisconnected(DatabaseError):
    """The caller has disconnected, so the statement, which only read, was stopped or not run."""


class DatabaseUnavailable(DatabaseError):
    """The database cannot serve this now: locked, full, unreadable or gone."""


class CommitOutcomeUnknown(DatabaseUnavailable):
    """The connection was lost during a commit: the change may or may not be committed."""


class StorageFull(DatabaseUnavailable):
    """There is no space left for the change; nothing was written."""


class DatabaseNotReady(DatabaseUnavailable):
    """The database can be reached, but must not be written to.

    Args:
        message: Why, for callers: without a path, SQL or a value.
        code: The reason for the log (``file-deleted``), or the database's own code.
    """


READ_ONLY: Final = "The database is read-only"


class ReadOnlyDatabase(DatabaseNotReady):
    """The whole database accepts no changes: a hot standby, a read-only file."""


class SchemaOutdated(DatabaseNotReady):
    """The database is at an older Alembic revision than the code needs."""


class DatabaseFileChanged(DatabaseNotReady):
    """The SQLite file that is open is no longer the database: deleted, replaced or truncated."""


class DatabaseBusy(DatabaseUnavailable):
    """All connections or threads are in use; nothing was run.

    Its code is ``queue-timeout`` if none became free in time, ``queue-full`` if too many requests
    of the client wait already.
    """


ROW_ERRORS: Final = (IntegrityViolation, InvalidData, ChangeRejected, PermissionDenied)
"""Errors about the row that is written: another row may still be written."""
