"""The settings of a migration: those of the service that concern the database.

They are read without the service, whose other settings a migration does not need.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from alembic.util import CommandError

from encore.database.transport import check_encryption
from encore.database.urls import validate_url
from encore.dotenv import DATABASE_DEFAULTS, MAX_SECONDS, UnreadableSettings, load_environment


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrationSettings:
    """The settings of one run of Alembic.

    Attributes:
        url: The database's, of a kind that this service runs on.
        wait_seconds: For how long to wait for a database that is starting.
        lock_seconds: For how long a statement waits for a lock.
        statement_seconds: How long a statement may take, and for how long another migration is
            waited for; 0 for any time.
    """

    url: str
    wait_seconds: int
    lock_seconds: int
    statement_seconds: int

    @classmethod
    def load(cls, url: str | None) -> "MigrationSettings":
        """Load the settings. Raises ``CommandError``, which names the setting.

        Args:
            url: Overrides DATABASE_URL, if it is given.
        """
        try:
            values = {**DATABASE_DEFAULTS, **load_environment()}
        except UnreadableSettings as error:
            raise CommandError(str(error)) from error
        url = url or values["DATABASE_URL"] or DATABASE_DEFAULTS["DATABASE_URL"]
        try:
            validate_url(url)
        except ValueError as error:
            raise CommandError(f"DATABASE_URL: {error}") from error
        _check_encryption(url, values)
        return cls(
            url=url,
            wait_seconds=_seconds(values, "DATABASE_WAIT_SECONDS"),
            lock_seconds=_seconds(values, "MIGRATION_LOCK_SECONDS"),
            statement_seconds=_seconds(values, "MIGRATION_STATEMENT_SECONDS"),
        )


def _check_encryption(url: str, values: Mapping[str, str]) -> None:
    """Reject what the service rejects at its start: a migration sends the password as well."""
    environment = _word(values, "ENVIRONMENT", ("development", "production"))
    unencrypted = _word(values, "UNENCRYPTED_DATABASE", ("true", "false"))
    try:
        check_encryption(
            url,
            is_production=environment == "production",
            unencrypted=unencrypted == "true" if unencrypted else None,
        )
    except ValueError as error:
        raise CommandError(f"DATABASE_URL: {error}") from error


def _word(values: Mapping[str, str], name: str, choices: Sequence[str]) -> str:
    word = values.get(name, "").strip().lower()
    if word and word not in choices:
        raise CommandError(f"{name}: must be one of {', '.join(choices)}")
    return word


def _seconds(values: Mapping[str, str], name: str) -> int:
    text = values[name].strip()
    if not (text.isascii() and text.isdigit() and int(text) <= MAX_SECONDS):
        raise CommandError(f"{name}: must be an integer from 0 to {MAX_SECONDS}")
    return int(text)
