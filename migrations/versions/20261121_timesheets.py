"""The tables of timesheets, their status transitions, and idempotency keys.

Triggers reject updates and deletes of status transitions.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "c3713e5ee703"
down_revision: str | Sequence[str] | None = "b2da7e5a5e02"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Create the tables, then the triggers."""
    op.create_table(
        "idempotency_keys",
        sa.Column("client", sa.String(length=255), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("client", "key", name=op.f("pk_idempotency_keys")),
    )
    with op.batch_alter_table("idempotency_keys", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_idempotency_keys_created_at"), ["created_at"], unique=False
        )

    op.create_table(
        "timesheet_transitions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("timesheet_id", sa.Integer(), nullable=False),
        sa.Column("from", sa.String(length=10), nullable=False),
        sa.Column("to", sa.String(length=10), nullable=False),
        sa.Column("who", sa.String(length=255), nullable=False),
        sa.Column("client", sa.String(length=255), nullable=True),
        sa.Column("reason", sa.String(length=500), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_timesheet_transitions")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("timesheet_transitions", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_timesheet_transitions_timesheet_id"), ["timesheet_id"], unique=False
        )

    op.create_table(
        "timesheets",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column(
            "user_type",
            sa.Enum(
                "Employee",
                "Contractor",
                name="user_type",
                native_enum=False,
                create_constraint=True,
            ),
            nullable=False,
        ),
        sa.Column("user_id", sa.String(length=100), nullable=False),
        sa.Column("date", sa.DateTime(timezone=True), nullable=True),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("week", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("project", sa.String(length=100), nullable=False),
        sa.Column("hours", sa.Integer(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "submitted",
                "approved",
                "rejected",
                name="status",
                native_enum=False,
                create_constraint=True,
            ),
            nullable=False,
        ),
        sa.Column("approved", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=True),
        sa.Column("source", sa.String(length=100), nullable=True),
        sa.Column("external_id", sa.String(length=200), nullable=True),
        sa.Column("created_by", sa.String(length=255), nullable=False),
        sa.Column("createdAt", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updatedAt", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("approved = (status = 'approved')", name=op.f("ck_timesheets_approved")),
        sa.CheckConstraint("hours > 0", name=op.f("ck_timesheets_hours")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_timesheets")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("timesheets", schema=None) as batch_op:
        batch_op.create_index("ix_timesheets_by_day", ["day", "approved", "hours"], unique=False)
        batch_op.create_index(
            "ix_timesheets_by_employee", ["user_id", "day", "approved", "hours"], unique=False
        )
        batch_op.create_index(
            "ix_timesheets_by_project", ["project", "day", "approved", "hours"], unique=False
        )
        batch_op.create_index(
            "ix_timesheets_weekly",
            ["user_id", "year", "week"],
            unique=False,
            sqlite_where=sa.text("date IS NULL"),
            postgresql_where=sa.text("date IS NULL"),
        )
        batch_op.create_index("uq_timesheets_natural_key", ["source", "external_id"], unique=True)

    if op.get_context().dialect.name == "postgresql":
        _guard_history_on_postgresql()
    else:
        _guard_history_on_sqlite()


def _guard_history_on_sqlite() -> None:
    for change in ("update", "delete"):
        op.execute(
            f"CREATE TRIGGER timesheet_transitions_no_{change} BEFORE {change.upper()}"
            " ON timesheet_transitions"
            " BEGIN SELECT RAISE(ABORT, 'history is never altered'); END"
        )


def _guard_history_on_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION refuse_to_alter_history() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'history is never altered'; END $$"
    )
    op.execute(
        "CREATE TRIGGER timesheet_transitions_are_final BEFORE UPDATE OR DELETE OR TRUNCATE"
        " ON timesheet_transitions FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_alter_history()"
    )


def downgrade() -> None:
    """Drop the triggers and the tables."""
    if op.get_context().dialect.name == "postgresql":
        op.execute("DROP TRIGGER timesheet_transitions_are_final ON timesheet_transitions")
        op.execute("DROP FUNCTION refuse_to_alter_history()")
    with op.batch_alter_table("timesheets", schema=None) as batch_op:
        batch_op.drop_index("uq_timesheets_natural_key")
        batch_op.drop_index("ix_timesheets_weekly")
        batch_op.drop_index("ix_timesheets_by_project")
        batch_op.drop_index("ix_timesheets_by_employee")
        batch_op.drop_index("ix_timesheets_by_day")

    op.drop_table("timesheets")
    with op.batch_alter_table("timesheet_transitions", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_timesheet_transitions_timesheet_id"))

    op.drop_table("timesheet_transitions")
    with op.batch_alter_table("idempotency_keys", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_idempotency_keys_created_at"))

    op.drop_table("idempotency_keys")
