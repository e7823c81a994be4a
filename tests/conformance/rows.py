"""The rows in both databases before each case, and restoring them."""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, Final

ITEMS: Final = 1_500
"""More than the largest page."""

ISO_TIMESTAMP: Final = "2018-08-16T02:2{minute}:09.446Z"
"""How Encore stores a timestamp in SQLite."""
SEQUELIZE_TIMESTAMP: Final = "2018-08-16 02:2{minute}:09.446 +00:00"
"""How Sequelize stores the same timestamp."""

Rows = tuple[tuple[str, ...], list[tuple[Any, ...]]]
"""Column names and rows of one table."""


def build_tables(timestamp_format: str) -> dict[str, Rows]:
    """Return the rows of the small tables, parents first, with timestamps as a server stores them.

    Args:
        timestamp_format: ``ISO_TIMESTAMP`` or ``SEQUELIZE_TIMESTAMP``.
    """
    timestamps = [timestamp_format.format(minute=minute) for minute in range(10)]
    stamp, later = timestamps[2], timestamps[9]
    return {
        "parts": (
            ("id", "partNumber", "modelNumber", "name", "description", "createdAt", "updatedAt"),
            [
                (n, f"part-{n}", f"mod-{n % 3}", f"Valve {n}", f"Lot {n}", timestamps[n], later)
                for n in range(1, 8)
            ],
        ),
        "users": (
            ("id", "username", "email", "age", "active", "createdAt", "updatedAt"),
            [
                (1, "arthur", "arthur@hidden.example", 42, 1, stamp, stamp),
                (2, "ford", "ford@example.com", 200, 0, stamp, stamp),
                (3, "trillian", None, 17, 1, stamp, stamp),
                (4, "123", "100%_sure@example.com", None, None, stamp, stamp),
            ],
        ),
        "profiles": (
            ("id", "nickname", "userId"),
            [(1, "qwerty", 1), (2, "Prefect", 2), (3, "nobody's", None)],
        ),
        "books": (
            ("id", "title", "pages", "authorId"),
            [
                (1, "Tea", 100, 1),
                (2, "Towels", 42, 1),
                (3, "Improbability", 300, 2),
                (4, "Anonymous", None, None),
            ],
        ),
        "tags": (("id", "label"), [(1, "travel"), (2, "humour"), (3, "unused")]),
        "book_tags": (("bookId", "tagId"), [(1, 2), (2, 1), (2, 2), (3, 1)]),
        "gadgets": (
            ("id", "name", "kind", "secret", "price", "owner"),
            [
                (1, "hammer", "tool", "alpha", 30, "ann"),
                (2, "Hamster", "pet", "beta", 20, "bob"),
                (3, "saw", "tool", "gamma", 10, None),
                (4, "100% wool", None, "delta", None, "ann"),
            ],
        ),
        "readings": (("id", "value", "page"), [(1, 10, 1), (2, 20, 0), (3, None, 0)]),
        "notes": (
            ("id", "text", "owner"),
            [(1, "first", "ann"), (2, "second", "bob"), (3, "third", "ann")],
        ),
    }


def restore_tables(path: Path, tables: Mapping[str, Rows]) -> None:
    """Restore the small tables and their autoincrement counters; the servers may be running."""
    with closing(sqlite3.connect(path, timeout=10)) as connection, connection:
        connection.execute("PRAGMA synchronous=OFF")
        for table in reversed(list(tables)):
            connection.execute(f"DELETE FROM {table}")
            connection.execute("DELETE FROM sqlite_sequence WHERE name = ?", (table,))
        _insert(connection, tables)


def fill_items(path: Path) -> None:
    """Fill the large table once; no case writes it."""
    rows = [(n, f"item {n}") for n in range(1, ITEMS + 1)]
    with closing(sqlite3.connect(path)) as connection, connection:
        _insert(connection, {"items": (("id", "label"), rows)})


def _insert(connection: sqlite3.Connection, tables: Mapping[str, Rows]) -> None:
    for table, (columns, rows) in tables.items():
        names = ", ".join(f'"{name}"' for name in columns)
        marks = ", ".join("?" * len(columns))
        connection.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", rows)
