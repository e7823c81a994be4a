"""Dates on SQLite as the text that JSON shows, in place of Sequelize's.

``2018-08-16 02:22:09.446 +00:00`` becomes ``2018-08-16T02:22:09.446Z``. The table is not rebuilt:
that would forget the highest id ever given, and ids must not be given twice. Going back hands the
file to Sequelize again.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "b2da7e5a5e02"
down_revision: str | Sequence[str] | None = "a1c0de5eed01"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

parts = sa.table(
    "parts", sa.column("id"), sa.column("createdAt", sa.Text), sa.column("updatedAt", sa.Text)
)
DATES = (parts.c.createdAt, parts.c.updatedAt)
AS_SENT = "%Y-%m-%dT%H:%M:%fZ"
AS_SEQUELIZE = "%Y-%m-%d %H:%M:%f +00:00"


def upgrade() -> None:
    """Rewrite the dates, of any offset, to UTC as sent."""
    _rewrite(AS_SENT)


def downgrade() -> None:
    """Rewrite the dates to Sequelize's form."""
    _rewrite(AS_SEQUELIZE)


def _rewrite(form: str) -> None:
    """Rewrite every date by SQLite's own date functions.

    Raises:
        RuntimeError: A date cannot be read; names its row. Nothing is changed.
    """
    if op.get_context().dialect.name != "sqlite":
        return  # PostgreSQL has a type for moments; Sequelize uses the same.
    rewritten = {date.name: sa.func.strftime(form, date) for date in DATES}
    if not op.get_context().as_sql:
        unreadable = sa.select(parts.c.id).where(
            sa.or_(*(sa.func.strftime(form, date).is_(None) for date in DATES))
        )
        row = op.get_bind().execute(unreadable.limit(1)).first()
        if row is not None:
            raise RuntimeError(f"parts: row {row.id} has a date that SQLite cannot read")
    op.execute(sa.update(parts).values(rewritten))
