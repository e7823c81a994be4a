"""The author of the current transaction, for the triggers of history tables.

It is in a table of one row from the beginning of a transaction to its end, so that only this
transaction sees it (``encore.database.history.sqlite``).
"""

from datetime import UTC, datetime

from encore.database.callers import current_caller
from encore.database.history.sqlite import FORGET_AUTHOR, SET_AUTHOR
from encore.database.statement import Values
from encore.types import format_stored_timestamp


class TransactionAuthors:
    """Writes the author of each transaction of a database.

    Attributes:
        recorded: Whether authors are recorded at all.
    """

    def __init__(self) -> None:
        self.recorded = False

    def to_set(self) -> tuple[str, Values]:
        """Return the statement that names the author, and its values."""
        now = format_stored_timestamp(datetime.now(UTC))
        return SET_AUTHOR, (now, *current_caller.get().author.stored)

    @staticmethod
    def to_forget() -> str:
        """Return the statement that removes the author before the commit."""
        return FORGET_AUTHOR
