"""SQLite, run on the driver itself: one reader on the event loop, one writer, group commit."""

from db.sqlite.database import SqliteDatabase

__all__ = ["SqliteDatabase"]
