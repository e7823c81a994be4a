"""What Alembic's ``env.py`` of a service runs: the service's own DATABASE_URL, one transaction.

An ``env.py`` is two lines, with the models' metadata or with the service::

    from encore.migrations import run_migrations
    run_migrations(Base.metadata)
"""

from functools import partial
from typing import Any, Final, Literal

from alembic import context
from alembic.autogenerate.rewriter import Rewriter
from alembic.operations import ops
from alembic.runtime.migration import MigrationContext
from alembic.util import CommandError
from sqlalchemy import Connection, MetaData, inspect
from sqlalchemy.exc import DBAPIError

from encore.database.history import exclude_authors
from encore.database.search_index import exclude_search_indexes
from encore.database.tables import metadata as library_metadata
from encore.errors import StartupError
from encore.migrations.running import run
from encore.migrations.settings import MigrationSettings
from encore.types import DurationHours, FixedDecimal, UtcDateTime

_NO_ISSUER: Final = {"ISSUER": "https://issuer.invalid/"}
"""Overrides ISSUER, which a migration does not need: no token is verified then."""


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
        # SQLite rolls back DDL as well, and with_connection() begins transactions with its lock.
        # Alembic's default there is a transaction for each migration: another process could take
        # the lock between two of them, and both would run the second.
        run(_settings(), partial(environment.migrate, transactional_ddl=True))


def run_service_migrations(target: str) -> None:
    """Run the migrations for the models of a service; to be called from ``env.py``.

    Args:
        target: ``module:attribute`` of the service. Its issuer need not be set.

    Raises:
        CommandError: One line: the service cannot be loaded.
    """
    from encore.service.target import Target  # noqa: PLC0415 - models alone need no FastAPI
    from encore.settings import set_process_layers  # noqa: PLC0415

    set_process_layers(defaults={}, overrides=_NO_ISSUER)
    try:
        service = Target(target).load()
    except StartupError as error:
        raise CommandError("; ".join(str(error).splitlines())) from error
    settings = service.settings
    attributes = context.config.attributes
    # Also those that the service sets in code.
    attributes["settings"] = MigrationSettings(
        url=attributes.get("database_url") or settings.database_url,
        wait_seconds=settings.database_wait_seconds,
        lock_seconds=settings.migration_lock_seconds,
        statement_seconds=settings.migration_statement_seconds,
    )
    run_migrations(*service.metadata)


class _TargetMetadata(list[MetaData]):
    """All metadata that autogenerate compares, with the naming convention of the first.

    Operations such as ``op.create_table`` name constraints by the ``naming_convention`` of
    Alembic's ``target_metadata``, and use none if that is a plain list.
    """

    @property
    def naming_convention(self) -> Any:
        """The naming convention of the service's own models."""
        return self[0].naming_convention


class _Environment:
    def __init__(self, metadata: list[MetaData]) -> None:
        self._metadata = _TargetMetadata(metadata)
        self._rewriter = Rewriter()
        self._rewriter.rewrites(ops.AlterColumnOp)(self._keep_row_ids)

    def migrate(self, connection: Connection, *, transactional_ddl: bool | None = None) -> None:
        """Run the migrations on a connection.

        Args:
            connection: The connection.
            transactional_ddl: Whether all migrations are one transaction; None for Alembic's
                default, false on SQLite, where not every engine begins transactions before DDL.
        """
        context.configure(
            connection=connection,
            target_metadata=self._metadata,
            transactional_ddl=transactional_ddl,
            render_as_batch=connection.dialect.name == "sqlite",
            process_revision_directives=self._write_revision,
            render_item=_as_plain_types,
            include_name=_is_compared,
        )
        heads = context.get_context().get_current_heads()
        adopted = not heads and self._has_tables(connection)
        try:
            with context.begin_transaction():
                context.run_migrations()
        except (CommandError, DBAPIError) as error:
            if (explained := _explain(error, heads, adopted=adopted)) is not None:
                raise explained from error
            raise
        connection.commit()

    def write_sql(self) -> None:
        """Write the statements instead of running them: ``alembic upgrade --sql``."""
        url = _settings().url
        context.configure(url=url, target_metadata=self._metadata, literal_binds=True)
        with context.begin_transaction():
            context.run_migrations()

    def _has_tables(self, connection: Connection) -> bool:
        """Return whether the database has one of the models' tables."""
        inspector = inspect(connection)
        tables = [table for metadata in self._metadata for table in metadata.tables.values()]
        return any(inspector.has_table(table.name, table.schema) for table in tables)

    def _write_revision(
        self, migration: MigrationContext, revision: Any, directives: list[ops.MigrationScript]
    ) -> None:
        """Reject a first revision that would be empty, since the tables were created without it.

        Raises:
            CommandError: Says how to compare with an empty database instead.
        """
        connection = migration.connection
        is_first = not context.script.get_heads()
        if is_first and connection is not None and self._has_tables(connection):
            raise CommandError(
                "DATABASE_URL: the database has tables already, so that the first revision would"
                " lack them; name a new database for this command (such as"
                " DATABASE_URL=sqlite:///new.sqlite), then run alembic stamp head on this one"
            )
        self._rewriter(migration, revision, directives)

    def _keep_row_ids(
        self, migration: object, _: object, operation: ops.AlterColumnOp
    ) -> ops.AlterColumnOp | list[ops.AlterColumnOp]:
        """Ignore that ``id`` is nullable in Sequelize's SQLite tables: a row id never is null."""
        found = (metadata.tables.get(operation.table_name) for metadata in self._metadata)
        table = next((table for table in found if table is not None), None)
        is_key = table is not None and operation.column_name in table.primary_key.columns
        sqlite = migration.dialect.name == "sqlite"  # type: ignore[attr-defined] # Alembic's own
        return [] if sqlite and is_key and operation.modify_nullable is not None else operation


def _is_compared(name: str | None, type_: str, parents: Any) -> bool:
    """Return whether autogenerate compares a table or index, which metadata may lack."""
    return exclude_search_indexes(name, type_, parents) and exclude_authors(name, type_, parents)


def _explain(error: Exception, heads: tuple[str, ...], *, adopted: bool) -> CommandError | None:
    """Return an error that says what to do about the database's revision, if that is the cause."""
    unknown = [head for head in heads if f"'{head}'" in str(error)]
    if unknown and isinstance(error, CommandError):
        return CommandError(
            f"DATABASE_URL: the database is at revision {unknown[0]}, which this code does not"
            " know: a newer version migrated it; run that, or restore a backup"
        )
    if adopted and isinstance(error, DBAPIError):
        reason = str(error.orig).splitlines()[0]
        return CommandError(
            f"DATABASE_URL: the database has tables but no revision ({reason}); name a new"
            " database, or run alembic stamp head if its tables are those of the migrations"
        )
    return None


def _settings() -> MigrationSettings:
    """Return the service's settings, or those of the environment and the URL that was passed."""
    attributes = context.config.attributes
    settings: MigrationSettings | None = attributes.get("settings")
    return settings or MigrationSettings.load(attributes.get("database_url"))


def _as_plain_types(type_: str, element: object, _: object) -> str | Literal[False]:
    """Write the column types of this library as SQLAlchemy's: a migration outlives our code."""
    if type_ != "type":
        return False
    match element:
        case UtcDateTime():
            return "sa.DateTime(timezone=True)"
        case FixedDecimal() | DurationHours():
            return "sa.Integer()"
        case _:
            return False
