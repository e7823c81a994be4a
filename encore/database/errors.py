"""What can go wrong in the database, in the database's own terms; nothing of HTTP.

::

    DatabaseError
    ├── IntegrityViolation
    │   ├── UniqueViolation
    │   ├── ExclusionViolation
    │   ├── ForeignKeyViolation
    │   ├── NotNullViolation
    │   └── CheckViolation
    ├── ValueRefused          the driver or the column cannot hold this value
    ├── ChangeRefused         a trigger, a rule or a generated column refuses the change
    │   └── NotWritten        no error, but no row was written either
    ├── ReadOnly              the database, or the view written to, takes no changes
    ├── PermissionDenied      the database user may not do this, or a row policy forbids it
    ├── InvalidStatement      a table or column is missing: model and database differ
    │   └── SeveralRows       a key that is declared unique meant several rows
    ├── RolledBack            a trigger has undone the whole transaction
    ├── StatementTooSlow      stopped at its time limit
    ├── CallerLeft            stopped because nobody waits for its result any more
    └── DatabaseUnavailable   locked for too long, unreadable, gone; may work later
        ├── DatabaseBusy      others hold all connections or threads for too long
        ├── OutcomeUnknown    gone before it said whether the change was made
        ├── StorageFull       the disk, or the database's own limit
        └── DatabaseNotReady  found out by ``Database.check``; its text says why
            ├── ReadOnlyDatabase
            ├── SchemaOutdated
            └── DatabaseFileChanged

All but ``StatementTimeout``, ``CallerLeft`` and ``DatabaseUnavailable`` are refused for good: sent
again, they would be refused again. The driver's error code decides which of them an error is
(``encore.database.sqlite.error_mapping``, ``encore.database.postgresql.error_mapping``).

The texts of these are for debugging: they may hold SQL or values. The log gets ``code`` only; what
a caller sees is written above this layer. The exception is ``DatabaseNotReady``, whose texts are
written for callers and hold no path, SQL or value.
"""

from collections.abc import Sequence


class DatabaseError(Exception):
    """Any failure of a statement.

    Attributes:
        code: The SQLSTATE, or the name of SQLite's extended result code (``SQLITE_BUSY``); None
            where the driver, not the database, refused.
    """

    def __init__(self, text: str, *, code: str | None = None) -> None:
        super().__init__(text)
        self.code = code


class IntegrityViolation(DatabaseError):
    """A constraint refused the row.

    Attributes:
        columns: Column names the constraint is about, as in the database; empty where the
            database does not tell.
        constraint: The constraint's name, or its own text where it has none; None where the
            database does not tell.
        table: The table that the constraint is on; None where the database does not tell.
    """

    def __init__(
        self,
        text: str,
        columns: Sequence[str] = (),
        constraint: str | None = None,
        table: str | None = None,
        *,
        code: str | None = None,
    ) -> None:
        super().__init__(text, code=code)
        self.columns = tuple(columns)
        self.constraint = constraint
        self.table = table


class UniqueViolation(IntegrityViolation):
    """Another row holds this key."""


class ExclusionViolation(IntegrityViolation):
    """Another row conflicts with this one by an exclusion constraint."""


class ForeignKeyViolation(IntegrityViolation):
    """The row refers to none, or is referred to."""


class NotNullViolation(IntegrityViolation):
    """A required column is null."""


class CheckViolation(IntegrityViolation):
    """A check constraint says no."""


class InvalidData(DatabaseError):
    """The driver or the column's type cannot hold the value."""


class ChangeRefused(DatabaseError):
    """A trigger, a rule or a generated column refuses the change.

    Attributes:
        columns: The generated columns that would have been written; empty for any other reason.
    """

    def __init__(self, text: str, columns: Sequence[str] = (), *, code: str | None = None) -> None:
        super().__init__(text, code=code)
        self.columns = tuple(columns)


class NotWritten(ChangeRefused):
    """The statement succeeded, but a trigger, rule or policy kept the row from being written."""


class ReadOnly(DatabaseError):
    """The database (a read-only file, a hot standby), or the view written to, takes no changes."""


class PermissionDenied(DatabaseError):
    """The database user lacks a privilege, or a row-level policy forbids the row."""


class InvalidStatement(DatabaseError):
    """The database cannot run the statement: a table or column is missing, or a defect."""


class SeveralRows(InvalidStatement):
    """A statement about one row met several: the declared key is not unique in the database."""


class RolledBack(DatabaseError):
    """A trigger has undone the whole transaction (SQLite's ``RAISE(ROLLBACK)``)."""


class StatementTimeout(DatabaseError):
    """The statement was stopped at its time limit; nothing was changed."""


class CallerLeft(DatabaseError):
    """The caller has left, so the statement was stopped, or never started; it only read."""


class DatabaseUnavailable(DatabaseError):
    """The database cannot serve this now: locked, full, unreadable or gone."""


class OutcomeUnknown(DatabaseUnavailable):
    """The connection broke during a commit: the change may have been made, or not."""


class StorageFull(DatabaseUnavailable):
    """There is no space left for the change; nothing of it was kept."""


class DatabaseNotReady(DatabaseUnavailable):
    """The database can be reached, but must not be written to as it is.

    Args:
        text: Why, in words for callers: without a path, SQL or a value.
        code: The same as a word for the log (``file-deleted``), or the database's own code.
    """


READ_ONLY = "The database is read-only"


class ReadOnlyDatabase(DatabaseNotReady):
    """The whole database takes no changes now: a hot standby, a read-only file."""


class SchemaOutdated(DatabaseNotReady):
    """The database is at an older Alembic revision than the code needs."""


class DatabaseFileChanged(DatabaseNotReady):
    """The SQLite file that is open is no longer the database: deleted, replaced or truncated."""


class DatabaseBusy(DatabaseUnavailable):
    """All connections or threads are in use; nothing was run.

    Its code is ``queue-timeout`` where none came free in time, ``queue-full`` where one client has
    too many requests waiting already.
    """


REFUSALS_OF_ROWS = (IntegrityViolation, InvalidData, ChangeRefused, PermissionDenied)
"""Errors that are about the row written, so that another row may be written all the same."""
