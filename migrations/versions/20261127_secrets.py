"""The table of the secret key, used if no setting contains one."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "d45ec2e7de04"
down_revision: str | Sequence[str] | None = "c3713e5ee703"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Create the table; the service inserts its row."""
    op.create_table(
        "secrets",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_secrets")),
    )


def downgrade() -> None:
    """Drop the table; existing cursors become invalid."""
    op.drop_table("secrets")
