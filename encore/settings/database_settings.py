"""The settings of the database, and of what it keeps secret."""

from pydantic import BaseModel, Field

from encore.dotenv import DATABASE_DEFAULTS
from encore.settings import validators as types
from encore.settings.validators import Seconds


class DatabaseSettings(BaseModel):
    """Where rows are stored, and how long a start or a migration waits.

    Attributes:
        database_url: ``sqlite:///file`` or ``postgresql://user:password@host/name``.
        database_wait_seconds: For how long a start waits for a database that is starting too.
        migration_lock_seconds: For how long a migration waits for a lock on a table.
        migration_statement_seconds: How long a statement of a migration may take, and for how
            long another migration is waited for; 0 for any time.
        secret_key: What keys are derived from (cursors); empty for one that the database keeps.
        unencrypted_database: Whether data may cross a network to the database unencrypted; by
            default only in development.
    """

    database_url: types.DatabaseUrl = DATABASE_DEFAULTS["DATABASE_URL"]
    database_wait_seconds: Seconds = int(DATABASE_DEFAULTS["DATABASE_WAIT_SECONDS"])
    migration_lock_seconds: Seconds = int(DATABASE_DEFAULTS["MIGRATION_LOCK_SECONDS"])
    migration_statement_seconds: Seconds = int(DATABASE_DEFAULTS["MIGRATION_STATEMENT_SECONDS"])
    secret_key: types.SecretKey = Field("", repr=False)
    unencrypted_database: types.OptionalFlag = None
