"""Natural keys of timesheets belong to the principal that created the entry.

Existing keys belong to the entry's ``created_by``.
"""

from collections.abc import Sequence

from alembic import op

revision: str = "e7a30c51b9d2"
down_revision: str | Sequence[str] | None = "d45ec2e7de04"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_TABLE = "timesheets"
_INDEX = "uq_timesheets_natural_key"


def upgrade() -> None:
    """Include the owner in the unique index."""
    op.drop_index(_INDEX, table_name=_TABLE)
    op.create_index(_INDEX, _TABLE, ["source", "external_id", "created_by"], unique=True)


def downgrade() -> None:
    """Make keys unique over all owners again; fails if two owners have the same key."""
    op.drop_index(_INDEX, table_name=_TABLE)
    op.create_index(_INDEX, _TABLE, ["source", "external_id"], unique=True)
