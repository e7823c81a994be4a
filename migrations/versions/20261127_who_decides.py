"""The version of a timesheet, and a history of every change of it.

Columns are added without rewriting a table, on both databases: the new ones of the history are
null, and ``version`` has a default. ``version`` is 1 for existing timesheets. The issuer and the
subject of former transitions were not recorded and stay null.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "e5b9207f3c14"
down_revision: str | Sequence[str] | None = "e7a30c51b9d2"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_HISTORY = "timesheet_transitions"


def upgrade() -> None:
    """Add the columns; the triggers that protect the history stay."""
    op.add_column(
        "timesheets",
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
    )
    for column in (
        sa.Column("operation", sa.String(length=10), nullable=True),
        sa.Column("version", sa.Integer(), nullable=True),
        sa.Column("issuer", sa.Text(), nullable=True),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("before", sa.JSON(), nullable=True),
        sa.Column("after", sa.JSON(), nullable=True),
    ):
        op.add_column(_HISTORY, column)


def downgrade() -> None:
    """Drop the columns; the rows of creations and changes stay, as transitions."""
    for name in ("after", "before", "subject", "issuer", "version", "operation"):
        op.drop_column(_HISTORY, name)
    op.drop_column("timesheets", "version")
