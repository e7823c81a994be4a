"""Running Alembic: settings, locks, revisions."""
