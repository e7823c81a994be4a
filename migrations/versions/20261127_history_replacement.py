"""A trigger against replacing rows of the history of timesheets, on SQLite.

``INSERT OR REPLACE`` deletes a row there without running the triggers for deletions.
"""

from collections.abc import Sequence

from alembic import op

revision: str = "a94d07e2c6f3"
down_revision: str | Sequence[str] | None = "f1c86d20a4e7"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Create the trigger; an id that the database generates is not looked up."""
    if op.get_context().dialect.name == "sqlite":
        op.execute(
            "CREATE TRIGGER timesheet_transitions_no_replace BEFORE INSERT ON timesheet_transitions"
            " WHEN NEW.id > 0"
            " AND EXISTS (SELECT 1 FROM timesheet_transitions WHERE id = NEW.id)"
            " BEGIN SELECT RAISE(ABORT, 'history is never altered'); END"
        )


def downgrade() -> None:
    """Drop the trigger."""
    if op.get_context().dialect.name == "sqlite":
        op.execute("DROP TRIGGER timesheet_transitions_no_replace")
