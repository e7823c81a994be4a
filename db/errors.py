"""What can go wrong in the database, in the database's own terms; nothing of HTTP.

::

    DatabaseError
    ├── IntegrityViolation
    │   ├── UniqueViolation
    │   ├── ForeignKeyViolation
    │   ├── NotNullViolation
    │   └── CheckViolation
    ├── ValueRefused          the driver or the column cannot hold this value
    ├── StatementTooSlow      stopped at its time limit
    ├── SeveralRows           a key that is declared unique meant several rows
    └── DatabaseUnavailable   locked for too long, full, unreadable, gone

The texts of these are for the log: they may hold SQL's own words. What a caller sees is written
above this layer.
"""

from collections.abc import Sequence


class DatabaseError(Exception):
    """Any failure of a statement."""


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
    ) -> None:
        super().__init__(text)
        self.columns = tuple(columns)
        self.constraint = constraint
        self.table = table


class UniqueViolation(IntegrityViolation):
    """Another row holds this key."""


class ForeignKeyViolation(IntegrityViolation):
    """The row refers to none, or is referred to."""


class NotNullViolation(IntegrityViolation):
    """A required column is null."""


class CheckViolation(IntegrityViolation):
    """A check constraint says no."""


class ValueRefused(DatabaseError):
    """The driver or the column's type cannot hold the value."""


class SeveralRows(DatabaseError):
    """A statement about one row met several: the declared key is not unique in the database."""


class StatementTooSlow(DatabaseError):
    """The statement was stopped at its time limit; nothing was changed."""


class DatabaseUnavailable(DatabaseError):
    """The database cannot serve this now: locked, full, unreadable or gone."""
