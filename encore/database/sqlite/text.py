"""Reading text that is not UTF-8: SQLite stores any bytes as TEXT, Python rejects them."""

import sqlite3
from typing import Any

from encore.database.undecodable import Undecodable


def decode(data: bytes) -> str:
    """Decode text; invalid UTF-8 becomes U+FFFD. For ``Connection.text_factory``."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return Undecodable.create(data.decode(errors="replace"))


def fetch_all(driver: sqlite3.Connection, sql: str, values: Any) -> list[Any]:
    """Run a statement that changes nothing and return its rows.

    The driver's decoding is several times as fast as ``decode``, so it is tried first.
    """
    try:
        return driver.execute(sql, values).fetchall()
    except sqlite3.OperationalError as error:
        if not str(error).startswith("Could not decode to UTF-8"):
            raise
    driver.text_factory = decode
    try:
        return driver.execute(sql, values).fetchall()
    finally:
        driver.text_factory = str
