"""Upgrading a database from within a process: ``alembic upgrade head``."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util import CommandError

from encore.database.errors import DatabaseError
from encore.errors import StartupError


def upgrade_database(url: str, migrations: Path) -> None:
    """Bring a database to the newest revision; create it if it does not exist.

    Args:
        url: The database's.
        migrations: Alembic's ``script_location``.

    Raises:
        StartupError: One line: what keeps it from being reached or migrated.
    """
    config = Config()
    config.set_main_option("script_location", str(migrations).replace("%", "%%"))
    config.attributes["database_url"] = url
    try:
        command.upgrade(config, "head")
    except (CommandError, DatabaseError, OSError, RuntimeError) as error:
        message = str(error).removeprefix("DATABASE_URL: ")
        raise StartupError(f"DATABASE_URL: the database cannot be migrated: {message}") from error
    except Exception as error:  # Drivers have exceptions of their own: SQLAlchemy's, sqlite3's.
        message = str(error).splitlines()[0]
        raise StartupError(f"DATABASE_URL: the database cannot be migrated: {message}") from error
