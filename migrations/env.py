"""How Alembic reaches the database: the service's own DATABASE_URL, one transaction for all."""

from typing import Final, Literal

from alembic import context
from alembic.autogenerate.rewriter import Rewriter
from alembic.operations import ops
from sqlalchemy import Connection

import db.models  # noqa: F401 - registers the models with Base
import encore
from db.base import Base
from encore.database.search_index import leave_out_search_indexes
from encore.migrations.running import run
from encore.migrations.settings import MigrationSettings
from encore.types import FixedDecimal, UtcDateTime

as_generated = Rewriter()

TARGET_METADATA: Final = [Base.metadata, encore.metadata]


@as_generated.rewrites(ops.AlterColumnOp)
def _keep_row_ids(
    migration: object, __: object, operation: ops.AlterColumnOp
) -> ops.AlterColumnOp | list[ops.AlterColumnOp]:
    """Pass over ``id`` being nullable in Sequelize's SQLite tables: a row id never is null."""
    table = Base.metadata.tables.get(operation.table_name)
    is_key = table is not None and operation.column_name in table.primary_key.columns
    sqlite = migration.dialect.name == "sqlite"  # type: ignore[attr-defined]
    return [] if sqlite and is_key and operation.modify_nullable is not None else operation


def as_plain_types(kind: str, element: object, _: object) -> str | Literal[False]:
    """Write the column types of our own as SQLAlchemy's: a migration outlives our code."""
    if kind != "type":
        return False
    match element:
        case UtcDateTime():
            return "sa.DateTime(timezone=True)"
        case FixedDecimal():
            return "sa.Integer()"
        case _:
            return False


def settings() -> MigrationSettings:
    """Return the settings, with the URL that the caller of Alembic's API passed, if any."""
    return MigrationSettings.load(context.config.attributes.get("database_url"))


def migrate(connection: Connection) -> None:
    """Run the migrations on a connection."""
    context.configure(
        connection=connection,
        target_metadata=TARGET_METADATA,
        render_as_batch=connection.dialect.name == "sqlite",
        process_revision_directives=as_generated,
        render_item=as_plain_types,
        include_name=leave_out_search_indexes,
    )
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()


if context.is_offline_mode():
    context.configure(url=settings().url, target_metadata=TARGET_METADATA, literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()
elif (given := context.config.attributes.get("connection")) is not None:
    migrate(given)
else:
    run(settings(), migrate)
