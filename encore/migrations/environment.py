"""What Alembic's ``env.py`` of a service runs: the service's own DATABASE_URL, one transaction.

An ``env.py`` is two lines, with the models' metadata or with the service::

    from encore.migrations import run_migrations
    run_migrations(Base.metadata)
"""

from typing import Literal

from alembic import context
from alembic.autogenerate.rewriter import Rewriter
from alembic.operations import ops
from alembic.util import CommandError
from sqlalchemy import Connection, MetaData

from encore.database.search_index import exclude_search_indexes
from encore.database.tables import metadata as library_metadata
from encore.errors import StartupError
from encore.migrations.running import run
from encore.migrations.settings import MigrationSettings
from encore.types import FixedDecimal, UtcDateTime


def run_migrations(*metadata: MetaData) -> None:
    """Run the migrations that Alembic was asked for; to be called from ``env.py``.

    Args:
        metadata: What the models declare; autogenerate compares the database with it, and with the
            tables of this library.
    """
    environment = _Environment([*metadata, library_metadata])
    if context.is_offline_mode():
        environment.write_sql()
    elif (connection := context.config.attributes.get("connection")) is not None:
        environment.migrate(connection)
    else:
        run(_settings(), environment.migrate)


def run_service_migrations(target: str) -> None:
    """Run the migrations for the models of a service; to be called from ``env.py``.

    Args:
        target: ``module:attribute`` of the service. Its issuer need not be set.

    Raises:
        CommandError: One line: the service cannot be loaded.
    """
    from encore.service.target import Target  # noqa: PLC0415 - models alone need no FastAPI
    from encore.settings import DEVELOPMENT, set_process_layers  # noqa: PLC0415

    set_process_layers(defaults=DEVELOPMENT, overrides={})
    try:
        service = Target(target).load()
    except StartupError as error:
        raise CommandError("; ".join(str(error).splitlines())) from error
    run_migrations(*service.metadata)


class _Environment:
    def __init__(self, metadata: list[MetaData]) -> None:
        self._metadata = metadata
        self._rewriter = Rewriter()
        self._rewriter.rewrites(ops.AlterColumnOp)(self._keep_row_ids)

    def migrate(self, connection: Connection) -> None:
        """Run the migrations on a connection."""
        context.configure(
            connection=connection,
            target_metadata=self._metadata,
            render_as_batch=connection.dialect.name == "sqlite",
            process_revision_directives=self._rewriter,
            render_item=_as_plain_types,
            include_name=exclude_search_indexes,
        )
        with context.begin_transaction():
            context.run_migrations()
        connection.commit()

    def write_sql(self) -> None:
        """Write the statements instead of running them: ``alembic upgrade --sql``."""
        url = _settings().url
        context.configure(url=url, target_metadata=self._metadata, literal_binds=True)
        with context.begin_transaction():
            context.run_migrations()

    def _keep_row_ids(
        self, migration: object, _: object, operation: ops.AlterColumnOp
    ) -> ops.AlterColumnOp | list[ops.AlterColumnOp]:
        """Ignore that ``id`` is nullable in Sequelize's SQLite tables: a row id never is null."""
        found = (metadata.tables.get(operation.table_name) for metadata in self._metadata)
        table = next((table for table in found if table is not None), None)
        is_key = table is not None and operation.column_name in table.primary_key.columns
        sqlite = migration.dialect.name == "sqlite"  # type: ignore[attr-defined] # Alembic's own
        return [] if sqlite and is_key and operation.modify_nullable is not None else operation


def _settings() -> MigrationSettings:
    """Return the settings, with the URL that the caller of Alembic's API passed, if any."""
    return MigrationSettings.load(context.config.attributes.get("database_url"))


def _as_plain_types(type_: str, element: object, _: object) -> str | Literal[False]:
    """Write the column types of this library as SQLAlchemy's: a migration outlives our code."""
    if type_ != "type":
        return False
    match element:
        case UtcDateTime():
            return "sa.DateTime(timezone=True)"
        case FixedDecimal():
            return "sa.Integer()"
        case _:
            return False
