"""SQLite on ``sqlite3``: one reader on the event loop, one writer, group commit."""

from encore.database.sqlite.database import SqliteDatabase

__all__ = ["SqliteDatabase"]
