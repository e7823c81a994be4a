"""The table parts, with Sequelize's schema; a table that Sequelize created is left unchanged."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

revision: str = "a1c0de5eed01"
down_revision: str | Sequence[str] | None = None
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

COLUMNS: dict[str, type[TypeEngine[Any]]] = {
    "id": sa.Integer,
    "partNumber": sa.String,
    "modelNumber": sa.String,
    "name": sa.String,
    "description": sa.String,
    "createdAt": sa.DateTime,
    "updatedAt": sa.DateTime,
}


def upgrade() -> None:
    """Create the table, or check that an existing one has the seed's schema."""
    if not op.get_context().as_sql and sa.inspect(op.get_bind()).has_table("parts"):
        check_shape(op.get_bind())
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


def check_shape(connection: sa.Connection) -> None:
    """Check that the service can read and write an existing table.

    Additional columns are allowed if they are nullable or have a default.

    Raises:
        RuntimeError: The schema is different; names the difference.
    """
    inspector = sa.inspect(connection)
    columns = {column["name"]: column for column in inspector.get_columns("parts")}
    missing = sorted(COLUMNS.keys() - columns)
    if missing:
        raise RuntimeError(f"the table parts lacks the columns {', '.join(missing)}")
    for name, kind in COLUMNS.items():
        if not isinstance(columns[name]["type"], kind):
            found = columns[name]["type"]
            raise RuntimeError(  # noqa: TRY004 - a fault of the database, not of a caller
                f"the column {name} of the table parts has the type {found}"
            )
    for name in columns.keys() - COLUMNS:
        if not columns[name]["nullable"] and columns[name]["default"] is None:
            raise RuntimeError(f"the column {name} of the table parts must have a value")
    if inspector.get_pk_constraint("parts")["constrained_columns"] != ["id"]:
        raise RuntimeError("the table parts has another primary key than id")
    if connection.dialect.name == "sqlite":
        definition = sa.text("SELECT sql FROM sqlite_master WHERE name = 'parts'")
        if "AUTOINCREMENT" not in connection.execute(definition).scalar_one().upper():
            raise RuntimeError("the table parts has no AUTOINCREMENT: ids would be given twice")


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("parts")
