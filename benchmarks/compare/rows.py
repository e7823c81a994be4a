"""The rows that both databases hold before each case, and setting them back."""

import sqlite3
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from benchmarks.parts import COLUMNS, generate

ITEMS: Final = 1_500
MOMENT: Final = datetime(2018, 8, 16, 2, 22, 9, 446_000, tzinfo=UTC)
_PARTS: Final = 7

Rows = tuple[tuple[str, ...], list[tuple[Any, ...]]]
Stamp = Callable[[datetime], Any]


def fixed(stamp: Stamp) -> dict[str, Rows]:
    """Give the small tables, parents first; dates in the form that a side stores."""
    moment = stamp(MOMENT)
    users = [
        (1, "arthur", "arthur@hidden.example", 42, 1),
        (2, "ford", "ford@example.com", 200, 0),
        (3, "trillian", None, 17, 1),
        (4, "123", "100%_sure@example.com", None, None),
    ]
    return {
        "parts": (COLUMNS, [part.row(stamp) for part in generate(_PARTS * 8)[:_PARTS]]),
        "users": (
            ("id", "username", "email", "age", "active", "createdAt", "updatedAt"),
            [(*user, moment, moment) for user in users],
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


def restore(path: Path, tables: Mapping[str, Rows]) -> None:
    """Set the small tables back, their numbering included; the servers may run."""
    with closing(sqlite3.connect(path, timeout=10)) as connection, connection:
        for table in reversed(list(tables)):
            connection.execute(f"DELETE FROM {table}")
            connection.execute("DELETE FROM sqlite_sequence WHERE name = ?", (table,))
        _insert(connection, tables)


def fill_items(path: Path) -> None:
    """Fill the large table, once: no case writes it."""
    rows = [(n, f"item {n}") for n in range(1, ITEMS + 1)]
    with closing(sqlite3.connect(path)) as connection, connection:
        _insert(connection, {"items": (("id", "label"), rows)})


def _insert(connection: sqlite3.Connection, tables: Mapping[str, Rows]) -> None:
    for table, (columns, rows) in tables.items():
        _insert_into(connection, table, columns, rows)


def _insert_into(
    connection: sqlite3.Connection,
    table: str,
    columns: tuple[str, ...],
    rows: Iterable[tuple[Any, ...]],
) -> None:
    names = ", ".join(f'"{name}"' for name in columns)
    marks = ", ".join("?" * len(columns))
    connection.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", rows)
