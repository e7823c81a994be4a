"""The schema's history. Alembic owns the schema: nothing else creates or changes a table."""

import re
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
    texts = [path.read_text(encoding="utf-8") for path in sorted(_VERSIONS.glob("*.py"))]
    built_upon = {name for text in texts for name in _DOWN.findall(text)}
    heads: set[str] = {name for text in texts for name in _REVISION.findall(text)} - built_upon
    if len(heads) != 1:
        raise RuntimeError(f"migrations: one head is needed, there are {sorted(heads)}")
    return heads.pop()
