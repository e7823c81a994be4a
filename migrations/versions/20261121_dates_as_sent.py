"""Convert timestamps on SQLite from Sequelize's format to the format of JSON responses.

``2018-08-16 02:22:09.446 +00:00`` becomes ``2018-08-16T02:22:09.446Z``. The table is not rebuilt,
because that would lose the highest id assigned, and ids must not be reused. After a downgrade,
Sequelize can use the file again.
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
    """Convert the timestamps, of any offset, to UTC in the format of JSON responses."""
    _rewrite(AS_SENT)


def downgrade() -> None:
    """Convert the timestamps to Sequelize's format."""
    _rewrite(AS_SEQUELIZE)


def _rewrite(form: str) -> None:
    """Convert all timestamps with SQLite's date functions.

    Raises:
        RuntimeError: A timestamp is invalid; names its row. Nothing is changed.
    """
    if op.get_context().dialect.name != "sqlite":
        return  # PostgreSQL has a type for timestamps; Sequelize uses it too.
    rewritten = {date.name: sa.func.strftime(form, date) for date in DATES}
    if not op.get_context().as_sql:
        unreadable = sa.select(parts.c.id).where(
            sa.or_(*(sa.func.strftime(form, date).is_(None) for date in DATES))
        )
        row = op.get_bind().execute(unreadable.limit(1)).first()
        if row is not None:
            raise RuntimeError(f"parts: row {row.id} has a date that SQLite cannot read")
    op.execute(sa.update(parts).values(rewritten))
