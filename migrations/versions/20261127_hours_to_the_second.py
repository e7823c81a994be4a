"""Hours as whole seconds instead of hundredths of an hour; ``legacy`` marks the entries until now.

Hundredths are converted exactly: 0.01 hours are 36 seconds. The table is not rebuilt on SQLite, so
that ids are not reused; PostgreSQL writes it anew once. The history keeps its values: hours are
strings there. A downgrade rounds to hundredths, and to at least one.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "5ec0d5a7b81e"
down_revision: str | Sequence[str] | None = "a94d07e2c6f3"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_TABLE = "timesheets"
_SECONDS = "hours * 36"
_HUNDREDTHS = "CASE WHEN hours < 36 THEN 1 ELSE (hours + 18) / 36 END"

_timesheets = sa.table(_TABLE, sa.column("hours"), sa.column("legacy", sa.Boolean()))


def upgrade() -> None:
    """Add ``legacy``, true for existing entries, and convert the hours."""
    is_postgresql = op.get_context().dialect.name == "postgresql"
    default = sa.true() if is_postgresql else sa.false()
    op.add_column(_TABLE, sa.Column("legacy", sa.Boolean(), server_default=default, nullable=False))
    if is_postgresql:
        op.alter_column(_TABLE, "legacy", server_default=sa.false())
    else:
        op.execute(_timesheets.update().values(legacy=sa.true()))
    _convert_hours(_SECONDS)


def downgrade() -> None:
    """Convert the hours back, rounded half up, and drop ``legacy``."""
    _convert_hours(_HUNDREDTHS)
    op.drop_column(_TABLE, "legacy")


def _convert_hours(expression: str) -> None:
    if op.get_context().dialect.name == "postgresql":
        op.alter_column(_TABLE, "hours", type_=sa.Integer(), postgresql_using=expression)
    else:
        op.execute(_timesheets.update().values(hours=sa.text(expression)))
