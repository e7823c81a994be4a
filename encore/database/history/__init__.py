"""History tables: every version of the rows of a table, written by triggers of the database.

``history_table(Part)`` declares the table beside the model, so that Alembic and ``create_all``
create it; a migration then adds the triggers (``create_history``). From then on the database itself
records every change, whoever makes it and by whichever statement: requests, uploads, cascades, ORM
sessions, migrations and consoles. ``authors`` says who changed it; ``checks`` verifies at start-up
that the triggers exist and fit.
"""

from encore.database.history.migration import create_history, drop_history, exclude_authors
from encore.database.history.recorded_table import RecordedTable
from encore.database.history.table import history_table, recorded_table_of

__all__ = [
    "RecordedTable",
    "create_history",
    "drop_history",
    "exclude_authors",
    "history_table",
    "recorded_table_of",
]
