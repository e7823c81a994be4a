"""URLs of databases: which this service runs on, and what they name."""

from pathlib import Path
from typing import Final

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

SCHEMES: Final = ("sqlite", "postgresql")
_LAST_PORT: Final = 65_535


def sqlite_path(url: str) -> Path | None:
    """Give the file of a SQLite URL; None for another database. ``:memory:`` is not a file."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return None
    return Path(parsed.database or ":memory:")


def validate_url(url: str) -> None:
    """Refuse what is not the URL of a database that this service runs on.

    Raises:
        ValueError: Says what is wrong, without repeating the URL: it may hold a password.
    """
    try:
        parsed = make_url(url)
        backend = parsed.get_backend_name()
    except (ArgumentError, ValueError) as error:  # The latter shows what should be a port.
        raise ValueError("is not a database URL such as sqlite:///dev.sqlite") from error
    if backend not in SCHEMES:
        raise ValueError(f"has the scheme {backend!r}; known are {', '.join(SCHEMES)}")
    if parsed.port is not None and not 0 < parsed.port <= _LAST_PORT:
        raise ValueError(f"has a port that is none: it must be from 1 to {_LAST_PORT}")
    if backend == "sqlite" and str(sqlite_path(url)) == ":memory:":
        raise ValueError("needs a file: an in-memory database keeps nothing")
