"""The parts table, as Sequelize makes it; one that Sequelize has made is left as it is."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "a1c0de5eed01"
down_revision: str | Sequence[str] | None = None
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

COLUMNS = ("id", "partNumber", "modelNumber", "name", "description", "createdAt", "updatedAt")


def upgrade() -> None:
    """Make the table, or check that the one that is there is the seed's."""
    inspector = None if op.get_context().as_sql else sa.inspect(op.get_bind())
    if inspector is not None and inspector.has_table("parts"):
        missing = set(COLUMNS) - {column["name"] for column in inspector.get_columns("parts")}
        if missing:
            raise RuntimeError(f"the table parts lacks the columns {', '.join(sorted(missing))}")
        return
    op.create_table(
        "parts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("partNumber", sa.String(length=255), nullable=True),
        sa.Column("modelNumber", sa.String(length=255), nullable=True),
        sa.Column("name", sa.String(length=255), nullable=True),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("createdAt", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updatedAt", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_parts")),
        sqlite_autoincrement=True,
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("parts")
