"""The table of the locked period of timesheets."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "f1c86d20a4e7"
down_revision: str | Sequence[str] | None = "e5b9207f3c14"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Create the table; without a row, the setting alone decides."""
    op.create_table(
        "timesheet_locks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("before", sa.Date(), nullable=True),
        sa.Column("who", sa.String(length=255), nullable=False),
        sa.Column("client", sa.String(length=255), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_timesheet_locks")),
        sqlite_autoincrement=True,
    )


def downgrade() -> None:
    """Drop the table; the period is unlocked, but for the setting."""
    op.drop_table("timesheet_locks")
