"""Database URLs: the supported ones, and the files that they name."""

from pathlib import Path
from typing import Final

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

SCHEMES: Final = ("sqlite", "postgresql")
_LAST_PORT: Final = 65_535


def sqlite_path(url: str) -> Path | None:
    """Return the path of a SQLite URL; None for another database. ``:memory:`` is not a file."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return None
    return Path(parsed.database or ":memory:")


def validate_url(url: str) -> None:
    """Validate that a URL names a supported database.

    Raises:
        ValueError: The message does not repeat the URL, which may contain a password.
    """
    try:
        parsed = make_url(url)
        backend = parsed.get_backend_name()
    except (ArgumentError, ValueError) as error:  # The latter repeats an invalid port.
        raise ValueError("is not a database URL such as sqlite:///dev.sqlite") from error
    if backend not in SCHEMES:
        raise ValueError(f"has the scheme {backend!r}; supported are {', '.join(SCHEMES)}")
    if parsed.port is not None and not 0 < parsed.port <= _LAST_PORT:
        raise ValueError(f"must have a port from 1 to {_LAST_PORT}")
    if backend == "sqlite" and str(sqlite_path(url)) == ":memory:":
        raise ValueError("must name a file: an in-memory database is lost with the process")
