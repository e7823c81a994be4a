"""The schema's history. Alembic owns the schema: nothing else creates or changes a table."""

import re
from functools import cache
from pathlib import Path
from typing import Final

_VERSIONS: Final = Path(__file__).parent / "versions"
_REVISION: Final = re.compile(r'^revision: str = "(\w+)"$', re.MULTILINE)
_DOWN: Final = re.compile(r'^down_revision: .* = "(\w+)"$', re.MULTILINE)


def newest_revision() -> str:
    """Give the revision that no other builds on: what the code needs the database to be at.

    Alembic knows it too, but importing Alembic costs a fifth of the service's start and 10 MB
    for good. A test holds the two against each other.

    Raises:
        RuntimeError: There are several; merge them (``alembic merge heads``).
    """
    revisions, built_upon = _revisions()
    heads = revisions - built_upon
    if len(heads) != 1:
        raise RuntimeError(f"migrations: one head is needed, there are {sorted(heads)}")
    return next(iter(heads))


def older_revisions() -> frozenset[str]:
    """Return the revisions that this code knows, without the newest."""
    return _revisions()[0] - {newest_revision()}


@cache
def _revisions() -> tuple[frozenset[str], frozenset[str]]:
    """Return all revisions, and those that another builds on."""
    texts = [path.read_text(encoding="utf-8") for path in sorted(_VERSIONS.glob("*.py"))]
    return (
        frozenset(name for text in texts for name in _REVISION.findall(text)),
        frozenset(name for text in texts for name in _DOWN.findall(text)),
    )
