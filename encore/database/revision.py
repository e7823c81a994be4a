"""Which Alembic revisions this code can run on.

A database at an older revision than the code needs is not written to: the code would rely on
columns and constraints that are not there. A revision that the code does not know is a newer one:
in a rolling deployment the database is migrated first, and the code that is still running serves on
until it is replaced.
"""

from collections.abc import Collection

from encore.database.errors import SchemaOutdated


def check_revision(found: str | None, outdated: Collection[str]) -> None:
    """Raise ``SchemaOutdated`` if a database at this revision is too old for the code.

    Args:
        found: The database's revision; None if Alembic has never seen it or undone everything.
        outdated: The revisions that are too old; empty to accept any database.
    """
    if outdated and (found is None or found in outdated):
        raise SchemaOutdated("The database needs a migration first", code="schema-outdated")
