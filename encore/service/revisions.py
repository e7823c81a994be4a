"""The revisions in a directory of Alembic's, read without importing Alembic.

Importing Alembic costs a fifth of a service's start and 10 MB for good. A test holds the two
against each other.
"""

import re
from pathlib import Path
from typing import Final

from encore.errors import StartupError

_REVISION: Final = re.compile(r'^revision(?:: [^=]*)? = ["\'](\w+)["\']', re.MULTILINE)
_DOWN: Final = re.compile(r"^down_revision(?:: [^=]*)? = (.*)$", re.MULTILINE)
_NAME: Final = re.compile(r'["\'](\w+)["\']')


def newest_revision(directory: Path) -> str | None:
    """Return the revision that no other builds on; None if there are no revisions yet.

    Args:
        directory: Alembic's ``script_location``, which has a folder ``versions``.

    Raises:
        StartupError: There are several, or a file states no revision.
    """
    return _newest(*_read_revisions(directory))


def older_revisions(directory: Path) -> frozenset[str]:
    """Return the revisions of a directory, without the newest."""
    revisions, built_upon = _read_revisions(directory)
    return revisions - {_newest(revisions, built_upon)}


def all_revisions(directory: Path) -> frozenset[str]:
    """Return the revisions of a directory."""
    return _read_revisions(directory)[0]


def _newest(revisions: frozenset[str], built_upon: frozenset[str]) -> str | None:
    heads = revisions - built_upon
    if len(heads) > 1:
        raise StartupError(
            f"migrations: must have one newest revision, not {', '.join(sorted(heads))};"
            " run alembic merge heads"
        )
    return next(iter(heads), None)


def _read_revisions(directory: Path) -> tuple[frozenset[str], frozenset[str]]:
    """Return all revisions, and those that another builds on.

    Raises:
        StartupError: A file has no line ``revision = "..."``: its revision would be unknown here.
    """
    revisions: set[str] = set()
    built_upon: set[str] = set()
    for path in sorted((directory / "versions").glob("*.py")):
        if path.name == "__init__.py":  # Alembic skips it too.
            continue
        text = path.read_text(encoding="utf-8")
        found = _REVISION.search(text)
        if found is None:
            raise StartupError(f'migrations: {path.name} must have a line revision = "..."')
        revisions.add(found[1])
        built_upon.update(name for down in _DOWN.findall(text) for name in _NAME.findall(down))
    return frozenset(revisions), frozenset(built_upon)
